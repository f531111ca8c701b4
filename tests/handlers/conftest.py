"""A small Southampton service on a real database, with a clock that the story moves and a postbox that keeps the post.

It is Mon 5 Jan 2026, 09:00: the list of January has just gone out. Carol audits K7F-204 (Alice's), Leo B2D-118 (Mia's).
P9Q-330 (Alice's) is on the case list and not allocated.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from audits.calendar import WorkCalendar
from audits.dates import Cycle
from audits.frameworks import framework_named
from audits.people import Person
from audits.state import Audit
from bot.desk.service import Letter
from bot.program import Program
from cards.card import Card
from handlers.interaction import Interaction, Reply
from scheduling.clock import MovedClock
from scheduling.door import NotDelivered, Parcel
from storage.allocations import ensure_cycle, plan_allocation
from storage.database import sqlite_url
from storage.migrating import migrate
from storage.records import case_of
from storage.store import Store, Transaction
from storage.tables import AuditRow, CaseRow, LedgerRow, PersonRow
from tests.compiled import open_again

AREA = "Assessment"
JANUARY = Cycle.parse("2026-01")
START = datetime.fromisoformat("2026-01-05T09:00")
CASE = "K7F-204"
OTHER_CASE = "B2D-118"
FREE_CASE = "P9Q-330"

# Name, role, manager's first name, team. Managers come before those whom they manage.
STAFF = (
    ("Kim Kestrel", "edcs", None, ""),
    ("Frank Finch", "deputy_director", "Kim", ""),
    ("Erin Egret", "hos", "Frank", ""),
    ("Dan Dunlin", "service_lead", "Erin", ""),
    ("Bob Bittern", "practice_manager", "Dan", "Red"),
    ("Alice Avocet", "case_holder", "Bob", "Red"),
    ("Mia Merlin", "case_holder", "Bob", "Red"),
    ("Carol Crane", "manager", "Dan", "Blue"),
    ("Leo Linnet", "manager", "Dan", "Green"),
    ("Ivan Ibis", "hos_qa", "Frank", ""),
    ("Heidi Heron", "qau_manager", "Ivan", ""),
    ("Grace Grebe", "qa_unit", "Heidi", ""),
    ("Gil Goldcrest", "qa_unit", "Heidi", ""),
    ("Judy Jackdaw", "practice_development_team", "Ivan", ""),
)
EVERYONE = tuple(name.split()[0] for name, *_ in STAFF)
COUNCIL = frozenset({"edcs", "deputy_director", "hos_qa", "qau_manager", "qa_unit", "practice_development_team"})

SENT = {
    "grade": "good",
    "rationale": "The plan is clear and life is safer for the child.",
    "safety": "no",
    "neglect": "no",
    "feedback_child": "obtained",
    "feedback_parent_carer": "obtained",
}
"""A grade form with nothing wrong in it."""

NHS_NUMBER = "943 476 5919"
"""A number made up for tests, with a right check digit."""


@dataclass
class Postbox:
    """A door that keeps what was delivered until the story reads it. `shut` names whom it can't reach, and why."""

    waiting: list[tuple[str, Parcel]] = field(default_factory=list)
    shut: dict[str, NotDelivered] = field(default_factory=dict)

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        name = to.name.split()[0]
        if name in self.shut:
            raise self.shut[name]
        self.waiting.append((name, parcel))


def words(card: Card) -> str:
    """Everything that a card says: its text, facts, table, inputs and what stands beside them."""
    parts = [card.plain(), card.error]
    if card.table is not None:
        parts.extend(("; ".join(row) for row in card.table.rows) if card.table.rows else (card.table.empty,))
    if card.bars is not None:
        parts.extend(f"{label}: {number}" for label, number in card.bars.bars)
    for entry in card.all_inputs():
        parts.extend((entry.label, entry.value, entry.hint, entry.error))
        if entry.kind == "choice":
            parts.extend(choice.label for choice in entry.choices)
    return "\n".join(part for part in parts if part)


def errors(card: Card) -> dict[str, str]:
    """The errors of a card by the input that each stands beside."""
    return {entry.name: entry.error for entry in card.all_inputs() if entry.error}


def typed(card: Card) -> dict[str, str]:
    """What stands in the inputs of a card, by their names."""
    return {entry.name: entry.value for entry in card.all_inputs() if entry.value}


def verbs(card: Card) -> set[str]:
    return {action.verb for action in card.actions}


