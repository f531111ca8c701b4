"""The inputs of a card as Slack's, each with its label, its hint and its error."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    DatePickerElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    OptionGroup,
    PlainTextInputElement,
    RadioButtonsElement,
    StaticSelectElement,
)
from slack_sdk.models.blocks.basic_components import DispatchActionConfig

from cards.blocks.texts import plain, quiet, section, sections
from cards.card import Choice, ChoiceInput, DateInput, Input, TextInput
from cards.limits import CardTooLarge, shortened, units
from cards.presenting import NOTHING_TO_CHOOSE, day_of, error_words, guidance, label_of

LABEL, HINT, TYPED = 2000, 2000, 3000
OPTION, VALUE, IDENTITY = 75, 150, 255
RADIOS, OPTIONS_A_GROUP, GROUPS = 10, 100, 100
PLEASE_CHOOSE = "Please choose"
NO_ANSWER = "No answer"
_UNCHOSEN = "(none)"
"""Stands for a choice that is empty: Slack takes no option without a value."""


def question(entry: Input, *, insisted: bool, focused: bool = False) -> list[Block]:
    """What is too long for the input, then the input, then its error.

    The app hears of what is put in at once, so that it can be kept: Slack doesn't promise to give it when a form is
    closed.
    `insisted`: whether the client asks for an answer before it sends the form; `focused`: whether the cursor
    starts here.
    """
    blocks: list[Block] = []
    # Slack itself puts this after the label of whatever it doesn't insist on.
    label, hint = label_of(entry) if insisted else entry.label.removesuffix(" (optional)"), guidance(entry)
    if units(quiet(label)) > LABEL:
        blocks.extend(sections(label))
    if isinstance(entry, ChoiceInput):
        blocks.extend(_long_choices(entry))
    if isinstance(entry, TextInput) and units(entry.value) > TYPED:
        hint = f"Your answer is longer than the {TYPED} characters that Slack takes here; its end is left out. {hint}"
    if units(quiet(hint)) > HINT:
        blocks.extend(sections(hint))
        hint = ""
    element = _element(entry, insisted=insisted, focused=focused)
    if element is None:
        blocks.extend(sections(f"{label}: {NOTHING_TO_CHOOSE} {hint}"))
    else:
        blocks.append(
            InputBlock(
                block_id=block_id(entry),
                label=plain(label, LABEL),
                hint=plain(hint, HINT) if hint.strip() else None,
                element=element,
                optional=not insisted,
                dispatch_action=True,
            )
        )
    if entry.error:
        blocks.append(section(error_words(entry.error)))
    return blocks


def block_id(entry: Input) -> str:
    """The block of an input: the same wherever it is asked. What somebody types stays with it while it is in a view.

    Raises CardTooLarge if the name is longer than Slack takes.
    """
    if units(entry.name) > IDENTITY:
        raise CardTooLarge(f"An input's name has {units(entry.name)} characters and Slack takes {IDENTITY}.")
    whole = f"input/{entry.name}"
    return whole if units(whole) <= IDENTITY else f"input/{sha256(whole.encode()).hexdigest()}"


def can_be_answered(entry: Input) -> bool:
    """Whether Slack has a control for it: there is none where nothing can be chosen."""
    return not isinstance(entry, ChoiceInput) or bool(entry.choices)


def answers(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, str]:
    """What was answered, by the names of the inputs, out of `state.values` of a view."""
    found: dict[str, str] = {}
    for block in values.values():
        for name, element in block.items():
            option = element.get("selected_option") or {}
            given = element.get("value") or element.get("selected_date") or option.get("value") or ""
            found[name] = "" if option and given == _UNCHOSEN else str(given)
    return found


def _element(entry: Input, *, insisted: bool, focused: bool) -> InputInteractiveElement | None:
    """The control of the input, or None where Slack has none, because there is nothing to choose from."""
    focus = True if focused else None
    if isinstance(entry, TextInput):
        value = shortened(entry.value, TYPED, "")
        return PlainTextInputElement(
            action_id=entry.name,
            multiline=entry.long or "\n" in value,
            initial_value=value or None,
            max_length=min(max(entry.length, units(value), 1), TYPED),
            dispatch_action_config=DispatchActionConfig(trigger_actions_on=["on_character_entered"]),
            focus_on_load=focus,
        )
    if isinstance(entry, DateInput):
        day = entry.value if day_of(entry.value) else None
        return DatePickerElement(action_id=entry.name, initial_date=day, focus_on_load=focus)
    if not entry.choices:
        return None
    choices: dict[str, Choice] = {}
    for choice in entry.choices:
        choices.setdefault(choice.value, choice)
    options = {value: _option(choice) for value, choice in choices.items()}
    if not insisted and "" not in options:
        options[""] = _option(Choice("", NO_ANSWER))
        chosen = options[entry.value] if entry.value and entry.value in options else None
    else:
        chosen = options.get(entry.value)
    offered = list(options.values())
    labels = [*(choice.label for choice in choices.values()), NO_ANSWER]
    if len(offered) <= RADIOS and not entry.compact:
        return RadioButtonsElement(action_id=entry.name, options=offered, initial_option=chosen, focus_on_load=focus)
    many = len(offered) > OPTIONS_A_GROUP
    return StaticSelectElement(
        action_id=entry.name,
        placeholder=plain(PLEASE_CHOOSE, OPTION),
        options=None if many else offered,
        option_groups=_groups(offered, labels) if many else None,
        initial_option=chosen,
        focus_on_load=focus,
    )


def _groups(options: Sequence[Option], labels: Sequence[str]) -> list[OptionGroup]:
    """The options a hundred a group, which is called by its first and its last."""
    if len(options) > OPTIONS_A_GROUP * GROUPS:
        raise CardTooLarge(f"An input offers {len(options)} choices and Slack takes {OPTIONS_A_GROUP * GROUPS}.")
    spans = [(start, min(start + OPTIONS_A_GROUP, len(options))) for start in range(0, len(options), OPTIONS_A_GROUP)]
    half = OPTION // 2 - 2
    return [
        OptionGroup(
            label=plain(f"{shortened(labels[start], half)} – {shortened(labels[end - 1], half)}", OPTION, "…"),
            options=options[start:end],
        )
        for start, end in spans
    ]


def _option(choice: Choice) -> Option:
    if units(choice.value) > VALUE:
        raise CardTooLarge(f"A choice's value has {units(choice.value)} characters and Slack takes {VALUE}.")
    hinted = bool(choice.hint.strip()) and units(quiet(choice.hint)) <= OPTION
    return Option(
        value=choice.value or _UNCHOSEN,
        text=plain(choice.label, OPTION, "…"),
        description=plain(choice.hint, OPTION) if hinted else None,
    )


def _long_choices(entry: ChoiceInput) -> list[Block]:
    """The choices whose words don't fit beside their buttons, in full."""
    long = [
        f"• {choice.label}: {choice.hint}" if choice.hint else f"• {choice.label}"
        for choice in entry.choices
        if max(units(quiet(choice.label)), units(quiet(choice.hint))) > OPTION
    ]
    return sections("\n".join((f"{entry.label}: these choices in full", *long))) if long else []
