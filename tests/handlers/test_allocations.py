"""Allocations: taken, or handed back and placed with somebody else."""

import pytest

from cards.card import Tone
from tests.handlers.conftest import CASE, OTHER_CASE, Service, errors, verbs, words


async def test_every_auditor_gets_their_own_allocation_with_the_due_day_and_why(service: Service) -> None:
    card = service.arrived("Carol")[0]
    assert card.title == f"Your audit for January 2026: {CASE}"
    assert verbs(card) == {"accept", "decline"}
    assert "Wed 28 Jan 2026" in words(card)
    assert "Thu 8 Jan 2026" in words(card)
    assert card.why is not None
    assert "Local setting, not framework text: the due day" in card.why.place
    assert card.why.rules == ("SOU-03",)
    assert all(OTHER_CASE in one.title for one in service.arrived("Leo"))
    assert not service.unread()


async def test_taking_an_audit_asks_for_a_time_and_tells_the_practitioner(service: Service) -> None:
    service.forget()
    reply = await service.press("Carol", "accept")
    assert not reply.refused
    assert reply.card.title == f"When could you talk about {CASE}?"
    assert "Alice Avocet" in words(reply.card)
    told = service.one("Alice")
    assert "Carol Crane will audit this case" in words(told)
    assert "learning, not blame" in words(told)
    assert all(CASE in one.title for one in service.arrived("Carol"))
    assert not service.unread()


async def test_after_the_answer_the_allocation_card_shows_what_was_done(service: Service) -> None:
    await service.until("2026-01-05T10:30")
    await service.press("Carol", "accept")
    card = await service.letter("Carol", f"You took this audit: {CASE}")
    assert card.tone is Tone.DONE
    assert card.text == ("Answer the allocation. Done on Mon 5 Jan 2026 at 10:30.",)
    assert not card.actions


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("conflict", "Conflict of interest"),
        ("leave", "on leave this month"),
        ("capacity", "don't have the capacity"),
    ],
)
async def test_what_is_handed_back_goes_to_the_qa_officer_and_on_to_a_new_auditor(
    service: Service, reason: str, said: str
) -> None:
    service.forget()
    reply = await service.press("Carol", "decline", reason=reason)
    assert not reply.refused
    assert said in words(reply.card)

    asked = service.one("Gil")
    assert f"Please find another auditor for {CASE}" in asked.title
    assert "Carol Crane can't take this audit" in words(asked)
    assert said in words(asked)
    assert verbs(asked) == {"reassign", "withdraw"}
    assert asked.why is not None
    (to,) = (entry for entry in asked.all_inputs() if entry.name == "to")
    assert to.kind == "choice"
    assert [choice.label for choice in to.choices] == ["Leo Linnet (Green)"]

    placed = await service.press("Gil", "reassign", to=to.choices[0].value)
    assert placed.card.title == f"{CASE} is now with Leo Linnet"
    got = service.one("Leo")
    assert verbs(got) == {"accept", "decline"}
    assert "Wed 28 Jan 2026" in words(got), "what was promised about the audit's date stays"
    assert not service.unread(), "the first auditor is left alone"

    await service.until("2026-01-16T12:00")
    told = [card for card in service.arrived("Carol") if CASE in words(card)]
    assert told == []


async def test_a_handed_back_card_needs_a_reason_and_says_so_beside_it(service: Service) -> None:
    reply = await service.press("Carol", "decline")
    assert reply.refused
    assert "choose a reason" in errors(reply.card)["reason"]
    made_up = await service.press("Carol", "decline", reason="bored")
    assert "choose a reason" in errors(made_up.card)["reason"]
    assert not (await service.audit()).has("declined")


async def test_the_first_auditor_can_no_longer_act_on_what_was_reassigned(service: Service) -> None:
    await service.press("Carol", "decline", reason="capacity")
    await service.press("Grace", "reassign", to=str(service.people["Leo"]))
    reply = await service.press("Carol", "accept")
    assert reply.refused
    assert "Please ask Leo Linnet." in words(reply.card)
    assert not (await service.press("Leo", "accept")).refused


async def test_an_answer_to_the_allocation_that_is_late_reaches_the_auditor_and_then_the_qa_officer(
    service: Service,
) -> None:
    await service.press("Leo", "accept", OTHER_CASE)
    service.forget()
    await service.until("2026-01-07T09:00")
    nudge = service.one("Carol")
    assert "accept" in verbs(nudge)
    await service.until("2026-01-09T09:00")
    late = service.arrived("Carol")[-1]
    assert late.tone is Tone.LATE or "reminders" in late.title
    service.arrived("Leo")
    service.arrived("Mia")
    await service.until("2026-01-13T12:00")
    told = [card for card in service.arrived("Gil") if CASE in card.title]
    assert [card.tone for card in told] == [Tone.LATE]
    assert "Carol Crane was asked for this by Thu 8 Jan 2026" in words(told[0])


async def test_a_second_answer_hears_what_was_done_and_when(service: Service) -> None:
    await service.until("2026-01-05T11:00")
    await service.press("Carol", "accept")
    await service.until("2026-01-06T11:00")
    reply = await service.press("Carol", "accept")
    assert reply.refused
    assert "You took this audit on Mon 5 Jan 2026 at 11:00." in words(reply.card)


async def test_a_withdrawn_audit_asks_nothing_more_of_anyone(service: Service) -> None:
    await service.taken()
    reply = await service.press("Heidi", "withdraw", reason="The case was closed.")
    assert not reply.refused
    refused = await service.press("Carol", "hold")
    assert "has been withdrawn" in words(refused.card)
    service.forget()
    await service.until("2026-02-10T12:00")
    about = {name: titles for name, titles in service.unread().items() if any(CASE in title for title in titles)}
    assert not about
