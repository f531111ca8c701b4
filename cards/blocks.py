"""A card as Block Kit for a Slack message.

What people wrote is sent as plain text wherever Slack takes that; where only Slack's own markup will do, it is escaped.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    DatePickerElement,
    HeaderBlock,
    InputBlock,
    InputInteractiveElement,
    MarkdownTextObject,
    Option,
    OptionGroup,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
    RichTextBlock,
    RichTextElementParts,
    RichTextPreformattedElement,
    SectionBlock,
    StaticSelectElement,
)

from cards.card import (
    Action,
    Bars,
    Card,
    Choice,
    ChoiceInput,
    DateInput,
    Emphasis,
    Fact,
    Input,
    InputGroup,
    Table,
    TextInput,
)
from cards.limits import CardTooLarge, pieces, shortened, units
from cards.presenting import (
    NOTHING_TO_CHOOSE,
    SIGNS,
    WHY_QUESTION,
    day_of,
    download_words,
    error_words,
    guidance,
    label_of,
    more_rows,
    refuse_reserved,
    why_lines,
)

MOST_BLOCKS = 50
_SECTION, _FIELD, _HEADER, _MESSAGE = 3000, 2000, 150, 4000
_LABEL, _HINT, _TYPED = 2000, 2000, 3000
_BUTTON, _BUTTON_VALUE, _BUTTONS_A_BLOCK = 75, 2000, 25
_OPTION, _OPTION_VALUE, _RADIOS, _OPTIONS_A_GROUP, _GROUPS = 75, 150, 10, 100, 100
_IDENTITY, _FACTS_A_SECTION, _CONTEXTS, _GRID_WIDTH = 255, 5, 10, 60

_GO_ON = "… (in full below)"
_CUT = "… (shortened here)"
_EMPTY = "–"
_UNCHOSEN = "(none)"
_SUMMONS = re.compile(r"<(?=[!@#])|@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_WORD_JOINER = "\u2060"


@dataclass(frozen=True)
class BlockMessage:
    """A Slack message: `text` for notifications and screen readers, `blocks` for everyone else."""

    text: str
    blocks: list[dict[str, Any]]


def render(card: Card, *, card_id: str) -> BlockMessage:
    """The card as a message within Slack's limits.

    A button's `value` is JSON with `verb`, `subject` and `card_id`, its `action_id` starts with "press-". An
    input's `action_id` is its name, and `answers` reads what was given. What is too long goes on in the next
    block or is cut with a word saying so. Slack can't fold a group in a message: every group is open.

    Raises CardTooLarge if that takes more than 50 blocks or an id is too long, and ValueError if two inputs have
    one name.
    """
    refuse_reserved(card, frozenset())
    before, after = _before_text(card), _after_text(card, card_id)
    text = _sections("\n\n".join(paragraph for paragraph in card.text if paragraph.strip()))
    room = MOST_BLOCKS - len(before) - len(after)
    if room < min(len(text), 2):
        needed = len(before) + len(text) + len(after)
        raise CardTooLarge(
            f"This card takes {needed} blocks and a Slack message has at most {MOST_BLOCKS}. "
            "Ask for less at once, or send it as several cards."
        )
    if len(text) > room:
        left_out = len(text) - (room - 1)
        text = [*text[: room - 1], _section(f"The text is shortened here: {left_out} more parts of it were left out.")]
    blocks = [block.to_dict() for block in (*before, *text, *after)]
    return BlockMessage(_notification(card), blocks)


def answers(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, str]:
    """What was answered, by the names of the inputs, out of `state.values` of a Slack interaction."""
    found: dict[str, str] = {}
    for block in values.values():
        for name, element in block.items():
            option = element.get("selected_option") or {}
            given = element.get("value") or element.get("selected_date") or option.get("value") or ""
            found[name] = "" if option and given == _UNCHOSEN else str(given)
    return found


def escape(text: str) -> str:
    """Text for Slack's markup: no tag, link or mention can come out of it."""
    return _quiet(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quiet(text: str) -> str:
    """The text with an invisible mark in whatever would call people, were Slack to read it as markup."""
    return _SUMMONS.sub(lambda found: found.group() + _WORD_JOINER, text)


def _plain(text: str, limit: int, saying: str = _CUT) -> PlainTextObject:
    quiet = _quiet(text)
    return PlainTextObject(text=shortened(quiet if quiet.strip() else _EMPTY, limit, saying), emoji=False)


def _bold(text: str) -> MarkdownTextObject:
    words = " ".join(text.split()).replace("*", "\u2217") or _EMPTY
    return MarkdownTextObject(text=f"*{escape(words)}*", verbatim=True)


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=_plain(text, _SECTION))


def _heading(title: str) -> list[Block]:
    bold = _bold(title)
    return [SectionBlock(text=bold)] if units(bold.text) <= _SECTION else _sections(title)


def _sections(text: str) -> list[Block]:
    return [_section(piece) for piece in pieces(_quiet(text), _SECTION)]