def sends(card: Card, verb: str, **written: str) -> tuple[str, dict[str, str]]:
    """What a button of a card sends after `written` was put into its inputs: its subject and the inputs it names."""
    names = {entry.name for entry in card.all_inputs()}
    assert written.keys() <= names, f"the card has only {sorted(names)}"
    (button,) = (action for action in card.actions if action.verb == verb)
    filled = typed(card) | written
    sent = names if button.inputs is None else names & set(button.inputs)
    return button.subject, {name: value for name, value in filled.items() if name in sent}


def kept(folder: Path, text: str) -> bool:
    """Whether a text, with or without its spaces, stands anywhere in the files of the story's database."""
    files = [path.read_bytes() for path in folder.glob("service.sqlite3*")]
    assert files
    return any(form.encode() in content for content in files for form in (text, text.replace(" ", "")))


@dataclass
class Service:
    """The service, with verbs for a story. Moments are local times such as `2026-01-26T15:00`."""

    program: Program
    clock: MovedClock
    post: Postbox
    people: dict[str, int]
    count: int = 0

    @property
    def store(self) -> Store:
        return self.program.store

    def moment(self, local: str) -> datetime:
        wanted = datetime.fromisoformat(local)
        return self.store.calendar.moment(wanted.date(), wanted.time())

    async def until(self, local: str) -> None:
        """Let time pass, with every step that falls in between."""
        await self.program.move_to(self.moment(local))

    async def press(
        self,
        person: str,
        verb: str,
        case: str = CASE,
        *,
        action: int | str | None = None,
        event: str | None = None,
        subject: str | None = None,
        **values: str,
    ) -> Reply:
        """A press of a button on the latest audit of a case; `subject` stands for what a forged card would send."""
        if subject is None:
            number = await self.number(case)
            subject = f"{number}" if action is None else f"{number}:{action}"
        interaction = Interaction(
            self.people.get(person, 9999), verb, event or self.event(), self.clock.now(), subject, values
        )
        return await self.program.answer(interaction)

    async def says(self, person: str, text: str, *, event: str | None = None) -> Reply:
        """Something typed in the chat."""
        interaction = Interaction(
            self.people.get(person, 9999), "say", event or self.event(), self.clock.now(), text=text
        )
        return await self.program.answer(interaction)

    def event(self) -> str:
        self.count += 1
        return f"event-{self.count}"

    def arrived(self, person: str) -> list[Card]:
        """The cards that came for a person since they last looked, oldest first."""
        mine = [parcel.card for name, parcel in self.post.waiting if name == person]
        self.post.waiting = [(name, parcel) for name, parcel in self.post.waiting if name != person]
        return mine

    def one(self, person: str) -> Card:
        """The one card that came for a person since they last looked."""
        cards = self.arrived(person)
        assert len(cards) == 1, f"{person} got {[card.title for card in cards]}"
        return cards[0]

    def unread(self) -> dict[str, list[str]]:
        """Who got something that the story hasn't looked at, and what; `assert not service.unread()` ends a story."""
        found: dict[str, list[str]] = {}
        for name, parcel in self.post.waiting:
            found.setdefault(name, []).append(parcel.card.title)
        return found

    def forget(self) -> None:
        """What came so far is of no interest to the story."""
        self.post.waiting.clear()

    async def number(self, case: str) -> int:
        async with self.store.begin() as tx:
            latest = select(func.max(AuditRow.id)).join(CaseRow, CaseRow.id == AuditRow.case_id)
            return await tx.session.scalar(latest.where(CaseRow.ref == case)) or 0

    async def audit(self, case: str = CASE) -> Audit:
        """The latest audit of a case as it stands."""
        number = await self.number(case)
        async with self.store.begin() as tx:
            found = await tx.audit(number)
        assert found is not None
        return found

    async def events(self, kind: str, case: str = CASE) -> int:
        """How often an event is in the ledger of an audit."""
        number = await self.number(case)
        async with self.store.begin() as tx:
            wanted = select(func.count(LedgerRow.id)).where(LedgerRow.audit_id == number, LedgerRow.kind == kind)
            return await tx.session.scalar(wanted) or 0

    async def inbox(self, person: str) -> list[Letter]:
        """What the person sees now when they look at what they were sent, newest first."""
        letters, _ = await self.program.inbox(self.people[person])
        return letters

    async def letter(self, person: str, beginning: str) -> Card:
        """The latest letter whose card had, or has, this beginning of a title."""
        return next(one.card for one in await self.inbox(person) if one.card.title.startswith(beginning))

    async def hire(self, name: str, role: str, manager: str | None, *, team: str = "", area: str = AREA) -> None:
        async with self.store.begin() as tx:
            await _hire(tx, self.people, name, role, manager, team, area)
            await tx.people_changed()

    async def allocate(self, case: str, auditor: str) -> None:
        """One more allocation of January, which goes out at once."""
        async with self.store.begin() as tx:
            row = (await tx.session.scalars(select(CaseRow).where(CaseRow.ref == case))).one()
            cycle = await ensure_cycle(tx, JANUARY)
            await plan_allocation(tx, cycle, case_of(row), self.people[auditor], self.clock.now())
        await self.program.beat()

    # ---- beginnings of stories

    async def auditor(self, case: str) -> str:
        number = (await self.audit(case)).auditor_id
        return next(name for name, one in self.people.items() if one == number)

    async def taken(self, case: str = CASE) -> None:
        """The auditor has taken the audit; nobody's post from before matters."""
        await self.ok(await self.press(await self.auditor(case), "accept", case))
        self.forget()

    async def talked(self, case: str = CASE) -> None:
        """Auditor and practitioner have had their discussion."""
        await self.taken(case)
        await self.ok(await self.press(await self.auditor(case), "hold", case))
        self.forget()

    async def sent(self, case: str = CASE, **values: str) -> Reply:
        """The auditor has sent the audit (graded Good unless told otherwise); the post about it is still unread."""
        await self.talked(case)
        return await self.ok(await self.press(await self.auditor(case), "submit", case, **(SENT | values)))

    async def inadequate(self, case: str = CASE, **values: str) -> None:
        """Grace has confirmed an Inadequate, and its first action is the practitioner's."""
        action = {"action_1_what": "See the child alone this week."}
        await self.sent(case, grade="inadequate", **(action | values))
        self.forget()
        await self.ok(await self.press("Grace", "moderate", case, grade="inadequate", text="I agree."))

    async def ok(self, reply: Reply) -> Reply:
        """The reply, which must not be a refusal."""
        assert not reply.refused, words(reply.card)
        return reply


