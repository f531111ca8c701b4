"""What people see when they open auditloop of their own accord: a QA officer the month, everyone what is theirs."""

from dataclasses import replace

import pytest

from audits.state import RemedialAction
from cards import home as cards
from cards.blocks.home import home_view
from cards.card import Card, Tone
from cards.scene import Scene
from handlers.home import MOST_STEPS, Home, home
from handlers.own import own_audits
from scheduling.composing import duty_card
from storage.allocations import ensure_cycle, plan_allocation
from storage.records import case_of
from storage.store import Transaction
from storage.tables import AuditRow, CaseRow, CycleRow
from tests.handlers.conftest import (
    AREA,
    CASE,
    EVERYONE,
    FREE_CASE,
    JANUARY,
    OTHER_CASE,
    Service,
    verbs,
    words,
)

QA = ("Grace", "Gil", "Heidi", "Ivan")
GRADES = ("Outstanding", "Good", "Requires improvement", "Inadequate")


async def seen(service: Service, person: str) -> Home:
    async with service.store.begin() as tx:
        found = tx.directory.get(service.people[person])
        assert found is not None
        return await home(tx, found, service.clock.now())


async def titles(service: Service, person: str) -> list[str]:
    return [card.title for _, card in (await seen(service, person)).cards]


async def overview(service: Service, person: str) -> Card:
    """The one card with what is the person's own."""
    shown = (await seen(service, person)).cards
    (card,) = (card for id_, card in shown if not id_ and card.title.endswith("for you"))
    return card


def rows(card: Card) -> tuple[tuple[str, ...], ...]:
    return card.table.rows if card.table is not None else ()


def everything(shown: Home) -> str:
    return "\n".join(words(card) for _, card in shown.cards)


async def many_cases(service: Service, count: int, auditor: str) -> None:
    """So many more audits of January for one auditor, each with two steps that wait for them."""
    async with service.store.begin() as tx:
        cycle = await ensure_cycle(tx, JANUARY)
        for number in range(count):
            row = CaseRow(ref=f"M{number:03}", plan="CIN", team="Red", service_area=AREA, on_list=True)
            row.holder_id = service.people["Alice"]
            tx.session.add(row)
            await tx.session.flush()
            await plan_allocation(tx, cycle, case_of(row), service.people[auditor], service.clock.now())
    await service.program.beat()
    service.forget()


# ---- what waits


async def test_an_auditor_sees_what_is_next_and_each_step_with_its_buttons(service: Service) -> None:
    shown = await seen(service, "Carol")
    card = await overview(service, "Carol")
    assert shown.cards[0] == ("", card)
    assert card.title == "2 steps wait for you"
    assert f"Next: Answer the allocation ({CASE}), due Thu 8 Jan 2026." in card.text
    assert rows(card) == (
        (CASE, "you audit it", "Waiting for the auditor's answer", "you: Answer the allocation, due Thu 8 Jan 2026"),
    )
    assert [card.title for _, card in shown.cards[1:]] == [f"Your audit for January 2026: {CASE}"]
    assert verbs(shown.cards[1][1]) == {"accept", "decline"}
    assert "1 of them can't be taken yet. Write mine to see everything." in card.text
    assert not shown.left


async def test_each_step_is_known_by_its_duty_and_is_the_card_that_a_press_on_it_shows(service: Service) -> None:
    await service.taken()
    await service.ok(await service.press("Carol", "book", when="Tue 13 Jan 2pm"))
    await service.ok(await service.press("Alice", "agree"))
    for person in EVERYONE:
        for id_, card in (await seen(service, person)).cards:
            if not id_:
                assert not card.actions
                continue
            kind, _, ref = id_.partition("/")
            assert kind == "duty"
            async with service.store.begin() as tx:
                viewer = tx.directory.people[service.people[person]]
                own = await duty_card(tx, int(ref.partition("/")[0]), ref, viewer, service.clock.now())
            assert card == own
            assert card.downloads or not card.title.startswith("Your discussion")


async def test_a_step_past_its_day_is_said_to_be_so(service: Service) -> None:
    await service.until("2026-01-09T12:00")
    card = await overview(service, "Carol")
    assert f"Next: Answer the allocation ({CASE}), was due Thu 8 Jan 2026." in card.text
    assert "1 step is past the day." in card.text


