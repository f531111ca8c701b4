"""A card as an Adaptive Card 1.5 for Microsoft Teams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from microsoft_teams.cards import AdaptiveCard, Container, FactSet, TeamsCardProperties
from microsoft_teams.cards import Fact as TeamsFact

from cards.adaptive.buttons import button, link, refreshing
from cards.adaptive.figures import bars_of, table_of
from cards.adaptive.moulds import mould
from cards.adaptive.questions import answer_of, questions, shown, spare, unfolding
from cards.adaptive.texts import EMPTY, Colour, block, literal, spoken
from cards.card import Card, Download, Tone
from cards.limits import CardTooLarge, most, units
from cards.moulds import Json, Written
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
_CARD = mould(
    AdaptiveCard(version="1.5", lang="en"),  # Microsoft's renderer takes no more than the two letters
    "fallback_text",
    "speak",
    "refresh",
    "msteams",
    "body",
    "actions",
)
_WIDE = mould(TeamsCardProperties(width="full"))
_FACTS = mould(FactSet(), "facts")
_FACT = mould(TeamsFact(), "title", "value")
_ALARM = mould(Container(style="attention"), "items")


@dataclass(frozen=True)
class _Cuts:
    """What is left out to fit: the chart if not `drawn`, the table after so many `rows`, so many spare `groups`."""

    drawn: bool = True
    rows: int | None = None
    groups: int = 0


def _no_links(download: Download) -> str | None:
    return None


def render(card: Card, *, card_id: str, links: Links = _no_links, refresh_for: tuple[str, ...] = ()) -> Json:
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

    asked, below = questions(card), _below(card)
    frame = {
        "fallback_text": literal(_in_a_line(card)),
        "speak": spoken(_in_a_line(card)),
        "refresh": refreshing(card_id, refresh_for),
        "msteams": _WIDE.filled() if card.table or card.bars else None,
        "actions": [button(action, card_id) for action in card.actions] or None,
    }

    @cache
    def above(drawn: bool, rows: int | None) -> list[Written]:
        return _above(card, links, drawn, rows)

    @cache
    def written(cuts: _Cuts) -> Written:
        return _CARD.filled(
            body=[*above(cuts.drawn, cuts.rows), *shown(card, asked, cuts.groups), *below],
            **frame,
        )

    return _fitting(card, written).to_dict()


def _fitting(card: Card, written: Callable[[_Cuts], Written]) -> Written:
    """The card as it is written with the fewest cuts that make it fit. Raises CardTooLarge if none do."""

    def fits(cuts: _Cuts) -> bool:
        return _size(written(cuts)) <= MOST_BYTES

    for cuts in (_Cuts(), _Cuts(drawn=False)):
        if fits(cuts):
            return written(cuts)
    rows = most(len(card.table.rows) - 1 if card.table else -1, lambda kept: fits(_Cuts(drawn=False, rows=kept)))
    if rows is not None:
        return written(_Cuts(drawn=False, rows=rows))
    folded = len(spare(card))
    groups = most(folded - 1, lambda kept: fits(_Cuts(drawn=False, rows=0, groups=folded - kept)))
    if groups is not None:
        return written(_Cuts(drawn=False, rows=0, groups=folded - groups))
    raise CardTooLarge(
        f"This card takes {_size(written(cuts)) / 1024:.1f} KB and at most {MOST_BYTES // 1024} KB is sent to Teams. "
        "Show less on it, or send it as several cards."
    )


def _size(text: str) -> int:
    return units(text) * 2


def answers(data: Mapping[str, object]) -> dict[str, str]:
    """What was answered, by the names of the inputs, out of the data that a press of a button sends.

    Adaptive Cards send all inputs or none, so there may be more here than the button's action names.
    """
    return {name: answer_of(value) for name, value in data.items() if name not in _RESERVED and isinstance(value, str)}


def _above(card: Card, links: Links, drawn: bool, rows: int | None) -> list[Written]:
    """What a card says before it asks: without the chart if not `drawn`, with the table cut after so many rows."""
    body = _heading(card)
    if card.error:
        body.append(_alarm(error_words(card.error)))
    body.extend(block(literal(paragraph)) for paragraph in card.text if paragraph.strip())
    if card.facts:
        facts = [
            _FACT.filled(title=literal(fact.label) or EMPTY, value=literal(fact.value) or EMPTY) for fact in card.facts
        ]
        body.append(_FACTS.filled(facts=facts))
    if card.table:
        body.extend(table_of(card.table, rows))
    if card.bars:
        body.extend(bars_of(card.bars, drawn=drawn))
    body.extend(_file(download, links(download)) for download in card.downloads)
    return body


def _below(card: Card) -> list[Written]:
    """Why somebody is asked, and below a long form what is wrong with it."""
    body: list[Written] = []
    if card.why:
        body.extend(unfolding("card:why", WHY_QUESTION, [block(literal(line)) for line in why_lines(card.why)]))
    if card.error and len(card.all_inputs()) >= LONG_FORM:
        body.append(_alarm(_at_the_foot(card)))
    return body


def _heading(card: Card) -> list[Written]:
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


def _alarm(words: str) -> Written:
    return _ALARM.filled(items=[block(literal(words), color="Attention", weight="Bolder")])


def _at_the_foot(card: Card) -> str:
    """What is wrong, beside the buttons of a form whose head is out of sight from there."""
    asked = [entry.label for entry in card.all_inputs() if entry.error]
    return error_words(f"Please look again at: {'; '.join(asked)}" if asked else card.error)


def _in_a_line(card: Card) -> str:
    words = SIGNS[card.tone].words
    return card.title if card.title.startswith(words) else f"{words}: {card.title}"


def _file(download: Download, url: str | None) -> Written:
    """A file that goes with the card: a button where it has a link, else a sentence that it is attached."""
    return block(literal(download_words(download))) if url is None else link(download.label, url)
