"""Every verb, pressed as everybody on an audit in every state: what isn't in the table of roles never succeeds.

The table is what `auditloop frameworks show` prints (audits/permissions.py). Whom its lines mean is worked out here
once more, from the names of the people, so that a mistake there doesn't go unseen.
"""

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from audits.addresses import RELATIONS
from audits.events import EVENTS
from audits.frameworks import shipped
from audits.permissions import (
    EVERYONE,
    NEVER_THE_AUDITOR,
    NEVER_WHO_REPORTED,
    QA,
    TAKE_UP,
    WORDS,
    Grant,
    grants,
    ruling,
)
from audits.state import Audit
from handlers.commands import ORDERS, say
from handlers.dispatch import WITHOUT_AUDIT, answer
from handlers.interaction import Interaction
from handlers.press import OWN_WORK, Refused
from handlers.verbs import PER_ACTION, VERBS, press
from storage.store import Store, Transaction
from storage.tables import ActionRow, AuditRow, DutyRow, LedgerRow, OutboxRow, PersonRow
from tests.handlers.states import (
    BY_A_MODERATOR,
    COVER,
    GONE,
    PLANNED,
    Council,
    Told,
    blank,
    found,
    graded,
    managers,
    moderated,
    moderator,
)

__all__ = ["blank"]
LATE = timedelta(days=90)
SOON = timedelta(days=1, hours=3)
MEANS = {"acknowledge": TAKE_UP, "discuss": "supervise"}
"""Verbs that are taken for another one where only that makes sense, and recorded as that one."""
NOT_YOURS = ("Sorry, you can't", *(title for title, _ in OWN_WORK.values()))
ANSWERS = {
    "grade": "inadequate",
    "text": "Because of what the file says.",
    "reason": "capacity",
    "rationale": "Seen together.",
    "safety": "no",
    "neglect": "no",
    "concern": "no",
    "decision": "review",
    "another": "no",
    "dispute_text": "I see it differently.",
    "where": "",
    "when": "2026-05-12 10:00",
    "until": "2026-12-10",
    "learning": "no",
    "stretch_practitioner": "Shorter plans.",
    "stretch_manager": "Earlier reading.",
    "feedback_child": "obtained",
    "feedback_parent_carer": "obtained",
    **{f"check_{number}": "yes" for number in range(1, 10)},
}
"""Forms filled in rightly, so that nothing but a permission can be missing."""


def states(council: Council) -> Mapping[str, Told]:
    framework = council.framework
    auditor, worker, judge = f"near {_auditing(council)}", council.practitioner, moderator(framework)
    sent = graded(council, "requires_improvement")
    bad = graded(council, "inadequate", safety=True)
    officer = council.people[f"near {framework.qa_roles[0]}"]
    held_back = moderated(council, graded(council, "good"), "inadequate", concern=True, added=1)
    other = council.people[f"far {framework.auditor_roles[0]}"] if _far(council) else officer
    return {
        PLANNED: (),
        "issued": (),
        "accepted": sent[:1],
        "proposed": sent[:2],
        "held": sent[:4],
        "handed back": (("declined", auditor, {"reason": "leave", "officer_id": officer, "officer_role": "qa"}),),
        "reassigned": (*sent[:1], ("reassigned", f"near {framework.qa_roles[0]}", {"to_id": other, "reason": ""})),
        "alerted": (*sent[:1], ("safety_raised", auditor, {"text": "Now."})),
        "sent": sent,
        "sent as inadequate and unsafe": bad,
        "sent as outstanding": graded(council, "outstanding"),
        "moderated": moderated(council, bad, "inadequate", added=1),
        "held back": held_back,
        BY_A_MODERATOR: moderated(
            council, graded(council, "good", by=_both(council)), "inadequate", concern=True, added=1
        ),
        "talked through": (*held_back, ("discussed", judge, {"text": "", "grade": None})),
        "disputed": (*sent, ("disputed", worker, {"text": "No."})),
        "reported done": (
            *sent,
            ("confirmed", worker, {"action": 1, "text": ""}),
            ("confirmed", f"near {managers(framework, framework.case_roles[0])[1]}", {"action": 2, "text": ""}),
        ),
        "signed off": (
            *sent,
            ("confirmed", worker, {"action": 1, "text": ""}),
            ("signed_off", f"near {managers(framework, framework.case_roles[0])[1]}", {"action": 1}),
        ),
        "asked for more": (
            *sent,
            ("overseen", f"near {managers(framework, framework.case_roles[0])[0]}", {"text": "", "learning": True}),
            ("commissioned", judge, {"text": "Again."}),
        ),
        "withdrawn": (*sent[:2], ("withdrawn", f"near {framework.qa_roles[0]}", {"reason": ""})),
        "all of it late": (*sent[:3], ("not_held", auditor, {})),
        "sent and late": sent,
    }