def _notification(card: Card) -> str:
    words = f"{SIGNS[card.tone].words}: {card.plain()}"
    text = escape(words)
    return text if units(text) <= _MESSAGE else escape(shortened(words, _MESSAGE // 6, _CUT))


def _before_text(card: Card) -> list[Block]:
    sign = SIGNS[card.tone]
    blocks: list[Block] = [HeaderBlock(text=_plain(card.title.strip() or sign.words, _HEADER, _GO_ON))]
    blocks.append(ContextBlock(elements=[_plain(str(sign), _FIELD)]))
    if units(_quiet(card.title)) > _HEADER:
        blocks.extend(_sections(card.title))
    if card.error:
        blocks.extend(_sections(error_words(card.error)))
    return blocks


def _after_text(card: Card, card_id: str) -> list[Block]:
    blocks = _facts(card.facts)
    if card.table:
        blocks.extend(_table(card.table))
    if card.bars:
        blocks.extend(_bars(card.bars))
    for entry in card.inputs:
        if isinstance(entry, InputGroup):
            blocks.extend(_heading(entry.title))
            blocks.extend(block for one in entry.inputs for block in _input(one, card_id))
        else:
            blocks.extend(_input(entry, card_id))
    for download in card.downloads:
        blocks.extend(_sections(download_words(download)))
    blocks.extend(_actions(card.actions, card_id))
    if card.why:
        words = pieces(_quiet("\n".join((WHY_QUESTION, *why_lines(card.why)))), _FIELD)
        for first in range(0, len(words), _CONTEXTS):
            elements = [_plain(piece, _FIELD) for piece in words[first : first + _CONTEXTS]]
            blocks.append(ContextBlock(elements=elements))
    return blocks


def _facts(facts: tuple[Fact, ...]) -> list[Block]:
    """Facts in two columns, five a block; a long one becomes a paragraph of its own, in its place."""
    blocks: list[Block] = []
    fields: list[PlainTextObject | MarkdownTextObject] = []
    for fact in facts:
        label = _bold(fact.label)
        long = units(label.text) > _FIELD or units(_quiet(fact.value)) > _FIELD
        if fields and (long or len(fields) == 2 * _FACTS_A_SECTION):
            blocks.append(SectionBlock(fields=fields))
            fields = []
        if long:
            blocks.extend(_sections(f"{fact.label}: {fact.value}"))
        else:
            fields = [*fields, label, _plain(fact.value, _FIELD)]
    if fields:
        blocks.append(SectionBlock(fields=fields))
    return blocks


def _table(table: Table) -> list[Block]:
    if not table.rows:
        return _sections(f"{table.caption}: {table.empty}")
    lines, aligned = _table_lines(table)
    kept = _fitting(lines, _SECTION)
    shown = "\n".join(kept) if kept else shortened(lines[0], _SECTION, _CUT)
    blocks = _sections(table.caption)
    if aligned:
        literal = RichTextElementParts.Text(text=_quiet(shown))
        blocks.append(RichTextBlock(elements=[RichTextPreformattedElement(elements=[literal])]))
    else:
        blocks.append(_section(shown))
    missing = len(lines) - max(len(kept), 1)
    if missing:
        blocks.append(ContextBlock(elements=[_plain(more_rows(missing), _FIELD)]))
    return blocks


def _table_lines(table: Table) -> tuple[list[str], bool]:
    """The rows as lines, aligned under their headings if they are narrow enough for a phone."""
    cells = [[" ".join(cell.split()) for cell in row] for row in (table.columns, *table.rows)]
    columns = max(len(row) for row in cells)
    cells = [row + [""] * (columns - len(row)) for row in cells]
    widths = [max(len(row[column]) for row in cells) for column in range(columns)]
    if sum(widths) + 2 * (columns - 1) <= _GRID_WIDTH:
        grid = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
        return [f"{grid[0]}\n{grid[1]}", *grid[2:]], True
    heads = cells[0]
    return [
        "• " + "; ".join(f"{head}: {cell}" if head else cell for head, cell in zip(heads, row, strict=True))
        for row in cells[1:]
    ], False


def _fitting(lines: Iterable[str], limit: int) -> list[str]:
    """As many lines from the start as fit."""
    kept: list[str] = []
    room = limit
    for line in lines:
        room -= units(_quiet(line)) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def _bars(bars: Bars) -> list[Block]:
    numbers = [f"• {label}: {number}" for label, number in bars.bars] or ["Nothing to show."]
    return _sections("\n".join((bars.caption, *numbers)))


def _input(entry: Input, card_id: str) -> list[Block]:
    """What is too long for the input, then the input, then its error."""
    blocks: list[Block] = []
    label, hint = label_of(entry), guidance(entry)
    if units(_quiet(label)) > _LABEL:
        blocks.extend(_sections(label))
    if isinstance(entry, ChoiceInput):
        blocks.extend(_long_choices(entry))
    if isinstance(entry, TextInput) and units(entry.value) > _TYPED:
        hint = f"Your answer is longer than the {_TYPED} characters that Slack takes here; its end is left out. {hint}"
    if units(_quiet(hint)) > _HINT:
        blocks.extend(_sections(hint))
        hint = ""
    element = _element(entry)
    if element is None:
        blocks.extend(_sections(f"{label}: {NOTHING_TO_CHOOSE} {hint}"))
    else:
        blocks.append(
            InputBlock(
                block_id=_block_id(card_id, entry),
                label=_plain(label, _LABEL, _CUT),
                hint=_plain(hint, _HINT) if hint.strip() else None,
                element=element,
                optional=not entry.required,
            )
        )
    if entry.error:
        blocks.extend(_sections(error_words(entry.error)))
    return blocks


def _block_id(card_id: str, entry: Input) -> str:
    """An id that changes with the value: Slack keeps what was typed before in a block whose id stays."""
    if units(entry.name) > _IDENTITY:
        raise CardTooLarge(f"An input's name has {len(entry.name)} characters and Slack takes {_IDENTITY}.")
    value = f"{crc32(f'{card_id}/{entry.name}/{entry.value}'.encode()):08x}"
    return f"{shortened(f'{card_id}/{entry.name}', _IDENTITY - 9)}/{value}"


def _element(entry: Input) -> InputInteractiveElement | None:
    """The control of the input, or None where Slack has none, because there is nothing to choose from."""
    if isinstance(entry, TextInput):
        value = shortened(entry.value, _TYPED, "")
        return PlainTextInputElement(
            action_id=entry.name,
            multiline=entry.long,
            initial_value=value or None,
            max_length=min(max(entry.length, units(value), 1), _TYPED),
        )
    if isinstance(entry, DateInput):
        return DatePickerElement(action_id=entry.name, initial_date=entry.value if day_of(entry.value) else None)
    if not entry.choices:
        return None
    options = [_option(choice) for choice in entry.choices]
    chosen = [
        option
        for option, choice in zip(options, entry.choices, strict=True)
        if entry.value and choice.value == entry.value
    ]
    first = chosen[0] if chosen else None
    if len(options) <= _RADIOS and not entry.compact:
        return RadioButtonsElement(action_id=entry.name, options=options, initial_option=first)
    if len(options) <= _OPTIONS_A_GROUP:
        return StaticSelectElement(action_id=entry.name, options=options, initial_option=first)
    if len(options) > _OPTIONS_A_GROUP * _GROUPS:
        raise CardTooLarge(f"An input offers {len(options)} choices and Slack takes {_OPTIONS_A_GROUP * _GROUPS}.")
    groups = [
        OptionGroup(label=_plain(f"From {start + 1}", _OPTION), options=options[start : start + _OPTIONS_A_GROUP])
        for start in range(0, len(options), _OPTIONS_A_GROUP)
    ]
    return StaticSelectElement(action_id=entry.name, option_groups=groups, initial_option=first)


def _option(choice: Choice) -> Option:
    if units(choice.value) > _OPTION_VALUE:
        raise CardTooLarge(f"A choice's value has {len(choice.value)} characters and Slack takes {_OPTION_VALUE}.")
    return Option(
        value=choice.value or _UNCHOSEN,
        text=_plain(choice.label, _OPTION, "…"),
        description=_plain(choice.hint, _OPTION, "…") if choice.hint.strip() else None,
    )


def _long_choices(entry: ChoiceInput) -> list[Block]:
    """The choices whose words Slack would cut, in full."""
    long = [
        f"• {choice.label}: {choice.hint}" if choice.hint else f"• {choice.label}"
        for choice in entry.choices
        if max(units(_quiet(choice.label)), units(_quiet(choice.hint))) > _OPTION
    ]
    return _sections("\n".join((f"{entry.label}: these choices in full", *long))) if long else []


def _actions(actions: tuple[Action, ...], card_id: str) -> list[Block]:
    buttons = [_button(action, number, card_id) for number, action in enumerate(actions, start=1)]
    long = [f"• {action.label}" for action in actions if units(_quiet(action.label)) > _BUTTON]
    blocks = _sections("\n".join(("These buttons in full", *long))) if long else []
    for start in range(0, len(buttons), _BUTTONS_A_BLOCK):
        blocks.append(ActionsBlock(elements=buttons[start : start + _BUTTONS_A_BLOCK]))
    return blocks


def _button(action: Action, number: int, card_id: str) -> ButtonElement:
    value = json.dumps({"verb": action.verb, "subject": action.subject, "card_id": card_id}, separators=(",", ":"))
    if units(value) > _BUTTON_VALUE:
        raise CardTooLarge(f"A button carries {len(value)} characters and Slack takes {_BUTTON_VALUE}.")
    return ButtonElement(
        text=_plain(action.label, _BUTTON, "…"),
        action_id=f"press-{number}",
        value=value,
        style=None if action.emphasis is Emphasis.PLAIN else action.emphasis.value,
    )
