"""Escalations: a manager says that they have what is late, and it climbs no further while they help."""

from cards.card import Tone
from tests.handlers.conftest import CASE, OTHER_CASE, SENT, Service, verbs, words


async def late(service: Service) -> None:
    """Carol's audit is a day late, nothing else is, and the post about it is unread."""
    await service.ok(await service.press("Heidi", "withdraw", OTHER_CASE, reason="The case was closed."))
    await service.talked()
    await service.until("2026-01-29T08:59")
    service.forget()
    await service.until("2026-01-29T09:00")


async def test_a_manager_who_takes_up_what_is_late_stops_it_from_climbing(service: Service) -> None:
    await late(service)
    told = service.one("Dan")
    assert told.tone is Tone.LATE
    assert verbs(told) == {"take_up"}
    (button,) = told.actions
    reply = await service.press("Dan", button.verb, subject=button.subject)
    assert not reply.refused
    assert reply.card.title == f"Thank you. You have this: {CASE}"
    assert reply.card.tone is Tone.DONE
    assert reply.card.text == (
        "It goes no further up while you help. If it is still open in five working days, we ask again.",
    )
    assert "Complete the audit: with Carol Crane, due Wed 28 Jan 2026." in words(reply.card)
    (duty,) = (await service.audit()).open_duties("complete_audit")
    assert duty.owner_id == service.people["Carol"], "the work itself stays where it was"

    service.forget()
    await service.until("2026-02-05T08:59")
    about = [name for name, parcel in service.post.waiting if CASE in words(parcel.card)]
    assert about == [], "nobody above is told meanwhile"
    await service.until("2026-02-05T09:00")
    above = service.one("Erin")
    assert above.tone is Tone.LATE
    assert "Taken up by: Dan Dunlin." in words(above)
    assert "Kim" not in service.unread()
    assert "Frank" not in service.unread()


async def test_what_nobody_takes_up_climbs(service: Service) -> None:
    await late(service)
    service.forget()
    await service.until("2026-02-02T09:00")
    assert "Carol Crane was asked for this by Wed 28 Jan 2026" in words(service.one("Erin"))


async def test_what_is_taken_up_is_not_taken_up_again(service: Service) -> None:
    await late(service)
    await service.ok(await service.press("Dan", "take_up"))
    again = await service.press("Dan", "take_up")
    assert again.refused
    assert again.card.title == "You have this already"
    assert not verbs(await service.letter("Dan", "Complete the audit")) & {"take_up"}


async def test_only_what_is_late_and_of_their_own_people_is_taken_up(service: Service) -> None:
    early = await service.press("Dan", "take_up")
    assert early.refused
    assert early.card.title == "There is nothing here to take up"
    await late(service)
    for person in ("Bob", "Leo", "Carol", "Alice"):
        reply = await service.press(person, "take_up")
        assert reply.refused, person
        assert "Write mine to see what waits for you." in words(reply.card)


async def test_an_audit_that_is_sent_after_all_asks_nobody_again(service: Service) -> None:
    await late(service)
    await service.ok(await service.press("Dan", "take_up"))
    await service.ok(await service.press("Carol", "submit", **SENT))
    service.forget()
    await service.until("2026-02-05T12:00")
    assert "Erin" not in service.unread()
