"""What people type: the QA Unit's questions and their tables, everyone's own list, and words that nobody knows."""

import pytest

from cards.card import Tone
from tests.handlers.conftest import CASE, EVERYONE, FREE_CASE, OTHER_CASE, Service, words

QA = ("Grace", "Gil", "Heidi", "Ivan")
OTHERS = tuple(name for name in EVERYONE if name not in QA)
QUESTIONS = ("status", "overdue", f"case {CASE}", "cycle 2026-01", "who Carol")


@pytest.mark.parametrize("person", QA)
async def test_the_qa_unit_is_answered(service: Service, person: str) -> None:
    for question in QUESTIONS:
        reply = await service.says(person, question)
        assert not reply.refused, question


@pytest.mark.parametrize("person", OTHERS)
async def test_others_are_told_whom_to_ask_and_what_they_can_write(service: Service, person: str) -> None:
    for question in (*QUESTIONS, f"reassign {CASE} to Leo", f"extend {CASE} until 10 February because of illness"):
        reply = await service.says(person, question)
        assert reply.refused, question
        assert reply.card.table is None
        assert reply.card.title == "That question is for the QA Unit"
        assert "Please ask Gil Goldcrest or Grace Grebe." in words(reply.card)
        assert "Write mine to see what waits for you." in words(reply.card)


async def test_status_shows_where_the_audits_stand(service: Service) -> None:
    await service.sent()
    card = (await service.says("Grace", "status")).card
    assert card.title == "How things stand: January 2026"
    assert "2 audits in this cycle; 0 steps overdue." in card.text
    assert card.bars is not None
    assert card.bars.bars == (("Waiting for the auditor's answer", 1), ("Completed", 1))
    assert any("was due for review in March 2024" in line for line in card.text)


async def test_overdue_names_what_is_late_and_with_whom(service: Service) -> None:
    assert (await service.says("Grace", "Overdue?")).card.title == "Nothing is overdue"
    await service.until("2026-01-09T12:00")
    card = (await service.says("Grace", "overdue")).card
    assert card.table is not None
    assert card.table.rows == (
        (CASE, "Answer the allocation", "Carol Crane", "Thu 8 Jan 2026"),
        (OTHER_CASE, "Answer the allocation", "Leo Linnet", "Thu 8 Jan 2026"),
    )


async def test_a_case_is_shown_with_every_step(service: Service) -> None:
    await service.sent(action_1_what="Update the chronology.")
    card = (await service.says("Heidi", f"case {CASE.lower()}")).card
    assert card.title == f"Case {CASE}"
    assert "Action 1: Update the chronology: Alice Avocet, open, due Mon 2 Feb 2026." in words(card)
    assert card.table is not None
    assert ("Complete the audit", "Carol Crane", "Carol Crane completed the audit, Mon 5 Jan 2026 at 09:00") in (
        card.table.rows
    )
    assert ("Management oversight", "Dan Dunlin", "open, due Fri 6 Feb 2026") in card.table.rows


@pytest.mark.parametrize("text", ["cycle", "cycle 2026-01", "cycle January", "/cycle jan"])
async def test_a_cycle_is_shown_with_its_allocations(service: Service, text: str) -> None:
    card = (await service.says("Grace", text)).card
    assert card.title == "The cycle of January 2026"
    assert card.table is not None
    assert (CASE, "Carol Crane", "Alice Avocet", "Waiting for the auditor's answer") in card.table.rows


async def test_a_person_is_shown_with_what_waits_for_them(service: Service) -> None:
    card = (await service.says("Grace", "who carol crane")).card
    assert card.title == "Carol Crane"
    assert "Manager: Dan Dunlin" in words(card)
    assert card.table is not None
    assert [row[:2] for row in card.table.rows] == [
        (CASE, "Answer the allocation"),
        (CASE, "Complete the audit"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case", "Write it like this: case K7F-204."),
        ("case K7F-240", f"Do you mean {CASE}?"),
        ("case ZZZ", "Please check the reference; it is the one on the cards."),
        (f"case {FREE_CASE}", "It is on the case list, but it hasn't been allocated so far."),
        ("cycle 2027-01", "That cycle hasn't been drawn"),
        ("cycle Febtober", "Write it like this: cycle 2026-03, or cycle March."),
        ("who", "Write it like this: who Priya Shah."),
        ("who Carl Crane", "Do you mean Carol Crane?"),
        ("who e", "Please write the full name."),
        ("who Xyzzy", "Please check the spelling."),
    ],
)
async def test_a_question_that_cannot_be_answered_says_how_to_ask(service: Service, text: str, said: str) -> None:
    reply = await service.says("Grace", text)
    assert reply.refused
    assert reply.card.tone is Tone.REFUSED
    assert said in words(reply.card)


@pytest.mark.parametrize(("person", "known"), [("Grace", True), ("Carol", False)])
async def test_help_lists_the_words_that_the_person_may_use(service: Service, person: str, known: bool) -> None:
    card = (await service.says(person, "help")).card
    assert card.table is not None
    listed = {row[0] for row in card.table.rows}
    assert {"mine", "help", "safety REF"} <= listed
    assert ("overdue" in listed) is known


async def test_everyone_sees_what_waits_for_them_alone(service: Service) -> None:
    mine = (await service.says("Carol", "mine")).card
    assert mine.table is not None
    assert {row[0] for row in mine.table.rows} == {CASE}
    assert (await service.says("Alice", "mine")).card.title == "Nothing waits for you"


@pytest.mark.parametrize(
    ("text", "hint"), [("overdoe", "Do you mean overdue?"), ("hepl", "Do you mean help?"), ("lovely weather", "help")]
)
async def test_words_that_nobody_knows_get_the_nearest_right_one(service: Service, text: str, hint: str) -> None:
    reply = await service.says("Grace", text)
    assert reply.refused
    assert hint in words(reply.card)


@pytest.mark.parametrize("text", ["", "   ", "\u00a0"])
async def test_nothing_at_all_is_answered_kindly(service: Service, text: str) -> None:
    reply = await service.says("Carol", text)
    assert reply.refused
    assert "Write help to see what auditloop knows." in words(reply.card)


async def test_someone_whom_the_service_does_not_know_is_told_how_to_be_added(service: Service) -> None:
    for reply in (await service.says("Zoe", "status"), await service.press("Zoe", "accept")):
        assert reply.refused
        assert reply.card.title == "Sorry, I don't know you"
        assert "Please ask the QA Unit to add you" in words(reply.card)


async def test_a_question_changes_nothing(service: Service) -> None:
    before = await service.audit()
    service.forget()
    for question in QUESTIONS:
        await service.says("Grace", question)
    assert await service.audit() == before
    assert not service.unread()
