"""The same event twice, the same button twice, and twenty presses at once."""

import asyncio

import pytest

from handlers.dispatch import given_reply
from storage.ledger import verify
from tests.handlers.conftest import CASE, SENT, Service, words

PRESSES = [
    ("Carol", "accept", {}, "accepted"),
    ("Carol", "decline", {"reason": "leave"}, "declined"),
    ("Carol", "safety", {"text": "Left alone."}, "safety_raised"),
    ("Grace", "extend", {"until": "2026-02-10", "reason": "sickness"}, "extended"),
    ("Grace", "withdraw", {"reason": "closed"}, "withdrawn"),
]


@pytest.mark.parametrize(("person", "verb", "values", "kind"), PRESSES, ids=[verb for _, verb, *_ in PRESSES])
async def test_the_same_event_takes_effect_once_and_gets_the_identical_reply(
    service: Service, person: str, verb: str, values: dict[str, str], kind: str
) -> None:
    service.forget()
    first = await service.press(person, verb, event="twice", **values)
    after = await service.audit()
    told = service.unread()
    await service.until("2026-01-05T09:10")
    service.forget()
    second = await service.press(person, verb, event="twice", **values)
    assert second == first
    assert not first.refused
    assert told or verb == "withdraw"
    assert await service.events(kind) == 1
    assert await service.audit() == after
    assert not service.unread()


async def test_a_refusal_is_repeated_as_it_was(service: Service) -> None:
    first = await service.press("Carol", "submit", event="early", **SENT)
    await service.talked()
    second = await service.press("Carol", "submit", event="early", **SENT)
    assert second == first
    assert second.refused
    assert not (await service.audit()).has("submitted")
    assert not (await service.press("Carol", "submit", **SENT)).refused


async def test_a_form_sent_twice_is_recorded_once(service: Service) -> None:
    await service.talked()
    first = await service.press("Carol", "submit", event="form", action_1_what="See the child.", **SENT)
    second = await service.press("Carol", "submit", event="form", action_1_what="See the child.", **SENT)
    assert second == first
    assert len((await service.audit()).actions) == 1
    assert await service.events("submitted") == 1


async def test_something_typed_is_taken_once(service: Service) -> None:
    await service.taken()
    first = await service.says("Carol", "Tues 2pm", event="typed")
    second = await service.says("Carol", "Tues 2pm", event="typed")
    assert second == first
    assert await service.events("proposed") == 1
    assert len(service.arrived("Alice")) == 1


async def test_the_reply_that_an_event_got_is_found_again_by_its_person_alone(service: Service) -> None:
    reply = await service.press("Carol", "accept", event="mine")
    assert await given_reply(service.store, service.people["Carol"], "mine") == reply
    assert await given_reply(service.store, service.people["Leo"], "mine") is None
    assert await given_reply(service.store, service.people["Carol"], "another") is None


async def test_another_persons_event_id_gets_them_nothing(service: Service) -> None:
    await service.press("Carol", "accept", event="mine")
    reply = await service.press("Leo", "accept", event="mine")
    assert reply.refused
    assert "Please use your own card." in words(reply.card)
    assert "Alice" not in words(reply.card)


async def test_twenty_presses_of_one_button_at_once_take_effect_once(service: Service) -> None:
    service.forget()
    replies = await asyncio.gather(*(service.press("Carol", "accept") for _ in range(20)))
    assert sum(not reply.refused for reply in replies) == 1
    assert all("You took this audit" in words(reply.card) for reply in replies if reply.refused)
    assert await service.events("accepted") == 1
    assert len(service.arrived("Alice")) == 1
    assert len((await service.audit()).open_duties("book_session")) == 1


async def test_twenty_deliveries_of_one_event_at_once_take_effect_once(service: Service) -> None:
    await service.talked()
    replies = await asyncio.gather(*(service.press("Carol", "submit", event="storm", **SENT) for _ in range(20)))
    assert all(reply == replies[0] for reply in replies)
    assert not replies[0].refused
    assert await service.events("submitted") == 1
    assert len(service.arrived("Dan")) == 1


async def test_two_managers_who_sign_off_at_once_sign_off_once(service: Service) -> None:
    await service.sent(action_1_what="See the child.")
    await service.press("Alice", "confirm", action=1)
    replies = await asyncio.gather(*(service.press(name, "sign_off", action=1) for name in ("Bob", "Dan", "Erin") * 3))
    (done,) = (reply for reply in replies if not reply.refused)
    assert done.card.title == f"You signed this off: {CASE}"
    signed = (await service.audit()).actions[0].signed_off_by
    who = next(first for first, number in service.people.items() if number == signed)
    for reply in replies:
        if reply.refused:
            assert reply.card.title == "This action was already signed off"
            assert reply.card.text[0].startswith(f"{who} ")
            assert reply.card.text[0].endswith(" did so on Mon 5 Jan 2026 at 09:00.")
    assert await service.events("signed_off") == 1


async def test_taking_and_handing_back_at_once_leaves_one_of_the_two_standing(service: Service) -> None:
    await asyncio.gather(service.press("Carol", "accept"), service.press("Carol", "decline", reason="leave"))
    audit = await service.audit()
    assert audit.has("declined")
    assert audit.auditor_id == service.people["Gil"]


async def test_the_ledger_holds_together_after_a_month_of_presses(service: Service) -> None:
    await service.inadequate(safety="yes")
    await asyncio.gather(*(service.press(name, "acknowledge") for name in ("Bob", "Dan", "Erin", "Frank") * 2))
    await service.press("Dan", "update", text="The child was seen.")
    await service.press("Alice", "confirm", action=1)
    await service.press("Dan", "sign_off", action=1)
    await service.until("2026-02-09T12:00")
    async with service.store.begin() as tx:
        count, broken = await verify(tx)
    assert count > 12
    assert not broken
    assert await service.events("acknowledged") == 4
    assert (await service.audit(CASE)).actions[0].signed_off_by == service.people["Dan"]
