"""Remedial actions: each confirmed by the one who did it, and signed off by somebody else."""

import pytest

from cards.card import Tone
from tests.handlers.conftest import CASE, Service, errors, verbs, words

TWO = {
    "action_1_what": "Update the chronology.",
    "action_1_due": "2026-01-23",
    "action_2_what": "See the child alone.",
}


async def test_each_action_is_asked_for_on_a_card_of_its_own(service: Service) -> None:
    await service.sent(**TWO)
    cards = [card for card in service.arrived("Alice") if card.title == f"An action for {CASE}"]
    assert ["Update the chronology." in words(card) for card in cards] == [True, False]
    assert ["Fri 23 Jan 2026" in words(card) for card in cards] == [True, False]
    assert "Mon 2 Feb 2026" in words(cards[1]), "without a day of its own it takes the local four weeks"
    number = await service.number(CASE)
    assert [card.actions[0].subject for card in cards] == [f"{number}:1", f"{number}:2"]
    assert all(card.why is not None for card in cards)


async def test_every_action_is_confirmed_and_signed_off_by_itself(service: Service) -> None:
    await service.sent(**TWO)
    service.forget()
    reply = await service.press("Alice", "confirm", action=2, text="Seen on Thursday.")
    assert reply.card.tone is Tone.DONE
    assert reply.card.title == f"You reported this done: {CASE}"
    assert "Remedial action. Done on Mon 5 Jan 2026 at 09:00." in reply.card.text
    assert "Bob Bittern has been asked to sign it off." in reply.card.text
    asked = service.one("Bob")
    assert asked.title == f"Please sign off an action for {CASE}"
    assert "See the child alone." in words(asked)
    assert "Mon 5 Jan 2026 at 09:00, by Alice Avocet" in words(asked)
    assert verbs(asked) == {"sign_off", "send_back"}
    assert not service.unread()

    signed = await service.press("Bob", "sign_off", action=2)
    assert signed.card.title == f"You signed this off: {CASE}"
    assert "See the child alone." in words(signed.card)
    audit = await service.audit()
    assert [action.signed_off_by for action in audit.actions] == [None, service.people["Bob"]]
    assert [duty.action for duty in audit.open_duties("remedial_action")] == [1]


async def test_what_was_confirmed_is_not_confirmed_again(service: Service) -> None:
    await service.sent(**TWO)
    await service.press("Alice", "confirm", action=1)
    await service.until("2026-01-06T10:00")
    reply = await service.press("Alice", "confirm", action=1)
    assert reply.refused
    assert reply.card.title == "This action was already reported done"
    assert "Alice Avocet did so on Mon 5 Jan 2026 at 09:00." in words(reply.card)


async def test_nobody_signs_off_what_they_reported_done_themselves(service: Service) -> None:
    await service.sent(**TWO)
    await service.press("Dan", "confirm", action=1)
    reply = await service.press("Dan", "sign_off", action=1)
    assert reply.refused
    assert reply.card.title == "You reported this action done yourself"
    assert "Someone else signs it off. Please ask Erin Egret." in words(reply.card)
    assert (await service.audit()).actions[0].signed_off_at is None
    assert not (await service.press("Bob", "sign_off", action=1)).refused


async def test_the_second_of_two_managers_sees_who_signed_it_off_and_when(service: Service) -> None:
    await service.sent(**TWO)
    await service.press("Alice", "confirm", action=1)
    await service.press("Bob", "sign_off", action=1)
    await service.until("2026-01-06T10:00")
    reply = await service.press("Dan", "sign_off", action=1)
    assert reply.refused
    assert reply.card.title == "This action was already signed off"
    assert "Bob Bittern did so on Mon 5 Jan 2026 at 09:00." in words(reply.card)
    assert await service.events("signed_off") == 1


async def test_what_is_still_missing_goes_back_and_comes_again(service: Service) -> None:
    await service.sent(**TWO)
    await service.press("Alice", "confirm", action=1)
    service.forget()
    empty = await service.press("Bob", "send_back", action=1)
    assert "Please say what is missing" in errors(empty.card)["text"]
    reply = await service.press("Bob", "send_back", action=1, text="December is missing.")
    assert "Alice Avocet has been asked." in reply.card.text
    told = service.arrived("Alice")
    assert any("Bob Bittern asks: December is missing." in words(card) for card in told)
    assert {verb for card in told for verb in verbs(card)} == {"confirm"}
    assert not service.unread()
    await service.ok(await service.press("Alice", "confirm", action=1))
    await service.ok(await service.press("Bob", "sign_off", action=1))
    assert (await service.audit()).actions[0].signed_off_by == service.people["Bob"]


async def test_sign_off_comes_after_the_confirmation(service: Service) -> None:
    await service.sent(**TWO)
    reply = await service.press("Bob", "sign_off", action=1)
    assert reply.refused
    assert reply.card.title == "This action hasn't been reported done yet"
    assert "Alice Avocet says so first; then it comes to you." in words(reply.card)


@pytest.mark.parametrize("action", [None, 0, 3, 999])
async def test_an_action_that_is_not_there_is_refused(service: Service, action: int | None) -> None:
    await service.sent(**TWO)
    reply = await service.press("Dan", "confirm", action=action)
    assert reply.card.title == "There is no such action on this audit"
    assert "Please use the card of the action itself." in words(reply.card)


async def test_an_action_of_another_person_is_asked_of_them(service: Service) -> None:
    await service.sent(action_1_what="Read the supervision notes.", action_1_owner=str(service.people["Bob"]))
    assert f"An action for {CASE}" in [card.title for card in service.arrived("Bob")]
    refused = await service.press("Alice", "confirm", action=1)
    assert refused.refused
    assert "Bob Bittern" in words(refused.card)
    assert not (await service.press("Bob", "confirm", action=1)).refused


async def test_with_requires_improvement_the_service_lead_answers_for_the_actions(service: Service) -> None:
    await service.sent(grade="requires_improvement", **TWO)
    service.forget()
    await service.press("Alice", "confirm", action=1)
    assert service.one("Dan").title == f"Please sign off an action for {CASE}"
    assert not service.unread()
    assert not (await service.press("Dan", "sign_off", action=1)).refused


async def test_an_action_that_is_late_reaches_its_owner_and_then_their_managers(service: Service) -> None:
    await service.sent(**TWO)
    await service.press("Dan", "oversee")
    await service.press("Carol", "record")
    await service.press("Alice", "confirm", action=2)
    await service.press("Bob", "sign_off", action=2)
    await service.until("2026-01-25T12:00")
    service.forget()
    await service.until("2026-01-26T09:00")
    assert service.one("Alice").tone is Tone.LATE
    assert "Alice Avocet was asked for this by Fri 23 Jan 2026" in words(service.one("Bob"))
    assert set(service.unread()) <= {"Leo"}, "who has an audit of his own to complete"
    await service.until("2026-01-28T09:00")
    assert "Alice Avocet was asked for this" in "\n".join(words(card) for card in service.arrived("Dan"))
