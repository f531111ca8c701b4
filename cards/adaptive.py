"""A card as an Adaptive Card 1.5 for Microsoft Teams.

Teams reads Markdown in text blocks and facts, and only there; labels, choices and buttons are plain text already.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from microsoft_teams.cards import Action as TeamsAction
from microsoft_teams.cards import (
    ActionSet,
    AdaptiveCard,
    CardElement,
    ChoiceSetInput,
    ColumnDefinition,
    Container,
    DateInput,
    ExecuteAction,
    FactSet,
    SubmitAction,
    TableCell,
    TableRow,
    TeamsCardProperties,
    TextBlock,
    TextInput,
    ToggleVisibilityAction,
)
from microsoft_teams.cards import Choice as TeamsChoice
from microsoft_teams.cards import Fact as TeamsFact
from microsoft_teams.cards import Table as TeamsTable

from cards import card as neutral
from cards.card import Action, Bars, Card, Emphasis, Input, InputGroup, Table, Tone
from cards.limits import CardTooLarge, units
from cards.presenting import (
    ANSWER_NEEDED,
    NOTHING_TO_CHOOSE,
    SIGNS,
    WHY_QUESTION,
    day_of,
    download_words,
    error_words,
    guidance,
    insists,
    label_of,
    more_rows,
    refuse_reserved,
    starts_closed,
    why_lines,
)

MOST_BYTES = 24 * 1024
"""The most that a card may take, counted in UTF-16 as Teams counts it."""
MOST_ACTIONS = 6

_RESERVED = frozenset({"verb", "subject", "card_id"})

_Colour = Literal["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]
_COLOURS: dict[Tone, _Colour] = {
    Tone.ASK: "Accent",
    Tone.INFORM: "Default",
    Tone.DONE: "Good",
    Tone.LATE: "Warning",
    Tone.ALERT: "Attention",
    Tone.REFUSED: "Attention",
}
_STYLES: dict[Emphasis, Literal["default", "positive", "destructive"]] = {
    Emphasis.PRIMARY: "positive",
    Emphasis.PLAIN: "default",
    Emphasis.DANGER: "destructive",
}

# An underscore within a word, as in a case reference, is no Markdown; every backslash left out is one that an
# older client can't show by mistake.
_MARKS = re.compile(r"[\\`*\[\]~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|\{(?=\{)")
_LINE_STARTS = re.compile(r"^(?:[-+#>=]|\d+(?=[.)]))")


def literal(text: str) -> str:
    """Text that Teams shows as it is: its Markdown and date functions are escaped, its lines are paragraphs."""
    lines = (line.strip() for line in text.splitlines())
    return "\n\n".join(_escape_line(line) for line in lines if line)


def _escape_line(line: str) -> str:
    escaped = _MARKS.sub(lambda mark: f"\\{mark.group()}", line)
    start = _LINE_STARTS.match(escaped)
    if start is None:
        return escaped
    mark = start.group()
    return f"{mark}\\{escaped[start.end() :]}" if mark[0].isdigit() else f"\\{escaped}"


def render(card: Card, *, card_id: str) -> dict[str, Any]:
    """The card as the JSON of an Adaptive Card, at most `MOST_BYTES` long.

    A button sends its verb with `subject` and `card_id` in its data, beside the inputs by their names; where a
    client knows no Action.Execute, the fallback sends the same with `verb` in the data. A table too long for the
    limit is shortened and says by how many rows.

    Raises CardTooLarge if the card is still too large or has more than six actions, and ValueError if an input
    is named `verb`, `subject` or `card_id`, or like another input.
    """
    refuse_reserved(card, _RESERVED)
    if len(card.actions) > MOST_ACTIONS:
        raise CardTooLarge(
            f"This card has {len(card.actions)} buttons and Teams shows {MOST_ACTIONS}. Offer fewer at once."
        )
    whole = _build(card, card_id, None)
    if _size(whole) <= MOST_BYTES:
        return whole
    fewest, most = 0, len(card.table.rows) - 1 if card.table else -1
    fitting: dict[str, Any] | None = None
    while fewest <= most:
        middle = (fewest + most) // 2
        tried = _build(card, card_id, middle)
        if _size(tried) <= MOST_BYTES:
            fitting, fewest = tried, middle + 1
        else:
            most = middle - 1
    if fitting is not None:
        return fitting
    raise CardTooLarge(
        f"This card takes {_size(whole) / 1024:.1f} KB and at most {MOST_BYTES // 1024} KB is sent to Teams. "
        "Show less on it, or send it as several cards."
    )


def _size(rendered: dict[str, Any]) -> int:
    return units(json.dumps(rendered, ensure_ascii=False)) * 2


def _build(card: Card, card_id: str, rows: int | None) -> dict[str, Any]:
    """The whole card, its table cut after so many rows where a number is given."""
    sign = SIGNS[card.tone]
    body: list[CardElement] = [
        _text(str(sign), color=_COLOURS[card.tone], weight="Bolder"),
        _text(literal(card.title) or sign.words, size="Large", weight="Bolder", style="heading", spacing="Small"),
    ]
    if card.error:
        said = _text(literal(error_words(card.error)), color="Attention", weight="Bolder")
        body.append(Container(style="attention", items=[said]))
    body.extend(_text(literal(paragraph)) for paragraph in card.text if paragraph.strip())
    if card.facts:
        facts = [TeamsFact(title=literal(fact.label), value=literal(fact.value)) for fact in card.facts]
        body.append(FactSet(facts=facts))
    if card.table:
        body.extend(_table(card.table, rows))
    if card.bars:
        body.extend(_bars(card.bars))
    for number, entry in enumerate(card.inputs, start=1):
        body.extend(_group(card, entry, number) if isinstance(entry, InputGroup) else _input(card, entry))
    body.extend(_text(literal(download_words(download))) for download in card.downloads)
    if card.why:
        body.extend(_unfolding("card:why", WHY_QUESTION, [_text(literal(line)) for line in why_lines(card.why)]))
    built = AdaptiveCard(
        version="1.5",
        lang="en-GB",
        fallback_text=literal(f"{sign.words}: {card.title}"),
        msteams=TeamsCardProperties(width="full") if card.table else None,
        body=body,
        actions=[_action(action, card_id) for action in card.actions] or None,
    )
    dumped: dict[str, Any] = _whole_numbers(built.model_dump(mode="json", by_alias=True, exclude_none=True))
    return dumped


def _whole_numbers(value: Any) -> Any:
    """The same JSON with 2000 for 2000.0: the models hold every number as a float, and some clients want whole ones."""
    if isinstance(value, dict):
        return {key: _whole_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(
    text: str,
    *,
    color: _Colour | None = None,
    weight: Literal["Lighter", "Default", "Bolder"] | None = None,
    size: Literal["Small", "Default", "Medium", "Large", "ExtraLarge"] | None = None,
    style: Literal["default", "heading"] | None = None,
    spacing: Literal["None", "Small", "Default", "Medium"] | None = None,
) -> TextBlock:
    return TextBlock(text=text, wrap=True, color=color, weight=weight, size=size, style=style, spacing=spacing)


def _table(table: Table, rows: int | None) -> list[CardElement]:
    if not table.rows:
        return [_text(literal(f"{table.caption}: {table.empty}"))]
    kept = table.rows if rows is None else table.rows[:rows]
    elements: list[CardElement] = [_text(literal(table.caption), weight="Bolder")]
    if kept:
        elements.append(_grid(table.columns, kept))
    if len(kept) < len(table.rows):
        elements.append(_text(more_rows(len(table.rows) - len(kept)), spacing="Small"))
    return elements


def _grid(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> TeamsTable:
    """A table, and for a client without tables the same rows as lines."""
    width = max((len(columns), *(len(row) for row in rows)))
    heads = columns + ("",) * (width - len(columns))
    header = TableRow(cells=[_cell(name, header=True) for name in heads])
    lines = (
        "; ".join(f"{head}: {cell}" if head else cell for head, cell in zip(heads, row, strict=False)) for row in rows
    )
    return TeamsTable(
        columns=[ColumnDefinition(width=1) for _ in heads],
        rows=[header, *(TableRow(cells=[_cell(text) for text in row + ("",) * (width - len(row))]) for row in rows)],
        fallback=Container(items=[_text(literal(line)) for line in lines]),
    )


def _cell(text: str, *, header: bool = False) -> TableCell:
    return TableCell(items=[_text(literal(text), weight="Bolder" if header else None)])


def _bars(bars: Bars) -> list[CardElement]:
    table = Table(bars.caption, ("What", "How many"), tuple((label, str(number)) for label, number in bars.bars))
    return _table(replace(table, empty="nothing to show."), None)


def _group(card: Card, group: InputGroup, number: int) -> list[CardElement]:
    inputs = [element for entry in group.inputs for element in _input(card, entry, folded=starts_closed(group))]
    heading = _text(literal(group.title), weight="Bolder", size="Medium", style="heading")
    if starts_closed(group):
        return [heading, *_unfolding(f"card:group:{number}", f"Show or hide: {group.title}", inputs)]
    return [Container(separator=True, items=[heading, *inputs])]


def _unfolding(element_id: str, title: str, items: Iterable[CardElement]) -> list[CardElement]:
    """A button, and below it what it shows and hides."""
    button = ToggleVisibilityAction(title=title, target_elements=[element_id])
    return [ActionSet(actions=[button]), Container(id=element_id, is_visible=False, items=list(items))]


def _input(card: Card, entry: Input, *, folded: bool = False) -> list[CardElement]:
    """The input, then its hint and its error. A client never insists on what it has folded away."""
    insisted = True if insists(card, entry) and not folded else None
    elements = [_control(entry, insisted)]
    if isinstance(entry, neutral.ChoiceInput) and not entry.choices:
        elements.append(_text(NOTHING_TO_CHOOSE, spacing="Small"))
    if said := guidance(entry):
        elements.append(_text(literal(said), size="Small", spacing="Small"))
    if entry.error:
        said = literal(error_words(entry.error))
        elements.append(_text(said, color="Attention", weight="Bolder", spacing="Small"))
    return elements


def _control(entry: Input, insisted: bool | None) -> CardElement:
    label, complaint = label_of(entry), ANSWER_NEEDED if insisted else None
    if isinstance(entry, neutral.TextInput):
        return TextInput(
            id=entry.name,
            label=label,
            is_required=insisted,
            error_message=complaint,
            value=entry.value or None,
            is_multiline=entry.long,
            max_length=max(entry.length, units(entry.value)),
        )
    if isinstance(entry, neutral.DateInput):
        return DateInput(
            id=entry.name,
            label=label,
            is_required=insisted,
            error_message=complaint,
            value=_day(entry.value),
            min=_day(entry.earliest),
            max=_day(entry.latest),
        )
    known = any(choice.value == entry.value for choice in entry.choices)
    return ChoiceSetInput(
        id=entry.name,
        label=label,
        is_required=insisted,
        error_message=complaint,
        value=entry.value if entry.value and known else None,
        style="compact" if entry.compact else "expanded",
        wrap=True,
        choices=[
            TeamsChoice(title=f"{choice.label} – {choice.hint}" if choice.hint else choice.label, value=choice.value)
            for choice in entry.choices
        ],
    )


def _day(text: str) -> str | None:
    return text if day_of(text) else None


def _action(action: Action, card_id: str) -> TeamsAction:
    data = {"subject": action.subject, "card_id": card_id}
    style = _STYLES[action.emphasis]
    inputs: Literal["auto", "none"] = "none" if action.inputs == () else "auto"
    return ExecuteAction(
        title=action.label,
        verb=action.verb,
        data=data,
        style=style,
        associated_inputs=inputs,
        fallback=SubmitAction(
            title=action.label, data={**data, "verb": action.verb}, style=style, associated_inputs=inputs
        ),
    )