def _auditing(council: Council) -> str:
    return "auditor" if "auditor" in council.framework.roles else council.framework.auditor_roles[0]


def _far(council: Council) -> bool:
    return f"far {council.framework.auditor_roles[0]}" in council.people


def _both(council: Council) -> str | None:
    both = [role for role in council.framework.auditor_roles if role in council.framework.verbs["moderate"].by]
    return f"near {both[0]}" if both else None


@pytest.fixture(scope="module", params=shipped())
def council(request: pytest.FixtureRequest, blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Council:
    path = tmp_path_factory.mktemp("states") / f"{request.param}.sqlite3"
    return asyncio.run(found(blank, path, request.param, states))


class Reader:
    """Reads the table for one audit, from the names of the people."""

    def __init__(self, council: Council, audit: Audit, tx: Transaction, at: datetime) -> None:
        self.council, self.audit, self.tx, self.at = council, audit, tx, at
        self.framework = council.framework
        self._named: dict[tuple[str, int | None], frozenset[str]] = {}
        self._line = [f"near {role}" for role in managers(self.framework, self.framework.case_roles[0])]

    def allowed(self, verb: str, name: str, action: int | None) -> bool:
        """Whether the table lets somebody use a verb on the audit."""
        if name == GONE:
            return False
        if (verb, action) not in self._named:
            found = grants(self.framework, verb) if verb != TAKE_UP else ()
            lists = [self._meant(grant, action) for grant in found] if verb != TAKE_UP else [self._above()]
            self._named[verb, action] = frozenset(one for names in lists for one in names)
        if name not in self._named[verb, action]:
            return False
        rule = ruling(self.framework, verb)
        if verb in NEVER_THE_AUDITOR and rule is not None and "auditor" not in rule.by:
            return name != self._auditor
        chosen = self.audit.action(action) if action is not None else None
        reported = chosen is not None and chosen.confirmed_by == self.council.people[name]
        return not (verb in NEVER_WHO_REPORTED and reported and chosen is not None and chosen.signed_off_at is None)

    @property
    def _auditor(self) -> str:
        return self.council.name(self.audit.auditor_id)

    def _meant(self, grant: Grant, action: int | None) -> list[str]:
        if not grant.duty:
            return self._people(grant.target, action)
        owners = [
            self.council.name(duty.owner_id)
            for duty in self.audit.open_duties(grant.duty)
            if duty.owner_id is not None and (action is None or duty.action in (None, action))
        ]
        return self._with_cover(owners) if grant.stand_ins else owners

    def _people(self, target: str, action: int | None) -> list[str]:
        framework, worker, line = self.framework, self.council.practitioner, self._line
        chosen = self.audit.action(action) if action is not None else None
        relations = {
            "auditor": [self._auditor],
            "case_holder": [worker],
            "case_holder.manager": self._with_cover(line[:1]),
            "case_holder.manager.manager": line[1:2],
            "auditor.manager": self._with_cover(self._managers(self._auditor)[:1]),
            "action_owner": self._with_cover([self.council.name(chosen.owner_id) if chosen else worker]),
            QA: [f"near {role}" for role in framework.qa_roles],
        }
        if target in RELATIONS:
            return relations[target]
        role = framework.roles[target]
        if role.one_of:
            # It falls to somebody in turn, which is the draw's affair (audits/addresses.py).
            holder = self.tx.rules.address(target, self.audit, self.at)
            return [self.council.name(holder.person.id)] if holder else []
        if role.cases:
            return [worker] if f"near {target}" == worker else self._with_cover([f"near {target}"])
        return self._with_cover([f"near {target}"])

    def _with_cover(self, names: list[str]) -> list[str]:
        return [*names, COVER] if self._line[0] in names else names

    def _managers(self, name: str) -> list[str]:
        found: list[str] = []
        people = self.tx.directory.people
        above = people[self.council.people[name]].manager_id
        while above is not None:
            found.append(self.council.name(above))
            above = people[above].manager_id
        return found

    def _above(self) -> list[str]:
        """Who may say that they have what is late or escalated: those above whoever has it, and QA; never they."""
        found: list[str] = []
        for duty in self.audit.open_duties():
            terms = self.framework.duties[duty.key]
            late = self.at > duty.nominal or terms.what == "escalation"
            if duty.key != "acknowledge_alert" and late and not terms.lapses:
                owner = self.council.name(duty.owner_id) if duty.owner_id is not None else None
                above = [*self._people(QA, None), *(self._managers(owner) if owner else ())]
                found += [name for name in above if name != owner]
        return found


def _presses(council: Council, state: str) -> Iterator[tuple[str, int | None]]:
    """Every verb with each action that it could be about; those that the framework lacks in one state alone."""
    for verb in (*VERBS, "dance"):
        if grants(council.framework, verb) or state == "sent":
            yield from ((verb, action) for action in ((None, 1, 2, 3) if verb in PER_ACTION else (None,)))


def _moment(council: Council, state: str) -> datetime:
    return council.began + (LATE if "late" in state else SOON)


def _allowed(reader: Reader, verb: str, name: str, action: int | None) -> bool:
    return any(reader.allowed(one, name, action) for one in (verb, MEANS.get(verb)) if one is not None)


def _interaction(council: Council, name: str, verb: str, subject: str, at: datetime, event: str) -> Interaction:
    return Interaction(council.people[name], verb, event, at, subject, ANSWERS)


async def _press(tx: Transaction, council: Council, name: str, verb: str, subject: str, at: datetime) -> str:
    """The title of the refusal; empty where the press was taken."""
    try:
        person = tx.directory.people[council.people[name]]
        await press(tx, person, _interaction(council, name, verb, subject, at, "event"))
    except Refused as refused:
        return refused.card.title
    return ""


async def test_nothing_outside_the_table_succeeds_or_leaves_a_trace(council: Council) -> None:
    store, tried, people = council.store(), 0, council.everybody()
    try:
        for state, audit_id in council.audits.items():
            at = _moment(council, state)
            async with store.begin() as tx:
                audit = await tx.audit(audit_id)
                assert audit is not None
                reader = Reader(council, audit, tx, at)
                for verb, action in _presses(council, state):
                    subject = f"{audit_id}" if action is None else f"{audit_id}:{action}"
                    for name in people:
                        if state != PLANNED and _allowed(reader, verb, name, action):
                            continue
                        refused = await _press(tx, council, name, verb, subject, at)
                        assert refused, f"{name} could {verb} {subject} while the audit was {state}"
                        tried += 1
                assert tx.untouched, state
    finally:
        await store.close()
    assert tried > 8_000


class _Undone(Exception):
    """Rolls a transaction back."""


@asynccontextmanager
async def _tried(store: Store) -> AsyncIterator[Transaction]:
    """A transaction of which nothing stays."""
    with suppress(_Undone):
        async with store.begin() as tx:
            yield tx
            raise _Undone


async def test_what_the_table_names_is_never_refused_for_want_of_permission(council: Council) -> None:
    store, people = council.store(), council.everybody()
    taken: set[str] = set()
    tries: Counter[str] = Counter()
    lot = random.Random(council.framework.name)
    try:
        for state, audit_id in council.audits.items():
            if state == PLANNED:
                continue
            at = _moment(council, state)
            async with store.begin() as tx:
                audit = await tx.audit(audit_id)
                assert audit is not None
                reader = Reader(council, audit, tx, at)
                named = [
                    (verb, action, name)
                    for verb, action in _presses(council, state)
                    for name in people
                    if reader.allowed(verb, name, action)
                ]
            lot.shuffle(named)
            one_each = {verb: (verb, action, name) for verb, action, name in named if verb not in taken}
            least_tried = sorted(one_each.values(), key=lambda one: tries[one[0]])
            for verb, action, name in (*least_tried[:5], *named[:1]):
                tries[verb] += 1
                subject = f"{audit_id}" if action is None else f"{audit_id}:{action}"
                async with _tried(store) as tx:
                    title = await _press(tx, council, name, verb, subject, at)
                assert not title.startswith(NOT_YOURS), f"{name} couldn't {verb} {subject} while {state}: {title}"
                if not title:
                    taken.add(verb)
    finally:
        await store.close()
    assert len(taken) > 12, sorted(taken)


async def _whole(tx: Transaction) -> list[object]:
    """All that a press could change, but the replies that were kept."""
    tables = (LedgerRow, OutboxRow, AuditRow, DutyRow, ActionRow, PersonRow)
    return [[tuple(row) for row in await tx.session.execute(select(one.__table__))] for one in tables]


async def test_a_refused_press_changes_nothing_in_the_database(council: Council, tmp_path: Path) -> None:
    copy = tmp_path / "council.sqlite3"
    shutil.copyfile(council.path, copy)
    there = Council(copy, council.framework, council.people, council.audits, council.began)
    people = council.everybody()
    store, lot = there.store(), random.Random(council.framework.name)
    try:
        async with store.begin() as tx:
            before = await _whole(tx)
            outside = []
            for state, audit_id in lot.sample(sorted(council.audits.items()), 8):
                at = _moment(council, state)
                audit = await tx.audit(audit_id)
                assert audit is not None
                reader = Reader(council, audit, tx, at)
                pressed = [(verb, action, name) for verb, action in _presses(council, state) for name in people]
                for verb, action, name in lot.sample(pressed, 12):
                    if state == PLANNED or not _allowed(reader, verb, name, action):
                        subject = f"{audit_id}" if action is None else f"{audit_id}:{action}"
                        outside.append((name, verb, subject, at))
        for number, (name, verb, subject, at) in enumerate(outside):
            reply = await answer(store, _interaction(council, name, verb, subject, at, f"event-{number}"))
            assert reply.refused, (name, verb, subject)
        async with store.begin() as tx:
            assert await _whole(tx) == before
    finally:
        await store.close()
    assert len(outside) > 60


def _lines(council: Council, ref: str) -> Iterator[tuple[str, str]]:
    """Each word with what makes sense behind it."""
    name = "near " + council.framework.qa_roles[-1]
    behind = {
        "case": ref,
        "who": name,
        "leave": "until 20 May 2026",
        "reassign": f"{ref} to {name}",
        "extend": f"{ref} until 20 May 2026 because of sickness",
        "allocate": f"{ref} to {name}",
        "waive": f"{ref} because of leave",
        "commission": f"{ref} because of an incident",
        "safety": ref,
        "theme": "Neglect",
    }
    yield from ((word, f"{word} {behind.get(word, '')}") for word in ORDERS)
    yield "leave NAME", f"leave {name} until 20 May 2026"


async def test_words_are_for_those_whom_the_table_names(council: Council) -> None:
    store, qa = council.store(), {f"near {role}" for role in council.framework.qa_roles}
    at = _moment(council, "issued")
    # Words know no relation to an audit but that of their verb, so not everybody has to write them all.
    others = [name for name in council.everybody() if name not in qa and name != GONE]
    people = [*sorted(qa), *others[::4]]
    try:
        for word, line in _lines(council, "C-2"):
            who = WORDS[word]
            rule = ruling(council.framework, who) if who not in (EVERYONE, QA) else None
            only_qa = who == QA or (who != EVERYONE and (rule is None or set(rule.by) == {QA}))
            for name in people:
                async with _tried(store) as tx:
                    title = await _say(tx, council, name, line, at)
                assert title.startswith("That question is for") is (only_qa and name not in qa), (word, name, title)
    finally:
        await store.close()


async def _say(tx: Transaction, council: Council, name: str, line: str, at: datetime) -> str:
    try:
        return (await say(tx, tx.directory.people[council.people[name]], line, at)).card.title
    except Refused as refused:
        return refused.card.title


def test_every_word_and_button_of_the_bot_is_in_the_table() -> None:
    assert {*ORDERS, *WITHOUT_AUDIT} == set(WORDS) - {"leave NAME"}
    assert set(VERBS) == set(EVENTS)