async def test_the_time_that_was_agreed_stands_in_the_overview_of_both(service: Service) -> None:
    await service.taken()
    assert "Next: Book the discussion" in words(await overview(service, "Carol"))
    await service.ok(await service.press("Carol", "book", when="Tue 13 Jan 2pm"))
    await service.ok(await service.press("Alice", "agree"))
    for person, yours in (("Carol", "you audit it"), ("Alice", "your case")):
        (row,) = rows(await overview(service, person))
        assert row[:3] == (CASE, yours, "Discussion booked for Tue 13 Jan 2026 at 14:00")


async def test_an_alert_stands_above_everything_else(service: Service) -> None:
    await service.ok(await service.press("Carol", "safety", text="Left alone at night."))
    assert (await titles(service, "Bob"))[0] == f"Safety alert: {CASE}"
    assert (await seen(service, "Bob")).cards[0][1].tone is Tone.ALERT


@pytest.mark.parametrize("person", ["Kim", "Judy"])
async def test_somebody_with_nothing_of_their_own_is_told_so(service: Service, person: str) -> None:
    ((id_, card),) = (await seen(service, person)).cards
    assert (id_, card.title, card.table) == ("", "Nothing waits for you", None)
    assert "You have no audits or actions under way." in words(card)


async def test_sixty_steps_are_all_there_and_the_table_says_what_it_leaves_out(service: Service) -> None:
    await many_cases(service, 29, "Carol")
    shown = await seen(service, "Carol")
    card = await overview(service, "Carol")
    assert card.title == "60 steps wait for you"
    assert len({id_ for id_, _ in shown.cards if id_}) == 30, "the other thirty come after these"
    assert all(card.actions for id_, card in shown.cards if id_)
    assert shown.left == 60 - MOST_STEPS
    assert len(rows(card)) == cards.MOST_ROWS
    assert f"{30 - cards.MOST_ROWS} more rows of your audits and actions: write mine." in card.text
    everything_typed = (await service.says("Carol", "mine")).card
    assert everything_typed.table is not None
    assert len(everything_typed.table.rows) == 60
    assert len(everything_typed.facts) == 30


async def test_more_steps_than_any_platform_shows_are_counted(service: Service) -> None:
    await many_cases(service, MOST_STEPS, "Carol")
    shown = await seen(service, "Carol")
    assert len([id_ for id_, _ in shown.cards if id_]) == MOST_STEPS
    assert shown.left == MOST_STEPS + 2
    assert (await overview(service, "Carol")).title == f"{2 * MOST_STEPS + 2} steps wait for you"


@pytest.mark.parametrize("count", [0, 1, 29, 45])
async def test_every_home_fits_the_tab_of_slack(service: Service, count: int) -> None:
    await many_cases(service, count, "Carol")
    await service.until("2026-01-30T12:00")
    for person in ("Carol", "Alice", "Dan", "Grace"):
        view = home_view((await seen(service, person)).cards)
        assert view["type"] == "home"
        assert len(view["blocks"]) <= 100


# ---- whose


async def test_nobody_sees_anything_of_an_audit_that_is_not_theirs(service: Service) -> None:
    await service.sent(action_1_what="Update the chronology.")
    for person in ("Leo", "Mia", "Kim"):
        told = everything(await seen(service, person))
        assert CASE not in told
        assert "Update the chronology" not in told
    assert OTHER_CASE not in everything(await seen(service, "Carol"))


@pytest.mark.parametrize("grade", ["good", "inadequate"])
async def test_a_practitioners_overview_is_the_same_whatever_the_grade(service: Service, grade: str) -> None:
    await service.sent(grade=grade)
    assert rows(await overview(service, "Alice")) == ((CASE, "your case", "Completed", cards.NOTHING_NEXT),)
    for person in ("Alice", "Carol"):
        for text in (words(await overview(service, person)), words((await service.says(person, "mine")).card)):
            assert not any(grade in text for grade in GRADES)


async def test_a_moderation_that_is_kept_back_has_not_happened_for_those_who_do_not_moderate(service: Service) -> None:
    await service.inadequate()
    audit = await service.audit()
    held = replace(audit, facts={**audit.facts, "hold": True, "held_actions": [1]})
    told = {}
    async with service.store.begin() as tx:
        for name in ("Alice", "Carol", "Grace"):
            scene = Scene(tx.rules, held, tx.directory.people[service.people[name]], service.clock.now())
            told[name] = cards.overview((), [scene], ())
    assert {name: rows(card)[0][2] for name, card in told.items()} == {
        "Alice": "Completed",
        "Carol": "Completed",
        "Grace": "Moderated",
    }


async def test_before_the_grade_one_sees_whose_turn_it_is(service: Service) -> None:
    assert rows(await overview(service, "Alice")) == (
        (
            CASE,
            "your case",
            "Waiting for the auditor's answer",
            "Carol Crane: Answer the allocation, by Thu 8 Jan 2026",
        ),
    )


