"""Safety alerts: at once, at any hour, and again until somebody has them."""

from pathlib import Path

import pytest

from cards.card import Tone
from tests.handlers.conftest import CASE, OTHER_CASE, Service, kept, verbs, words

FOUR = ("Bob", "Dan", "Erin", "Frank")


async def raised(service: Service) -> None:
    await service.ok(await service.press("Carol", "safety", text="Left alone at night."))


async def test_a_concern_can_be_raised_before_the_audit_is_done(service: Service) -> None:
    service.forget()
    form = await service.says("Carol", f"safety {CASE}")
    assert not form.refused
    assert verbs(form.card) == {"safety"}
    assert "In an emergency ring 999 first." in words(form.card)
    assert not service.unread()
    (button,) = form.card.actions
    reply = await service.press("Carol", button.verb, subject=button.subject, text="Left alone at night.")
    assert reply.card.title == "Bob Bittern, Dan Dunlin, Erin Egret and Frank Finch have been alerted"
    assert reply.card.why is not None
    for person in FOUR:
        card = service.one(person)
        assert card.tone is Tone.ALERT
        assert "Left alone at night." in words(card)
        assert card.why is not None
        assert card.why.rules == ("SOU-12",)
    assert not service.unread()


@pytest.mark.parametrize("person", ["Carol", "Alice", "Bob", "Dan", "Grace"])
async def test_everyone_near_the_case_may_raise_one(service: Service, person: str) -> None:
    assert not (await service.press(person, "safety", text="Left alone at night.")).refused


async def test_an_empty_text_does_not_stop_an_alert(service: Service) -> None:
    service.forget()
    assert not (await service.press("Carol", "safety")).refused
    assert set(service.unread()) == set(FOUR)


async def test_someone_far_from_the_case_is_told_whom_to_ask(service: Service) -> None:
    reply = await service.says("Leo", f"safety {CASE}")
    assert reply.refused
    assert "Please ask Carol Crane or Alice Avocet or Bob Bittern." in words(reply.card)


async def test_an_alert_is_sent_again_every_quarter_of_an_hour_until_each_of_the_four_has_it(service: Service) -> None:
    service.forget()
    await service.until("2026-01-05T20:00")
    service.forget()
    await raised(service)
    service.forget()
    thanks = await service.press("Bob", "acknowledge")
    assert thanks.card.title == f"Thank you. You have the alert about {CASE}"
    assert thanks.card.tone is Tone.DONE
    await service.until("2026-01-05T20:14")
    assert not service.unread()
    await service.until("2026-01-05T20:15")
    assert "Bob" not in service.unread()
    again = service.arrived("Erin")
    assert any("Bob Bittern: has it." in words(card) for card in again)
    for person in ("Dan", "Erin", "Frank"):
        await service.ok(await service.press(person, "acknowledge"))
    service.forget()
    await service.until("2026-01-05T23:00")
    assert not service.unread()


async def test_an_alert_that_nobody_answers_climbs_to_the_next_manager(service: Service) -> None:
    await raised(service)
    for person in ("Bob", "Dan", "Erin"):
        await service.press(person, "acknowledge")
    service.forget()
    await service.until("2026-01-05T09:15")
    assert service.one("Frank").tone is Tone.ALERT
    above = service.one("Kim")
    assert verbs(above) == {"acknowledge"}
    assert not service.unread()
    assert not (await service.press("Kim", "acknowledge")).refused
    await service.until("2026-01-05T12:00")
    assert not service.unread()


async def test_who_has_the_alert_hears_so_at_a_second_press(service: Service) -> None:
    await raised(service)
    await service.press("Bob", "acknowledge")
    reply = await service.press("Bob", "acknowledge")
    assert reply.refused
    assert "You have this on Mon 5 Jan 2026 at 09:00." in words(reply.card)
    early = await service.press("Kim", "acknowledge")
    assert "This alert hasn't come to you yet" in words(early.card)


async def test_a_second_concern_while_one_is_open_is_told_what_happens_already(service: Service) -> None:
    await raised(service)
    service.forget()
    reply = await service.press("Alice", "safety", text="Again.")
    assert reply.refused
    assert "The managers have been told and are told again until they answer. In an emergency ring 999." in words(
        reply.card
    )
    assert not service.unread()


async def test_personal_data_is_taken_out_of_an_alert_and_never_holds_it_back(service: Service, tmp_path: Path) -> None:
    service.forget()
    reply = await service.press("Carol", "safety", text="Left alone. Ring her on 07700 900123.")
    assert not reply.refused
    assert "What looked like personal data was taken out of your words; please tell them by phone." in reply.card.text
    for person in FOUR:
        assert "Left alone. Ring her on [taken out]." in words(service.one(person))
    assert not kept(tmp_path, "07700 900123")


async def test_an_alert_that_was_not_raised_is_not_acknowledged(service: Service) -> None:
    reply = await service.press("Bob", "acknowledge", OTHER_CASE)
    assert reply.refused
    assert "No safety alert is open on this audit." in words(reply.card)
