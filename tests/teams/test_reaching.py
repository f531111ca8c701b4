"""Messages that must arrive, and what becomes of them where Teams doesn't take them."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.tables import OutboxRow
from tests.handlers.conftest import CASE
from tests.teams import trouble as wrong
from tests.teams.conftest import Opens, Story, says, title_of
from tests.teams.trouble import Kind, Mishap

HALF_AN_HOUR = timedelta(minutes=30)


async def state(story: Story, name: str) -> set[str]:
    return {row.state for row in await story.rows() if row.to_id == story.ids[name]}


async def later(story: Story, by: timedelta) -> None:
    """Let time pass, and everything happen that is due by then."""
    await story.program.move_to(story.clock.now() + by)


@pytest.mark.parametrize(
    ("mishap", "reason"),
    [
        (wrong.BLOCKED, "they have blocked auditloop in Teams"),
        (wrong.BLOCKED_BY_USER, "they have blocked auditloop in Teams"),
        (wrong.NOT_IN_ROSTER, "auditloop was taken out of their Teams"),
        (wrong.DISABLED_BY_ADMIN, "an administrator has turned auditloop off for them"),
        (wrong.refuses(403, "SomethingNew"), "auditloop may not write to them in Teams"),
        (wrong.refuses(404, "ConversationNotFound"), "their chat with auditloop is gone"),
    ],
    ids=lambda one: getattr(one, "code", ""),
)
async def test_whom_teams_refuses_for_good_is_reached_through_others(opens: Opens, mishap: Mishap, reason: str) -> None:
    async with opens() as story:
        story.teams.trouble.add(mishap, person=story.person("Carol"), kind=Kind.SEND, times=None)
        await story.everyone_came()
        assert await state(story, "Carol") == {"failed"}
        assert title_of(await story.shows("Dan", CASE)) in (
            f"For Carol Crane: Your audit for January 2026: {CASE}",
            f"For Carol Crane: The audit of {CASE}",
        )
        told = says(await story.shows(await story.officer(), "A message for Carol Crane did not arrive"))
        assert f"did not arrive: {reason}. The message went to Dan Dunlin instead." in told
        contact = await story.contact("Carol")
        assert contact is not None
        assert contact.closed == reason
        calls = story.sends("Carol")
        await story.person("Carol").says("mine")
        await story.teams.until(lambda: story.sends("Carol") > calls)


async def test_who_takes_the_app_out_is_not_written_to_although_teams_would_say_yes(story: Story) -> None:
    carol = story.person("Carol")
    await carol.uninstalls(still_answers=True)
    sends = story.sends("Carol")
    await story.until("2026-01-20T12:00")
    assert story.sends("Carol") == sends
    assert "they have taken auditloop out of their Teams" in says(
        await story.shows(await story.officer(), "A message for Carol Crane did not arrive")
    )
    await carol.installs()
    await story.teams.until(lambda: story.sends("Carol") > sends)


@pytest.mark.parametrize(
    "mishap",
    [wrong.AT_ODDS, wrong.throttles(), wrong.FAILS, wrong.BAD_GATEWAY, wrong.UNAVAILABLE, wrong.TIMED_OUT],
    ids=lambda one: str(one.status),
)
async def test_what_may_pass_is_tried_again_and_arrives_once(opens: Opens, mishap: Mishap) -> None:
    async with opens() as story:
        story.teams.trouble.add(mishap, person=story.person("Carol"), kind=Kind.SEND, times=2)
        await story.everyone_came()
        assert len(story.person("Carol").chat.now()) < 2
        await later(story, HALF_AN_HOUR)
        assert await state(story, "Carol") == {"sent"}
        assert len(story.person("Carol").chat.now()) == 2
        assert not any(
            "You may have had this message before." in says(card) for card in story.person("Carol").chat.cards()
        )
        assert "sent" not in await state(story, "Dan")


@pytest.mark.parametrize("as_date", [False, True], ids=["in seconds", "as a date"])
async def test_teams_is_given_the_time_that_it_asks_for(opens: Opens, as_date: bool) -> None:
    async with opens() as story:
        asked = datetime.now(UTC) + timedelta(seconds=600) if as_date else 600
        story.teams.trouble.add(wrong.throttles(asked), person=story.person("Carol"), kind=Kind.SEND, times=1)
        begun = story.clock.now()
        await story.everyone_came()
        waits = [row.not_before - begun for row in await story.rows() if row.to_id == story.ids["Carol"]]
        assert any(timedelta(seconds=590) <= wait <= timedelta(seconds=601) for wait in waits), waits


@pytest.mark.parametrize("mishap", [wrong.DROPS_AFTER_TAKING, wrong.GARBAGE], ids=["dropped", "garbage"])
async def test_what_may_have_arrived_comes_again_and_says_so(opens: Opens, mishap: Mishap) -> None:
    async with opens() as story:
        story.teams.trouble.add(mishap, person=story.person("Carol"), kind=Kind.SEND, times=1)
        await story.everyone_came()
        assert "unknown" in await state(story, "Carol")
        await later(story, HALF_AN_HOUR)
        assert await state(story, "Carol") == {"sent"}
        texts = [says(card) for card in story.person("Carol").chat.cards()]
        assert len(texts) == 3
        assert sum("You may have had this message before." in text for text in texts) == 1


async def test_a_message_without_an_id_is_delivered_and_never_changed(opens: Opens) -> None:
    async with opens() as story:
        story.teams.trouble.add(wrong.EMPTY, person=story.person("Carol"), kind=Kind.SEND, times=None)
        await story.everyone_came()
        assert await state(story, "Carol") == {"sent"}
        story.teams.trouble.clear()
        pressed = await story.asked("Carol", "accept")
        (other,) = (one for one in story.person("Carol").chat.now() if one is not pressed)
        before = says(other.card or {})
        await story.person("Carol").presses(pressed, "accept")
        await story.teams.until(lambda: pressed.history == ["sent", "updated"])
        await story.program.beat()
        updates = [(call.activity_id, call.status) for call in story.teams.sent(Kind.UPDATE)]
        assert updates == [(pressed.id, 200)]
        assert (other.history, says(other.card or {})) == (["sent"], before)


async def test_while_auditloop_cannot_sign_in_everything_waits_and_nobody_is_blamed(opens: Opens) -> None:
    async with opens() as story:
        order = story.teams.trouble.add(wrong.UNAUTHORISED, kind=Kind.SEND, times=None)
        await story.everyone_came()
        assert {row.state for row in await story.rows()} == {"queued"}
        errors = {row.error for row in await story.rows() if row.attempts}
        assert errors
        assert all(error.startswith("Teams answered 401") for error in errors), errors
        assert await story.contact("Carol")
        order.stop()
        await later(story, HALF_AN_HOUR)
        assert {row.state for row in await story.rows()} == {"sent"}


async def test_a_card_that_cannot_be_changed_just_now_is_changed_later(story: Story) -> None:
    message = await story.asked("Carol", "accept")
    story.teams.trouble.add(wrong.UNAVAILABLE, kind=Kind.UPDATE, times=1)
    await story.person("Carol").submits(message, "accept")
    await story.teams.until(lambda: "You took this audit" in says(message.card or {}), seconds=10)


async def test_a_months_list_for_hundreds_stays_within_teams_rates(opens: Opens) -> None:
    from audits.messages import Message
    from storage.contacts import Whereabouts, keep_contact
    from storage.ledger import post
    from storage.tables import PersonRow
    from tests.teams.connector import APP_ID, TENANT_ID

    async with opens(enforces_rates=True, sends_a_second=40) as story:
        now, crowd = story.clock.now(), []
        async with story.store.begin() as tx:
            for number in range(120):
                person = story.teams.person(f"Person {number}", f"p{number}@example.org")
                row = PersonRow(name=person.name, email=person.email, role="manager", active=True)
                tx.session.add(row)
                await tx.session.flush()
                where = Whereabouts(
                    TENANT_ID,
                    person.aad_object_id,
                    person.mri,
                    f"28:{APP_ID}",
                    person.chat.id,
                    story.teams.service_url,
                )
                await keep_contact(tx, "teams", row.id, where, now)
                crowd.append((person, row.id))
            await tx.people_changed()
            await post(
                tx,
                [
                    Message(
                        f"m{row_id}/{part}", "message", row_id, "manager", "", now, notice="told", text=f"Part {part}"
                    )
                    for _, row_id in crowd
                    for part in range(2)
                ],
            )
            few = crowd[0][1]
            await post(
                tx,
                [
                    Message(f"many/{part}", "message", few, "manager", "", now, notice="told", text=f"{part}")
                    for part in range(15)
                ],
            )
        await story.program.beat()
        for _ in range(30):
            if all(row.state == "sent" for row in await story.rows() if row.notice == "told"):
                break
            await later(story, timedelta(minutes=1))
        assert story.teams.breaches == []
        assert all(len(person.chat.now()) >= 2 for person, _ in crowd)
        assert len(crowd[0][0].chat.now()) == 17


async def test_an_alert_reaches_everyone_at_night_and_changes_for_who_takes_it(story: Story) -> None:
    await story.until("2026-01-05T23:30")
    await story.person("Carol").says(f"safety {CASE}")
    raised = await story.asked("Carol", "safety")
    await story.person("Carol").presses(raised, "safety", text="Nobody has seen the child.")
    alerted = [name for name in story.people if name != "Carol" and name in await _asked_to_acknowledge(story)]
    assert len(alerted) >= 3
    first, *others = [await story.asked(name, "acknowledge") for name in alerted]
    await story.person(alerted[0]).presses(first, "acknowledge")
    await story.teams.until(lambda: "You have the alert about" in says(first.card or {}))
    await story.teams.until(lambda: all("has it" in says(other.card or {}) for other in others))
    assert not any("You have the alert about" in says(other.card or {}) for other in others)


async def _asked_to_acknowledge(story: Story) -> set[str]:
    """Who has been sent the alert, once it has gone out to everybody whom it is for."""
    await story.program.beat()
    rows = await story.rows(OutboxRow.what == "alert")
    assert rows
    assert {row.state for row in rows} == {"sent"}
    names = {number: name for name, number in story.ids.items()}
    return {names[row.to_id] for row in rows}
