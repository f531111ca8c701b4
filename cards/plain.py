"""A card as plain text, for where it can be read and not answered: no buttons and no inputs."""

from collections.abc import Iterator

from cards.card import Card, Table
from cards.presenting import SIGNS, WHY_QUESTION, download_words, error_words, why_lines


def render(card: Card) -> str:
    """The card as blocks of lines with an empty line between them.

    Each piece of the card is one line, whatever line breaks and invisible characters it came with: no text can pass
    itself off as another part of the card.
    """
    blocks = ("\n".join(line for line in map(one_line, block) if line) for block in _blocks(card))
    return "\n\n".join(block for block in blocks if block)


def one_line(text: str) -> str:
    """The text without line breaks, control characters or marks that turn the direction of reading."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _blocks(card: Card) -> Iterator[list[str]]:
    sign = SIGNS[card.tone].words
    yield [sign] if sign != card.title else []
    yield [card.title]
    yield [error_words(card.error)] if card.error else []
    yield from ([line] for line in card.text)
    yield [f"{fact.label}: {fact.value}" for fact in card.facts]
    if card.table is not None:
        yield [card.table.caption, *_rows(card.table)]
    if card.bars is not None:
        yield [card.bars.caption, *(f"- {label}: {number}" for label, number in card.bars.bars)]
    if card.why is not None and (lines := why_lines(card.why)):
        yield [WHY_QUESTION, *lines]
    yield [download_words(download) for download in card.downloads]


def _rows(table: Table) -> Iterator[str]:
    """Each row as a sentence that is read in order, since columns need a font of one width."""
    if not table.rows:
        yield table.empty
    for row in table.rows:
        yield "- " + "; ".join(f"{column}: {cell}" for column, cell in zip(table.columns, row, strict=True) if cell)
