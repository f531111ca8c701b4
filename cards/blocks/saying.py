"""What a card says, without what it asks: its heading, its texts and figures, and why somebody is asked."""

from dataclasses import dataclass

from slack_sdk.models.blocks import SectionBlock

from cards.blocks.figures import Picture, bars_of, picture_of, table_of
from cards.blocks.moulds import mould
from cards.blocks.parts import Part, paragraphs
from cards.blocks.texts import FIELD, HEADER, PLAIN, bold, header, note, notes, plain, quiet, sentence
from cards.card import Card, Fact
from cards.limits import shortened, units
from cards.moulds import Written
from cards.presenting import SIGNS, WHY_QUESTION, download_words, error_words, why_lines

TEXT_CUT = "… The text is shortened here."
_FACTS_A_BLOCK = 5
_LONG_FACT = 300
"""A value longer than that is a paragraph: beside its label it would stand in half the width of a message."""
_FACTS = mould(SectionBlock(fields=[PLAIN]), "fields")


@dataclass(frozen=True)
class Cuts:
    """Left out to fit: the table after so many `rows`, the text after so many units. None leaves out nothing."""

    rows: int | None = None
    text: int | None = None


def lead(card: Card) -> str:
    """The title after what kind of card this is; that only once, where the title begins with it."""
    words, title = SIGNS[card.tone].words, card.title.strip()
    return title if title.startswith(words) else f"{words}: {title}" if title else words


def head(card: Card) -> Part:
    """The heading, and what kind of card this is in words."""
    sign, title = SIGNS[card.tone], card.title.strip()
    if title.startswith(sign.words):
        return Part([header(f"{sign.mark} {title}")], title)
    return Part([header(title or sign.words), note(str(sign))], lead(card))


def body(card: Card, picture: Picture | None = None, cuts: Cuts | None = None) -> list[Part]:
    """Everything else that the card says, but for why; the picture stands with the numbers that it shows."""
    cuts = cuts or Cuts()
    parts: list[Part] = []
    if units(quiet(card.title)) > HEADER - 2:
        parts.extend(paragraphs(card.title))
    if card.error:
        parts.extend(paragraphs(error_words(card.error)))
    for entry in card.all_inputs():
        if entry.error:
            parts.extend(paragraphs(error_words(f"{entry.label}: {entry.error}")))
    parts.extend(texts(card, cuts.text))
    parts.extend(facts(card.facts))
    parts.extend(figures(card, picture, cuts.rows))
    for download in card.downloads:
        parts.extend(paragraphs(download_words(download)))
    return parts


def texts(card: Card, length: int | None = None) -> list[Part]:
    """The paragraphs of the card; with a number, no more than so many units of them, and then saying so."""
    whole = "\n\n".join(paragraph for paragraph in card.text if paragraph.strip())
    return paragraphs(whole if length is None else shortened(whole, length + len(TEXT_CUT), TEXT_CUT))


def figures(card: Card, picture: Picture | None = None, rows: int | None = None) -> list[Part]:
    """The table and the numbers."""
    parts = table_of(card.table, rows) if card.table else []
    if card.bars:
        return [*parts, *bars_of(card.bars, picture)]
    return [picture_of(picture, card.title), *parts] if picture else parts


def facts(given: tuple[Fact, ...]) -> list[Part]:
    """Facts in two columns, five a block; a long one becomes a paragraph of its own, in its place."""
    parts: list[Part] = []
    fields: list[Written] = []
    words: list[str] = []

    def close() -> None:
        if fields:
            parts.append(Part([_FACTS.filled(fields=fields)], " ".join(words)))
        fields.clear()
        words.clear()

    for fact in given:
        if len(fields) == 2 * _FACTS_A_BLOCK:
            close()
        said = f"{fact.label}: {fact.value}"
        if max(units(fact.label), units(fact.value)) > _LONG_FACT:
            close()
            parts.extend(paragraphs(said))
        else:
            fields.extend((bold(fact.label), plain(fact.value, FIELD)))
            words.append(sentence(said))
    close()
    return parts


def reason(card: Card) -> list[Written]:
    """Why somebody is asked, in small print."""
    return notes("\n".join((WHY_QUESTION, *why_lines(card.why)))) if card.why else []
