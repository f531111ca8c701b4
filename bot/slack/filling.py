"""What stands in a form: values that are still offered, what is wrong with them, and the question of privacy."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cards.card import Card, ChoiceInput, Input, InputGroup, TextInput
from handlers import privacy
from handlers.privacy import TICK

NOT_OFFERED = "Please choose one of the answers that are offered."
NOT_ANSWERED = "Please answer this one."


def filled(card: Card, values: Mapping[str, str]) -> Card:
    """The card with these values in its inputs. A choice that is no longer offered is left open."""
    offered = {one.name: one for one in card.all_inputs()}
    fitting = {name: value for name, value in values.items() if name in offered and is_offered(offered[name], value)}
    errors = {one.name: one.error for one in card.all_inputs()}
    return card.answered(fitting, errors, card.error)


def is_offered(entry: Input, value: str) -> bool:
    return not isinstance(entry, ChoiceInput) or not value or any(one.value == value for one in entry.choices)


def faults(inputs: Iterable[Input], values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with these values whatever the form is about, by input."""
    found: dict[str, str] = {}
    for entry in inputs:
        value = values.get(entry.name, "")
        if not is_offered(entry, value):
            found[entry.name] = NOT_OFFERED
        elif isinstance(entry, TextInput) and len(value) > entry.length:
            found[entry.name] = f"Please use at most {entry.length} characters; these are {len(value)}."
    return found


def personal(inputs: Iterable[Input], values: Mapping[str, str]) -> dict[str, str]:
    """The question to the writer for each text with something personal in it; none where they say that it isn't."""
    return privacy.questioned(values, [one.name for one in inputs if isinstance(one, TextInput)])


def asked_back(card: Card, values: Mapping[str, str], errors: Mapping[str, str]) -> Card:
    """The form with what was typed and what is wrong with it; what looks personal is taken out, and asked about."""
    count = len(errors)
    words = "One answer needs another look." if count == 1 else f"{count} answers need another look."
    return privacy.again(card, values, errors, f"{words} Nothing else that you wrote is lost.")


def questioned_in(card: Card) -> str:
    """The input after which the question of privacy belongs, in a form that asks it; empty where it doesn't."""
    if all(one.name != TICK for one in card.all_inputs()):
        return ""
    return next((one.name for one in card.all_inputs() if one.error.startswith(privacy.ASKS)), "")


def laid_out(card: Card, after: str) -> Card:
    """The form with its question of privacy straight after one of its inputs; as it is where that is in no form.

    On a form in steps it must stand where it is about something.
    """
    names = {one.name for one in card.all_inputs()}
    if after not in names:
        return card
    asking = card if TICK in names else privacy.again(card, {TICK: "yes"}, _errors(card), card.error)
    tick = next(one for one in asking.all_inputs() if one.name == TICK)
    inputs: list[Input | InputGroup] = []
    for entry in asking.inputs:
        if isinstance(entry, InputGroup):
            inputs.append(replace(entry, inputs=tuple(_with(entry.inputs, tick, after))))
        else:
            inputs.extend(_with((entry,), tick, after))
    return replace(asking, inputs=tuple(inputs))


def _with(inputs: Iterable[Input], tick: Input, after: str) -> list[Input]:
    found: list[Input] = []
    for entry in inputs:
        if entry.name != TICK:
            found.append(entry)
        if entry.name == after:
            found.append(tick)
    return found


def _errors(card: Card) -> dict[str, str]:
    return {one.name: one.error for one in card.all_inputs() if one.error}
