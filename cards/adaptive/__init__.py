"""A card as an Adaptive Card 1.5 for Microsoft Teams."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from microsoft_teams.cards import AdaptiveCard, CardElement, Container, FactSet, TeamsCardProperties
from microsoft_teams.cards import Fact as TeamsFact

from cards.adaptive.buttons import button, link, refreshing
from cards.adaptive.figures import bars_of, table_of
from cards.adaptive.questions import answer_of, questions, spare, unfolding
from cards.adaptive.texts import EMPTY, Colour, block, literal, spoken
from cards.card import Card, Download, Tone
from cards.limits import CardTooLarge, units
from cards.presenting import SIGNS, WHY_QUESTION, download_words, error_words, refuse_reserved, why_lines

__all__ = ["MOST_ACTIONS", "MOST_BYTES", "Links", "answers", "literal", "render"]

MOST_BYTES = 24 * 1024
"""The most that a card may take, counted in UTF-16 as Teams counts it."""
MOST_ACTIONS = 6
LONG_FORM = 4
"""With so many inputs, who presses a button at the foot of a card doesn't see its head."""

Links = Callable[[Download], str | None]
"""Where a file can be fetched, or None where it can't."""

_RESERVED = frozenset({"verb", "subject", "card_id"})
_COLOURS: dict[Tone, Colour] = {
    Tone.ASK: "Accent",
    Tone.INFORM: "Default",
    Tone.DONE: "Good",
    Tone.LATE: "Warning",
    Tone.ALERT: "Attention",
    Tone.REFUSED: "Attention",
}


@dataclass(frozen=True)
class _Cuts:
    """What is left out to fit: the chart if not `drawn`, the table after so many `rows`, so many spare `groups`."""

    drawn: bool = True
    rows: int | None = None
    groups: int = 0


def _no_links(download: Download) -> str | None:
    return None


def render(card: Card, *, card_id: str, links: Links = _no_links, refresh_for: tuple[str, ...] = ()) -> dict[str, Any]:
    """The card as the JSON of an Adaptive Card, at most `MOST_BYTES` long.

    A button sends its verb with `subject` and `card_id` in its data, beside the inputs by their names; where a
    client knows no Action.Execute, the fallback sends the same with `verb` in the data. A file with a link has a
    button that opens it. For the users `refresh_for` (at most 60 ids of Teams, `29:…`) the client presses `refresh`
    by itself when they look at the card. Where the limit is passed, a chart is left out first, for its numbers are
    in a table as well; then a table is shortened and says by how many rows; then folded groups in which nothing was
    written are left out from the last one on, so that there is room for what was written in the others.

    Raises CardTooLarge if the card is still too large or has more than six actions, and ValueError if an input
    is named `verb`, `subject` or `card_id`, or like another input, if a link is not https (or on this computer), or
    if there are more than 60 users.
    """
    refuse_reserved(card, _RESERVED)
    if len(card.actions) > MOST_ACTIONS:
        raise CardTooLarge(
            f"This card has {len(card.actions)} buttons and Teams shows {MOST_ACTIONS}. Offer fewer at once."
        )

    def build(cuts: _Cuts) -> dict[str, Any]:
        return _build(card, card_id, links, refresh_for, cuts)

    for cuts in (_Cuts(), _Cuts(drawn=False)):
        whole = build(cuts)
        if _size(whole) <= MOST_BYTES:
            return whole
    fewest, most = 0, len(card.table.rows) - 1 if card.table else -1
    fitting: dict[str, Any] | None = None
    while fewest <= most:
        middle = (fewest + most) // 2
        tried = build(_Cuts(drawn=False, rows=middle))
        if _size(tried) <= MOST_BYTES:
            fitting, fewest = tried, middle + 1
        else:
            most = middle - 1
    if fitting is not None:
        return fitting
    for groups in range(1, len(spare(card)) + 1):
        tried = build(_Cuts(drawn=False, rows=0, groups=groups))
        if _size(tried) <= MOST_BYTES:
            return tried
    raise CardTooLarge(
        f"This card takes {_size(whole) / 1024:.1f} KB and at most {MOST_BYTES // 1024} KB is sent to Teams. "
        "Show less on it, or send it as several cards."
    )


