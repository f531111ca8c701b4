"""The table of roles where an audit isn't alone: with the one that audits its case again, as a thematic audit, and
where a role has nobody in it any more. The states of one audit by itself are in test_role_table.py."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audits.frameworks import shipped
from audits.permissions import sees_grade
from audits.state import REAUDIT, THEMATIC, Audit, Event
from scheduling.ticker import tick
from storage.allocations import ensure_cycle, issue, plan_allocation
from storage.ledger import record
from storage.store import Transaction
from storage.tables import PersonRow
from tests.handlers.states import COVER, Council, Told, blank, first_cycle, found, graded, managers
from tests.handlers.test_disclosure import _cards, _refusals
from tests.handlers.test_role_table import NOT_YOURS, Reader, _allowed, _press, _presses, _tried

__all__ = ["blank"]
SOON = timedelta(days=1, hours=3)
LATE = timedelta(days=90)


def _auditors(council: Council) -> tuple[str, str]:
    """Two auditors of one role, one near and one far, who don't manage the practitioner."""
    above = managers(council.framework, council.framework.case_roles[0])
    roles = [role for role in ("auditor", *council.framework.auditor_roles) if role not in above]
    role = next(one for one in roles if f"near {one}" in council.people and f"far {one}" in council.people)
    return f"near {role}", f"far {role}"


def _sent(council: Council, grade: str) -> Told:
    """An audit that the first of the two was given and has sent."""
    first, _ = _auditors(council)
    officer = f"near {council.framework.qa_roles[0]}"
    given = ("reassigned", officer, {"to_id": council.people[first], "reason": ""})
    return (given, *graded(council, grade, by=first))


async def _founded(blank: Path, path: Path, name: str, grade: str) -> Council:
    """A council with one audit that was sent with this grade."""
    return await found(blank, path, name, lambda council: {"earlier": _sent(council, grade)})


async def _another(council: Council, kind: str, grade: str) -> int:
    """One more audit of the same case, which the other of the two has sent with a grade; its number."""
    store, auditor = council.store(), _auditors(council)[1]
    try:
        async with store.begin() as tx:
            earlier = await tx.audit(council.audits["earlier"])
            assert earlier is not None
            row = await plan_allocation(
                tx,
                await ensure_cycle(tx, first_cycle(council.framework)),
                earlier.case,
                council.people[auditor],
                council.began,
                kind=kind,
                earlier_audit_id=earlier.id if kind == REAUDIT else None,
            )
            planned = await tx.audit(row.id)
            assert planned is not None
            audit = (await issue(tx, planned, council.began)).audit
            for hours, (event, actor, values) in enumerate(graded(council, grade, by=auditor), 1):
                at = council.began + timedelta(hours=12 + hours)
                who = council.people[actor] if actor else None
                audit = (await record(tx, audit, Event(event, at, who, values))).audit
            if kind == REAUDIT:
                earlier = await tx.audit(earlier.id)
                assert earlier is not None
                await record(tx, earlier, Event("reaudit_submitted", at, council.people[auditor], {}))
            return audit.id
    finally:
        await store.close()


async def _audit(tx: Transaction, number: int) -> Audit:
    audit = await tx.audit(number)
    assert audit is not None
    return audit


@pytest.mark.parametrize("name", shipped())
async def test_the_two_auditors_of_a_case_use_nothing_on_each_others_audit_but_what_the_table_gives_them(
    name: str, blank: Path, tmp_path: Path
) -> None:
    council = await _founded(blank, tmp_path / "council.sqlite3", name, "inadequate")
    later = await _another(council, REAUDIT, "good")
    earlier, tried = council.audits["earlier"], 0
    store = council.store()
    try:
        async with store.begin() as tx:
            for number, person in zip((later, earlier), _auditors(council), strict=True):
                for at in (council.began + SOON, council.began + LATE):
                    reader = Reader(council, await _audit(tx, number), tx, at)
                    for verb, action in _presses(council, "sent"):
                        if not _allowed(reader, verb, person, action):
                            subject = f"{number}" if action is None else f"{number}:{action}"
                            assert await _press(tx, council, person, verb, subject, at), (person, verb, subject)
                            tried += 1
            assert tx.untouched
    finally:
        await store.close()
    assert tried > 100


