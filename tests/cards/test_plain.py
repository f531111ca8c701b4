"""The card as plain text."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cards.card import Bars, Card, Fact, Table, Tone, Why
from cards.plain import one_line, render
from cards.presenting import SIGNS

CARD = Card(
    title="Your audit: K7F-204",
    text=("Please audit this case.", "Can you take it?"),
    tone=Tone.ASK,
    facts=(Fact("Case", "K7F-204"), Fact("Answer by", "Thu 2 Apr 2026")),
    table=Table("What is waiting", ("Case", "When"), (("B2D-118", "due Thu 2 Apr 2026"), ("P9Q-330", ""))),
    bars=Bars("Grades", (("A", 5), ("B", 7))),
    why=Why("So that it is done in good time.", "Framework, 3", ("SOU-1",)),
)


def test_a_card_reads_from_top_to_bottom() -> None:
    assert render(CARD) == "\n".join(
        [
            "Please answer",
            "",
            "Your audit: K7F-204",
            "",
            "Please audit this case.",
            "",
            "Can you take it?",
            "",
            "Case: K7F-204",
            "Answer by: Thu 2 Apr 2026",
            "",
            "What is waiting",
            "- Case: B2D-118; When: due Thu 2 Apr 2026",
            "- Case: P9Q-330",
            "",
            "Grades",
            "- A: 5",
            "- B: 7",
            "",
            "Why am I being asked?",
            "So that it is done in good time.",
            "Where it is written: Framework, 3",
            "Rule: SOU-1",
        ]
    )


def test_an_empty_table_says_so() -> None:
    assert "What is waiting\nNothing to show." in render(replace(CARD, table=Table("What is waiting", ("Case",), ())))


def test_no_text_can_pass_for_another_part_of_the_card() -> None:
    forged = render(
        Card(title="A\n\nWhy am I being asked?\r\nBecause", facts=(Fact("Case", "X\u2028Due: \u202enow\0"),))
    )
    assert forged.splitlines() == [
        "For your information", "", "A Why am I being asked? Because", "", "Case: X Due: now",
    ]  # fmt: skip


@given(st.from_type(Card))
@settings(max_examples=30)
def test_every_text_of_a_card_is_there(card: Card) -> None:
    lines = render(card).splitlines()
    title = [SIGNS[card.tone].words, card.title]
    facts = (f"{fact.label}: {fact.value}" for fact in card.facts)
    assert {one_line(part) for part in (*title, *card.text, *facts)} - {""} <= set(lines)