async def test_that_an_alert_waits_for_others_is_not_told(service: Service) -> None:
    before = rows(await overview(service, "Alice"))
    await service.ok(await service.press("Carol", "safety", text="Left alone at night."))
    assert rows(await overview(service, "Alice")) == before


# ---- actions


async def test_an_action_is_listed_until_it_is_signed_off(service: Service) -> None:
    await service.sent(action_1_what="Update the chronology.")

    async def own() -> list[tuple[str, ...]]:
        return [row for row in rows(await overview(service, "Alice")) if row[1].startswith("your action")]

    (row,) = await own()
    assert row == (
        CASE,
        "your action 1: Update the chronology",
        "Open",
        "you: report it done, due Mon 2 Feb 2026",
    )
    await service.ok(await service.press("Alice", "confirm", action=1))
    (row,) = await own()
    assert row[2:] == ("Reported done on Mon 5 Jan 2026 at 09:00", "its sign-off")
    await service.ok(await service.press("Bob", "sign_off", action=1))
    assert await own() == []


async def test_a_long_action_is_shortened_with_a_sign_of_it(service: Service) -> None:
    await service.taken()
    audit = await service.audit()
    action = RemedialAction(1, "See the child alone. " * 20, service.people["Alice"])
    async with service.store.begin() as tx:
        scene = Scene(tx.rules, audit, tx.directory.people[service.people["Alice"]], service.clock.now())
    ((_, yours, _, following),) = rows(cards.overview((), (), [(scene, action)]))
    assert yours.endswith("…")
    assert len(yours) < 120
    assert following == "you: report it done"


async def test_an_old_audit_stays_only_while_something_is_open_on_it(service: Service) -> None:
    async def refs(tx: Transaction, person: str) -> list[str]:
        viewer = tx.directory.people[service.people[person]]
        return [scene.audit.case.ref for scene in await own_audits(tx, viewer, service.moment("2026-02-03T09:00"))]

    await service.sent()
    number = await service.number(CASE)
    async with service.store.begin() as tx:
        tx.session.add(CycleRow(month="2026-02", issue_at=service.moment("2026-02-02T09:00"), unfilled=[]))
        await tx.session.flush()
        assert await refs(tx, "Carol") == [CASE]
        row = await tx.session.get_one(AuditRow, number)
        row.withdrawn = True
        await tx.session.flush()
        assert await refs(tx, "Carol") == []


# ---- the month


@pytest.mark.parametrize("person", QA)
async def test_a_qa_officer_sees_the_month_and_what_is_late_first(service: Service, person: str) -> None:
    await service.until("2026-01-09T12:00")
    shown = [card for id_, card in (await seen(service, person)).cards if not id_]
    assert [card.title for card in shown][:2] == ["How things stand: January 2026", "What is overdue"]
    assert shown[0].bars is not None
    assert shown[0].bars.bars == (("Waiting for the auditor's answer", 2),)
    assert [row[0] for row in rows(shown[1])] == [CASE, OTHER_CASE]


async def test_nobody_else_sees_the_month(service: Service) -> None:
    for person in EVERYONE:
        if person not in QA:
            assert not any("How things stand" in title for title in await titles(service, person)), person


async def test_a_long_list_of_what_is_late_shows_its_beginning_and_the_word_for_the_rest(service: Service) -> None:
    await many_cases(service, 14, "Carol")
    await service.until("2026-01-09T12:00")
    (late,) = (card for _, card in (await seen(service, "Grace")).cards if card.title == "What is overdue")
    assert len(rows(late)) == 10
    assert "The first 10 of 16 are here. Write overdue for all of them." in late.text
    assert late.table is not None


async def test_before_the_first_cycle_the_officer_is_told_so(service: Service) -> None:
    async with service.store.begin() as tx:
        officer = tx.directory.people[service.people["Grace"]]
        shown = await home(tx, officer, service.moment("2026-01-01T09:00"))
    assert shown.cards[0][1].title == "No cycle has begun yet"


async def test_looking_changes_nothing(service: Service) -> None:
    before = await service.audit(), await service.audit(OTHER_CASE)
    service.forget()
    for person in EVERYONE:
        await seen(service, person)
    assert (await service.audit(), await service.audit(OTHER_CASE)) == before
    assert not service.unread()


async def test_a_case_that_is_not_audited_is_nobodys(service: Service) -> None:
    for person in EVERYONE:
        assert FREE_CASE not in everything(await seen(service, person))