async def _shown(council: Council, name: str, number: int, at: datetime) -> list[str]:
    store = council.store()
    try:
        async with store.begin() as tx:
            person, audit = tx.directory.people[council.people[name]], await _audit(tx, number)
            assert not sees_grade(tx.rules, audit, person), name
            cards = [*await _cards(tx, person, audit, at), *await _refusals(tx, person, audit, at)]
            return [repr(card) for card in cards]
    finally:
        await store.close()


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("which", ["earlier", "later"])
async def test_the_auditor_of_one_audit_is_shown_nothing_that_depends_on_the_grade_of_the_other(
    which: str, name: str, blank: Path, tmp_path: Path
) -> None:
    shown = []
    for grade in ("outstanding", "good"):
        of_earlier, of_later = (grade, "good") if which == "earlier" else ("good", grade)
        council = await _founded(blank, tmp_path / grade, name, of_earlier)
        later = await _another(council, REAUDIT, of_later)
        at = council.began + timedelta(days=60)
        store = council.store()
        try:
            await tick(store, at)
        finally:
            await store.close()
        first, second = _auditors(council)
        number, person = (council.audits["earlier"], second) if which == "earlier" else (later, first)
        shown.append(await _shown(council, person, number, at))
    assert sorted({*shown[0]} ^ {*shown[1]}) == []


@pytest.mark.parametrize("name", shipped())
async def test_a_thematic_audit_is_nobodys_but_those_of_the_table(name: str, blank: Path, tmp_path: Path) -> None:
    council = await _founded(blank, tmp_path / "council.sqlite3", name, "good")
    number = await _another(council, THEMATIC, "inadequate")
    await _outside(council, number, set())


# ---- vacancies


class WithVacancies(Reader):
    """Reads the table where some have left: a role that nobody has any more is looked for further up."""

    left: frozenset[str] = frozenset()

    def allowed(self, verb: str, name: str, action: int | None) -> bool:
        return name not in self.left and super().allowed(verb, name, action)

    def _people(self, target: str, action: int | None) -> list[str]:
        if not self.left:
            return super()._people(target, action)
        line = [one for one in self._line if one not in self.left]
        above = [one for one in self._managers(self._auditor) if one not in self.left]
        match target:
            case "case_holder.manager":
                return line[:1]
            case "case_holder.manager.manager":
                return line[1:2]
            case "auditor.manager":
                return self._with_cover(above[:1])
        role = self.framework.roles.get(target)
        there = super()._people(target, action)
        # Whoever covered for somebody who has left doesn't have the role; only the steps that were open.
        while role is not None and role.reports_to and not {*there} - {*self.left, COVER}:
            there, role = super()._people(role.reports_to, action), self.framework.roles[role.reports_to]
        return there


async def _leave(council: Council, names: set[str]) -> None:
    store = council.store()
    try:
        async with store.begin() as tx:
            for name in names:
                row = await tx.session.get(PersonRow, council.people[name])
                assert row is not None
                row.active = False
            await tx.people_changed()
    finally:
        await store.close()


async def _outside(council: Council, number: int, left: set[str]) -> None:
    """Each verb is pressed by some whom the table doesn't name for it, and by one whom it does."""
    lot, refused, taken = random.Random(council.framework.name), 0, 0
    people = council.everybody()
    store = council.store()
    try:
        for at in (council.began + SOON, council.began + LATE):
            async with store.begin() as tx:
                reader = WithVacancies(council, await _audit(tx, number), tx, at)
                reader.left = frozenset(left)
                named = []
                for verb, action in _presses(council, "later"):
                    subject = f"{number}" if action is None else f"{number}:{action}"
                    able = [name for name in people if _allowed(reader, verb, name, action)]
                    named += [(verb, action, name, subject) for name in able if reader.allowed(verb, name, action)][:1]
                    others = [name for name in people if name not in able]
                    for name in {*lot.sample(others, min(4, len(others))), *(left & {*others})}:
                        assert await _press(tx, council, name, verb, subject, at), (name, verb, subject)
                        refused += 1
                assert tx.untouched
            for verb, _, name, subject in named:
                async with _tried(store) as tx:
                    title = await _press(tx, council, name, verb, subject, at)
                assert not title.startswith(NOT_YOURS), (name, verb, subject, title)
                taken += not title
    finally:
        await store.close()
    assert refused > 200
    assert taken > 5


@pytest.mark.parametrize("name", shipped())
async def test_what_was_with_a_role_that_nobody_has_is_for_whoever_the_table_finds_further_up(
    name: str, blank: Path, tmp_path: Path
) -> None:
    council = await _founded(blank, tmp_path / "council.sqlite3", name, "inadequate")
    nearest = managers(council.framework, council.framework.case_roles[0])[0]
    left = {one for one in council.people if one.partition(" ")[2] == nearest}
    await _leave(council, left)
    await _outside(council, council.audits["earlier"], left)
