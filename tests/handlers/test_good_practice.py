"""Good and Outstanding work on its way to the practice forum."""

import pytest

from cards.card import Tone
from tests.handlers.conftest import CASE, Service, verbs, words


@pytest.mark.parametrize("grade", ["good", "outstanding"])
async def test_good_work_is_offered_to_the_forum_of_the_third_thursday(service: Service, grade: str) -> None:
    await service.sent(grade=grade)
    asked = service.one("Judy")
    assert asked.title == f"Good practice: {CASE}"
    assert "Forum: Thu 19 Feb 2026 at 15:00" in words(asked)
    assert verbs(asked) == {"offer"}
    assert asked.why is not None
    reply = await service.press("Judy", "offer", text="How to talk with a school.")
    assert reply.card.tone is Tone.DONE
    assert reply.card.title == f"You offered this to the forum: {CASE}"
    assert reply.card.text == ("Good practice for the forum. Done on Mon 5 Jan 2026 at 09:00.",)
    again = await service.press("Grace", "offer")
    assert "Judy Jackdaw offered this to the forum" in words(again.card)


async def test_other_work_is_not_asked_for(service: Service) -> None:
    await service.sent(grade="requires_improvement")
    assert "Judy" not in service.unread()
    reply = await service.press("Judy", "offer")
    assert reply.refused
    assert "Only work graded Good or Outstanding is offered." in words(reply.card)


async def test_work_that_turns_out_otherwise_is_no_longer_offered(service: Service) -> None:
    await service.sent()
    await service.press("Alice", "dispute", dispute_text="The visits are missing.")
    await service.press("Carol", "resolve", grade="requires_improvement", text="They are.")
    card = await service.letter("Judy", f"This is no longer needed: {CASE}")
    assert card.tone is Tone.DONE
    assert not card.actions


async def test_what_was_not_offered_by_the_forum_lapses_without_a_word(service: Service) -> None:
    await service.sent()
    await service.press("Dan", "oversee")
    await service.press("Carol", "record")
    await service.until("2026-02-19T08:59")
    service.forget()
    await service.until("2026-02-20T12:00")
    assert "Judy" not in service.unread()
    card = await service.letter("Judy", f"The date of this has passed: {CASE}")
    assert not card.actions
