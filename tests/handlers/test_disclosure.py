"""Nobody learns a grade before they may: whatever they are shown is the same, whatever the grade is.

Two councils differ in one grade and in nothing else. Everything that each person can be shown in one is held against
what they are shown in the other: a word, a number, a step or a button that depends on the grade gives it away as well.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from audits.frameworks import shipped
from audits.people import Person
from audits.permissions import may, moderates, sees_grade
from audits.state import Audit
from bot.timeline import timeline
from cards.card import Card
from cards.discretion import discreet
from handlers.commands import say
from handlers.home import home
from handlers.interaction import Interaction
from handlers.press import Refused
from handlers.verbs import VERBS, press
from scheduling.composing import bundle_card, message_card
from scheduling.ticker import tick
from storage.store import Store, Transaction
from storage.tables import OutboxRow
from tests.handlers.states import BY_A_MODERATOR, GONE, Council, Told, audited_by, blank, found, graded, moderated

__all__ = ["blank"]
LATE = timedelta(days=60)
GRADES = ("outstanding", "inadequate")
Outcome = tuple[str, bool, int]
HELD: tuple[Outcome, ...] = (("outstanding", False, 0), ("inadequate", True, 2), ("good", True, 1))
"""Outcomes of moderating a Good that are kept back: grade, concern, and how many actions were added."""
Seen = Mapping[str, list[str]]
Knows = Callable[[Transaction, Audit, Person], bool]


@asynccontextmanager
async def _opened(council: Council) -> AsyncIterator[Store]:
    store = council.store()
    try:
        yield store
    finally:
        await store.close()


async def _cards(tx: Transaction, person: Person, audit: Audit, at: datetime) -> list[Card]:
    """Every card that somebody can be shown: what they were sent, what they may ask, and what a press is answered."""
    rows = list(await tx.session.scalars(select(OutboxRow).where(OutboxRow.to_id == person.id).order_by(OutboxRow.id)))
    found = [await message_card(tx, row, person, at) for row in rows]
    reminders = [row for row in rows if row.what in ("nudge", "overdue")]
    if len(reminders) > 1:
        found.append(await bundle_card(tx, reminders, person, at))
    labels = [grade.label for grade in tx.framework.grades]
    found += [discreet(card, labels) for card in found]
    found += [card for _, card in (await home(tx, person, at)).cards]
    ref = audit.case.ref
    for line in (
        "mine",
        "status",
        "status share",
        "overdue",
        "cycle",
        f"case {ref}",
        f"who {person.name}",
        f"safety {ref}",
    ):
        try:
            found.append((await say(tx, person, line, at)).card)
        except Refused as refused:
            found.append(refused.card)
    return found


async def _refusals(tx: Transaction, person: Person, audit: Audit, at: datetime) -> list[Card]:
    """What somebody reads who presses what isn't theirs, with a card of their own making."""
    found = []
    for verb in VERBS:
        taken_for = (verb, "take_up", "supervise")
        if any(may(tx.rules, audit, one, person, at) for one in taken_for):
            continue
        forged = Interaction(person.id, verb, "event", at, f"{audit.id}", {})
        with pytest.raises(Refused) as refused:
            await press(tx, person, forged)
        found.append(refused.value.card)
    return found


async def _shown(council: Council, names: set[str], at: datetime) -> Seen:
    """All that each of these people is shown about the one audit, with their own timeline."""
    shown: dict[str, list[str]] = {}
    async with _opened(council) as store:
        for name in sorted(names):
            async with store.begin() as tx:
                person, audit = tx.directory.people[council.people[name]], await _audit(tx, council)
                lines = [repr(card) for card in await _cards(tx, person, audit, at)]
                lines += [repr(card) for card in await _refusals(tx, person, audit, at)]
                entries, _ = await timeline(tx, person.id, 1)
                shown[name] = [*lines, *(repr((one.who, one.text, one.why, one.case)) for one in entries)]
    return shown


async def _audit(tx: Transaction, council: Council) -> Audit:
    (number,) = council.audits.values()
    found = await tx.audit(number)
    assert found is not None
    return found


async def _ignorant(council: Council, knows: Knows) -> set[str]:
    async with _opened(council) as store, store.begin() as tx:
        audit, people = await _audit(tx, council), tx.directory.people
        everybody = [name for name in council.everybody() if name != GONE]
        return {name for name in everybody if not knows(tx, audit, people[council.people[name]])}


async def _told(council: Council) -> set[str]:
    """Those whom the framework has told something about the audit."""
    async with _opened(council) as store, store.begin() as tx:
        return {council.name(one) for one in await tx.session.scalars(select(OutboxRow.to_id))}


def _differing(one: Seen, other: Seen) -> dict[str, list[str]]:
    return {name: sorted({*lines} ^ {*other[name]}) for name, lines in one.items() if lines != other[name]}


async def _grown_late(councils: list[Council]) -> datetime:
    """Let so much time pass in each of them that every reminder and escalation has been decided."""
    at = councils[0].began + LATE
    for council in councils:
        async with _opened(council) as store:
            await tick(store, at)
    return at


@pytest.mark.parametrize("name", shipped())
async def test_who_may_not_see_a_grade_is_shown_nothing_that_depends_on_it(
    name: str, blank: Path, tmp_path: Path
) -> None:
    councils = [await found(blank, tmp_path / grade, name, partial(_sent, grade)) for grade in GRADES]
    at = await _grown_late(councils)

    def knows(tx: Transaction, audit: Audit, person: Person) -> bool:
        return sees_grade(tx.rules, audit, person)

    ignorant = await _ignorant(councils[0], knows) & await _ignorant(councils[1], knows)
    ignorant -= await _told(councils[0]) | await _told(councils[1])
    assert len(ignorant) > 2
    one, other = [await _shown(council, ignorant, at) for council in councils]
    assert not _differing(one, other)


def _sent(grade: str, council: Council) -> Mapping[str, Told]:
    return {"sent": graded(council, grade)}


def _held(state: str, outcome: Outcome, council: Council) -> Mapping[str, Told]:
    grade, concern, added = outcome
    before = graded(council, "good", by=audited_by(council.framework, state))
    return {state: moderated(council, before, grade, concern=concern, added=added)}


@pytest.mark.parametrize("state", ["held back", BY_A_MODERATOR])
async def test_what_moderation_found_shows_nowhere_until_it_was_talked_through(
    state: str, blank: Path, tmp_path: Path
) -> None:
    councils = [
        await found(blank, tmp_path / f"{number}", "wokingham", partial(_held, state, outcome))
        for number, outcome in enumerate(HELD)
    ]
    at = await _grown_late(councils)

    def knows(tx: Transaction, audit: Audit, person: Person) -> bool:
        asked = {duty.owner_id for duty in audit.open_duties("discuss_moderation")}
        assert audit.on_hold
        assert asked
        return moderates(tx.rules, audit, person, at) or person.id in asked

    ignorant = await _ignorant(councils[0], knows)
    assert {audited_by(councils[0].framework, state), councils[0].practitioner, "near tm", "near ad_csc"} <= ignorant
    first, *others = [await _shown(council, ignorant, at) for council in councils]
    for other in others:
        assert not _differing(first, other)