async def _hire(
    tx: Transaction, people: dict[str, int], name: str, role: str, manager: str | None, team: str, area: str
) -> None:
    first = name.split(maxsplit=1)[0]
    row = PersonRow(
        name=name,
        email=f"{first.lower()}@example.org",
        role=role,
        team=team,
        service_area="" if role in COUNCIL else area,
        manager_id=people[manager] if manager else None,
        active=True,
    )
    tx.session.add(row)
    await tx.session.flush()
    people[first] = row.id


@dataclass(frozen=True)
class Founded:
    """The file that every story starts from, who is who in it, and what they have just been sent."""

    path: Path
    people: dict[str, int]
    sent: tuple[tuple[str, Parcel], ...]


def _service(path: Path, people: dict[str, int], sent: tuple[tuple[str, Parcel], ...]) -> Service:
    store = Store(open_again(sqlite_url(path)), framework_named("southampton"), WorkCalendar())
    clock = MovedClock(WorkCalendar().moment(START.date(), START.time()))
    post = Postbox(list(sent))
    return Service(Program(store, clock, post, demonstration=True), clock, post, dict(people))


async def _found(path: Path) -> Founded:
    service = _service(path, {}, ())
    store, people = service.store, service.people
    try:
        await migrate(store.database)
        async with store.begin() as tx:
            for name, role, manager, team in STAFF:
                await _hire(tx, people, name, role, manager, team, AREA)
            await tx.people_changed()
            cases = {}
            for ref, plan, holder in ((CASE, "CP", "Alice"), (OTHER_CASE, "CIN", "Mia"), (FREE_CASE, "LAC", "Alice")):
                row = CaseRow(ref=ref, plan=plan, team="Red", service_area=AREA, holder_id=people[holder], on_list=True)
                tx.session.add(row)
                await tx.session.flush()
                cases[ref] = case_of(row)
        async with store.begin() as tx:
            cycle = await ensure_cycle(tx, JANUARY)
            for ref, auditor in ((CASE, "Carol"), (OTHER_CASE, "Leo")):
                await plan_allocation(tx, cycle, cases[ref], people[auditor], cycle.issue_at)
        await service.program.beat()
    finally:
        await store.close()
    return Founded(path, people, tuple(service.post.waiting))


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return asyncio.run(_found(tmp_path_factory.mktemp("service") / "service.sqlite3"))


@pytest.fixture
async def service(founded: Founded, tmp_path: Path) -> AsyncIterator[Service]:
    path = tmp_path / "service.sqlite3"
    shutil.copyfile(founded.path, path)
    told = _service(path, founded.people, founded.sent)
    try:
        yield told
    finally:
        await told.store.close()
