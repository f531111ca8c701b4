"""The inputs of a card as Slack's, each with its label, its hint and its error."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from slack_sdk.models.blocks import (
    DatePickerElement,
    InputBlock,
    Option,
    OptionGroup,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
    StaticSelectElement,
)
from slack_sdk.models.blocks.basic_components import DispatchActionConfig

from cards.blocks.moulds import mould
from cards.blocks.texts import PLAIN, plain, quiet, section, sections
from cards.card import Choice, ChoiceInput, DateInput, Input, TextInput
from cards.limits import CardTooLarge, shortened, units
from cards.moulds import Written
from cards.presenting import NOTHING_TO_CHOOSE, day_of, error_words, guidance, label_of

LABEL, HINT, TYPED = 2000, 2000, 3000
OPTION, VALUE, IDENTITY = 75, 150, 255
RADIOS, OPTIONS_A_GROUP, GROUPS = 10, 100, 100
NO_ANSWER = "No answer"
_UNCHOSEN = "(none)"
"""Stands for a choice that is empty: Slack takes no option without a value."""

_TEXT_EXAMPLE = PlainTextInputElement(
    action_id="why",
    multiline=True,
    initial_value="Typed.",
    max_length=TYPED,
    dispatch_action_config=DispatchActionConfig(trigger_actions_on=["on_character_entered"]),
    focus_on_load=True,
)
_OPTION_EXAMPLE = Option(value="good", text=PLAIN, description=PLAIN)
_GROUP_EXAMPLE = OptionGroup(label=PLAIN, options=[_OPTION_EXAMPLE])
_PLEASE_CHOOSE = PlainTextObject(text="Please choose", emoji=False)
_INPUT = mould(
    InputBlock(
        block_id="input/why", label=PLAIN, hint=PLAIN, element=_TEXT_EXAMPLE, optional=True, dispatch_action=True
    ),
    "block_id",
    "label",
    "hint",
    "element",
    "optional",
)
_TEXT = mould(_TEXT_EXAMPLE, "action_id", "multiline", "initial_value", "max_length", "focus_on_load")
_DATE = mould(
    DatePickerElement(action_id="due", initial_date="2026-04-02", focus_on_load=True),
    "action_id",
    "initial_date",
    "focus_on_load",
)
_CHOOSING = ("action_id", "initial_option", "focus_on_load")
_RADIOS = mould(
    RadioButtonsElement(
        action_id="grade", options=[_OPTION_EXAMPLE], initial_option=_OPTION_EXAMPLE, focus_on_load=True
    ),
    *_CHOOSING,
    "options",
)
_DROP_DOWN = mould(
    StaticSelectElement(
        action_id="grade",
        placeholder=_PLEASE_CHOOSE,
        options=[_OPTION_EXAMPLE],
        initial_option=_OPTION_EXAMPLE,
        focus_on_load=True,
    ),
    *_CHOOSING,
    "options",
)
_LONG_DROP_DOWN = mould(
    StaticSelectElement(
        action_id="grade",
        placeholder=_PLEASE_CHOOSE,
        option_groups=[_GROUP_EXAMPLE],
        initial_option=_OPTION_EXAMPLE,
        focus_on_load=True,
    ),
    *_CHOOSING,
    "option_groups",
)
_OPTION = mould(_OPTION_EXAMPLE, "value", "text", "description")
_GROUP = mould(_GROUP_EXAMPLE, "label", "options")


def question(entry: Input, *, insisted: bool, focused: bool = False) -> tuple[Written, ...]:
    """What is too long for the input, then the input, then its error.

    The app hears of what is put in at once, so that it can be kept: Slack doesn't promise to give it when a form is
    closed.
    `insisted`: whether the client asks for an answer before it sends the form; `focused`: whether the cursor
    starts here.
    """
    if entry.value and not isinstance(entry, ChoiceInput):
        return _asked(entry, insisted, focused)
    return _kept(entry, insisted, focused)


@lru_cache(maxsize=1024)
def _kept(entry: Input, insisted: bool, focused: bool) -> tuple[Written, ...]:
    """An input into which nothing was typed. A form asks the same of everybody; what somebody typed isn't kept."""
    return _asked(entry, insisted, focused)


def _asked(entry: Input, insisted: bool, focused: bool) -> tuple[Written, ...]:
    blocks: list[Written] = []
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
            _INPUT.filled(
                block_id=block_id(entry),
                label=plain(label, LABEL),
                hint=plain(hint, HINT) if hint.strip() else None,
                element=element,
                optional=not insisted,
            )
        )
    if entry.error:
        blocks.append(section(error_words(entry.error)))
    return tuple(blocks)


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


def _element(entry: Input, *, insisted: bool, focused: bool) -> Written | None:
    """The control of the input, or None where Slack has none, because there is nothing to choose from."""
    focus = True if focused else None
    if isinstance(entry, TextInput):
        value = shortened(entry.value, TYPED, "")
        return _TEXT.filled(
            action_id=entry.name,
            multiline=entry.long or "\n" in value,
            initial_value=value or None,
            max_length=min(max(entry.length, units(value), 1), TYPED),
            focus_on_load=focus,
        )
    if isinstance(entry, DateInput):
        day = entry.value if day_of(entry.value) else None
        return _DATE.filled(action_id=entry.name, initial_date=day, focus_on_load=focus)
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
        return _RADIOS.filled(action_id=entry.name, options=offered, initial_option=chosen, focus_on_load=focus)
    if len(offered) <= OPTIONS_A_GROUP:
        return _DROP_DOWN.filled(action_id=entry.name, options=offered, initial_option=chosen, focus_on_load=focus)
    groups = _groups(offered, labels)
    return _LONG_DROP_DOWN.filled(
        action_id=entry.name, option_groups=groups, initial_option=chosen, focus_on_load=focus
    )


def _groups(options: Sequence[Written], labels: Sequence[str]) -> list[Written]:
    """The options a hundred a group, which is called by its first and its last."""
    if len(options) > OPTIONS_A_GROUP * GROUPS:
        raise CardTooLarge(f"An input offers {len(options)} choices and Slack takes {OPTIONS_A_GROUP * GROUPS}.")
    spans = [(start, min(start + OPTIONS_A_GROUP, len(options))) for start in range(0, len(options), OPTIONS_A_GROUP)]
    half = OPTION // 2 - 2
    return [
        _GROUP.filled(
            label=plain(f"{shortened(labels[start], half)} – {shortened(labels[end - 1], half)}", OPTION, "…"),
            options=list(options[start:end]),
        )
        for start, end in spans
    ]


def _option(choice: Choice) -> Written:
    if units(choice.value) > VALUE:
        raise CardTooLarge(f"A choice's value has {units(choice.value)} characters and Slack takes {VALUE}.")
    hinted = bool(choice.hint.strip()) and units(quiet(choice.hint)) <= OPTION
    return _OPTION.filled(
        value=choice.value or _UNCHOSEN,
        text=plain(choice.label, OPTION, "…"),
        description=plain(choice.hint, OPTION) if hinted else None,
    )


def _long_choices(entry: ChoiceInput) -> list[Written]:
    """The choices whose words don't fit beside their buttons, in full."""
    long = [
        f"• {choice.label}: {choice.hint}" if choice.hint else f"• {choice.label}"
        for choice in entry.choices
        if max(units(quiet(choice.label)), units(quiet(choice.hint))) > OPTION
    ]
    return sections("\n".join((f"{entry.label}: these choices in full", *long))) if long else []