def answers(data: Mapping[str, object]) -> dict[str, str]:
    """What was answered, by the names of the inputs, out of the data that a press of a button sends.

    Adaptive Cards send all inputs or none, so there may be more here than the button's action names.
    """
    return {name: answer_of(value) for name, value in data.items() if name not in _RESERVED and isinstance(value, str)}


def _size(rendered: dict[str, Any]) -> int:
    return units(json.dumps(rendered, ensure_ascii=False)) * 2


def _build(card: Card, card_id: str, links: Links, refresh_for: tuple[str, ...], cuts: _Cuts) -> dict[str, Any]:
    """The whole card but for what is cut."""
    body: list[CardElement] = _heading(card)
    if card.error:
        body.append(_alarm(error_words(card.error)))
    body.extend(block(literal(paragraph)) for paragraph in card.text if paragraph.strip())
    if card.facts:
        facts = [
            TeamsFact(title=literal(fact.label) or EMPTY, value=literal(fact.value) or EMPTY) for fact in card.facts
        ]
        body.append(FactSet(facts=facts))
    if card.table:
        body.extend(table_of(card.table, cuts.rows))
    if card.bars:
        body.extend(bars_of(card.bars, drawn=cuts.drawn))
    body.extend(_file(download, links(download)) for download in card.downloads)
    body.extend(questions(card, cuts.groups))
    if card.why:
        body.extend(unfolding("card:why", WHY_QUESTION, [block(literal(line)) for line in why_lines(card.why)]))
    if card.error and len(card.all_inputs()) >= LONG_FORM:
        body.append(_alarm(_at_the_foot(card)))
    built = AdaptiveCard(
        version="1.5",
        lang="en",  # Microsoft's renderer takes no more than the two letters
        fallback_text=literal(_in_a_line(card)),
        speak=spoken(_in_a_line(card)),
        refresh=refreshing(card_id, refresh_for),
        msteams=TeamsCardProperties(width="full") if card.table or card.bars else None,
        body=body,
        actions=[button(action, card_id) for action in card.actions] or None,
    )
    dumped: dict[str, Any] = _whole_numbers(built.model_dump(mode="json", by_alias=True, exclude_none=True))
    return dumped


def _heading(card: Card) -> list[CardElement]:
    """The title under what kind of card this is; once, where the title begins with that."""
    sign, colour = SIGNS[card.tone], _COLOURS[card.tone]
    if card.title.startswith(sign.words):
        return [
            block(f"{sign.mark} {literal(card.title)}", color=colour, size="Large", weight="Bolder", style="heading")
        ]
    return [
        block(str(sign), color=colour, weight="Bolder"),
        block(literal(card.title) or sign.words, size="Large", weight="Bolder", style="heading", spacing="Small"),
    ]


def _alarm(words: str) -> CardElement:
    return Container(style="attention", items=[block(literal(words), color="Attention", weight="Bolder")])


def _at_the_foot(card: Card) -> str:
    """What is wrong, beside the buttons of a form whose head is out of sight from there."""
    asked = [entry.label for entry in card.all_inputs() if entry.error]
    return error_words(f"Please look again at: {'; '.join(asked)}" if asked else card.error)


def _in_a_line(card: Card) -> str:
    words = SIGNS[card.tone].words
    return card.title if card.title.startswith(words) else f"{words}: {card.title}"


def _file(download: Download, url: str | None) -> CardElement:
    """A file that goes with the card: a button where it has a link, else a sentence that it is attached."""
    return block(literal(download_words(download))) if url is None else link(download.label, url)


def _whole_numbers(value: Any) -> Any:
    """The same JSON with 2000 for 2000.0: the models hold every number as a float, and some clients want whole ones."""
    if isinstance(value, dict):
        return {key: _whole_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
