"""A person's own rights: all that is kept about somebody, and its erasure once they have left."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, Select, delete, func, or_, select, update

from audits.dates import add_months, day_words
from audits.people import Person
from audits.permissions import moderates
from audits.state import Audit, Event
from storage.ledger import erase, note
from storage.postings import look_again
from storage.records import plain
from storage.retention import Keeping, alerted, drop_places, is_under_way, months_before, silence
from storage.store import Transaction
from storage.tables import (
    ActionRow,
    AnswerRow,
    AuditRow,
    CaseRow,
    ContactRow,
    DraftRow,
    DutyRow,
    LedgerRow,
    OutboxRow,
    PersonRow,
    PostingRow,
    ThemeRow,
)

ABOUT_WORK = (
    *("rationale", "stretch", "good_example", "moderation", "discussed", "released", "disputed", "resolution"),
    *("overseen", "followed_up", "supervised", "recognised", "commented", "self_assessed", "reflected", "sent_back"),
)
"""What was written on an audit about the work in it, and not about the child or the family."""
WORDS_OF: Mapping[str, tuple[str, ...]] = {
    "submitted": ("rationale", "stretch", "feedback", "good_example"),
    "safety_raised": ("safety_text",),
    "declined": ("decline_reason",),
    "reassigned": ("reassign_reason",),
    "moderated": ("moderation",),
    "resolved": ("resolution",),
    "extended": ("extension",),
    "feedback_given": ("feedback",),
}
"""Where the facts of an audit have somebody's words, by the event with which they came; others bear its name."""
IDS = frozenset({"auditor_id", "to_id", "officer_id", "person", "declined_by", "owner_id", "confirmed_by", "by"})
ABOUT_SERVICE = ("leave", "person_left", "person_exported", "person_erased")
ERASED_NAME = "Someone who has left ({number})"
ON_REQUEST = "request"
_PEOPLE, _OUTBOX, _ANSWERS, _POSTINGS = (row.table() for row in (PersonRow, OutboxRow, AnswerRow, PostingRow))
_CONTACTS, _DRAFTS = ContactRow.table(), DraftRow.table()


def matching(people: Iterable[Person], text: str) -> list[Person]:
    """Those whom a name or an e-mail address may mean, by name; also those who have left."""
    wanted, everyone = " ".join(text.split()).casefold(), list(people)
    exact = [one for one in everyone if wanted in (one.name.casefold(), one.email.casefold())]
    found = exact or [one for one in everyone if wanted and wanted in one.name.casefold()]
    return sorted(found, key=lambda one: (one.name, one.id))


def _parts(person: Person) -> dict[str, Select[Any]]:
    """The ids of the audits that a person had a part in, by which part."""
    it = person.id
    actions = or_(ActionRow.owner_id == it, ActionRow.confirmed_by == it, ActionRow.signed_off_by == it)
    return {
        "auditor": select(AuditRow.id).where(AuditRow.auditor_id == it),
        "practitioner of the case": select(AuditRow.id)
        .join(CaseRow, CaseRow.id == AuditRow.case_id)
        .where(CaseRow.holder_id == it),
        "asked for a step": select(DutyRow.audit_id).where(or_(DutyRow.owner_id == it, DutyRow.closed_actor == it)),
        "owner of an action": select(ActionRow.audit_id).where(actions),
        "did something": select(LedgerRow.audit_id).where(LedgerRow.actor_id == it, LedgerRow.audit_id.is_not(None)),
    }


async def audits_of(tx: Transaction, person: Person) -> list[tuple[Audit, list[str]]]:
    """The audits that a person had a part in, each with which parts those were."""
    parts: dict[int, list[str]] = {}
    for part, ids in _parts(person).items():
        for audit_id in set(await tx.session.scalars(ids)):
            parts.setdefault(audit_id, []).append(part)
    return [(audit, parts[audit.id]) for audit in await tx.audits(parts)]


# ---- all that is kept about somebody


class _Redacting:
    """Says of others what they are, and not who; and of a case only that it is the same one again."""

    def __init__(self, tx: Transaction, person: Person, refs: Iterable[str]) -> None:
        self.tx, self.person = tx, person
        self._cases: dict[str, str] = {}
        self._refs = {ref.casefold() for ref in refs}
        others = [one for one in tx.directory.people.values() if one.id != person.id]
        own = {person.name.casefold(), person.email.casefold()}
        names = {word.casefold() for one in others for word in (one.name, one.email)} - own
        self._sought: dict[str, list[str]] = {}
        for phrase in sorted((names | self._refs) - {""}, key=len, reverse=True):
            first = _WORD.search(phrase)
            if first is not None:
                self._sought.setdefault(first[0], []).append(phrase)

    def who(self, person_id: int | None) -> str:
        if person_id is None:
            return "auditloop"
        if person_id == self.person.id:
            return "you"
        other = self.tx.directory.get(person_id)
        role = self.tx.framework.roles.get(other.role) if other else None
        return f"somebody else ({role.label})" if role else "somebody else"

    def case(self, ref: str) -> str:
        return self._cases.setdefault(ref.casefold(), f"case {len(self._cases) + 1}")

    def text(self, words: str) -> str:
        """A text with others' names and addresses and all cases' references made unknown in it."""
        done: list[str] = []
        lower, at = words.casefold(), 0
        if len(lower) != len(words):
            lower = words.lower()
        for word in _WORD.finditer(lower):
            if word.start() < at:
                continue
            phrase = next((one for one in self._sought.get(word[0], ()) if _stands(lower, one, word.start())), None)
            if phrase is not None:
                instead = f"[{self.case(phrase)}]" if phrase in self._refs else "[somebody else]"
                done.extend((words[at : word.start()], instead))
                at = word.start() + len(phrase)
        return "".join((*done, words[at:]))

    def value(self, value: Any, name: str = "") -> Any:
        """A value with others and cases made unknown in it, however deep."""
        if isinstance(value, Mapping):
            return {str(key): self.value(one, str(key)) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(one, name) for one in value]
        if isinstance(value, int) and not isinstance(value, bool) and (name in IDS or name == "to"):
            return self.who(value)
        return self.text(value) if isinstance(value, str) else plain(value)


_WORD = re.compile(r"\w+")


def _stands(text: str, phrase: str, at: int) -> bool:
    """Whether a phrase stands in a text at a place, and ends with a word."""
    end = at + len(phrase)
    return text.startswith(phrase, at) and not (end < len(text) and text[end].isalnum() and phrase[-1].isalnum())


LEFT_OUT = (
    "Others are named by what they are, not by who they are, and cases by a number that means something here alone.",
    "What others wrote about a child or a family is left out: safety concerns, and the family's views.",
    "An outcome of moderation that hasn't been talked through yet is left out.",
    "Texts were searched for the names, addresses and case references that auditloop knows. It doesn't recognise other "
    "names: please read this before you give it to anyone.",
    "What stands in Teams, Slack and mailboxes is not in here.",
)


async def export_of(tx: Transaction, person: Person, now: datetime) -> dict[str, Any]:
    """All that is kept about a person, as JSON can hold it, with what is about others made unknown. That it was asked
    for is recorded."""
    audits = await audits_of(tx, person)
    redacting = _Redacting(tx, person, await tx.session.scalars(select(CaseRow.ref)))
    row = await tx.session.get_one(PersonRow, person.id)
    found = {
        "made_at": now.isoformat(),
        "about_this_file": list(LEFT_OUT),
        "person": {
            **{name: plain(getattr(row, name)) for name in _PERSON},
            "manager": redacting.who(row.manager_id) if row.manager_id else None,
            "cover": redacting.who(row.cover_id) if row.cover_id else None,
        },
        "contacts": [
            {name: plain(getattr(one, name)) for name in _CONTACT}
            for one in await tx.session.scalars(select(ContactRow).where(ContactRow.person_id == person.id))
        ],
        "audits": [_audit(tx, redacting, audit, parts, person, now) for audit, parts in audits],
        "steps_asked_of_you": await _steps(tx, redacting, person, {audit.id: audit for audit, _ in audits}),
        "messages_to_you": await _messages(tx, redacting, person),
        "answers_to_you": await _answers(tx, redacting, person),
        "drafts": [
            {"form": one.form, "at": plain(one.at), "values": redacting.value(one.values)}
            for one in await tx.session.scalars(select(DraftRow).where(DraftRow.person_id == person.id))
        ],
        "themes_proposed": list(
            await tx.session.scalars(select(ThemeRow.title).where(ThemeRow.proposed_by == person.id))
        ),
        "record": await _record(tx, redacting, person, [audit for audit, _ in audits]),
    }
    await note(tx, Event("person_exported", now, None, {"person": person.id}))
    return found


_PERSON = (
    *("id", "name", "email", "role", "team", "service_area", "leave_from", "leave_until", "active", "linked"),
    *("auditing", "erased_at"),
)
_CONTACT = ("platform", "tenant", "object_id", "user_id", "conversation_id", "since", "welcomed_at", "closed")


def _audit(
    tx: Transaction, redacting: _Redacting, audit: Audit, parts: list[str], person: Person, now: datetime
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "audit": audit.id,
        "month": audit.cycle.words,
        "kind": audit.kind,
        "case": redacting.case(audit.case.ref),
        "your_part": parts,
        "you_did": {kind: plain(at) for kind, (at, actor) in audit.done.items() if actor == person.id},
        "your_actions": [
            {"number": one.number, "what": redacting.text(one.what), "due": plain(one.due)}
            for one in audit.disclosed_actions
            if person.id in (one.owner_id, one.confirmed_by, one.signed_off_by)
        ],
    }
    if {"auditor", "practitioner of the case"} & set(parts):
        grade = tx.framework.grade(audit.standing_grade)
        hidden = {"moderation"} if audit.on_hold and not moderates(tx.rules, audit, person, now) else set()
        found["grade"] = grade.label if grade else None
        found["grades_by_heading"] = audit.facts.get("sections") or {}
        found["written_about_the_work"] = {
            name: redacting.value(audit.facts[name])
            for name in ABOUT_WORK
            if audit.facts.get(name) and name not in hidden
        }
    return found


async def _steps(
    tx: Transaction, redacting: _Redacting, person: Person, audits: Mapping[int, Audit]
) -> list[dict[str, Any]]:
    rows = await tx.session.scalars(select(DutyRow).where(DutyRow.owner_id == person.id).order_by(DutyRow.id))
    duties = tx.framework.duties
    return [
        {
            "step": duties[row.key].title if row.key in duties else row.key,
            "case": redacting.case(audits[row.audit_id].case.ref),
            "asked_at": plain(row.opened_at),
            "due": plain(row.nominal),
            "closed_at": plain(row.closed_at),
            "closed_by": redacting.who(row.closed_actor) if row.closed_at else None,
        }
        for row in rows
    ]


async def _messages(tx: Transaction, redacting: _Redacting, person: Person) -> list[dict[str, Any]]:
    rows = await tx.session.scalars(select(OutboxRow).where(OutboxRow.to_id == person.id).order_by(OutboxRow.id))
    duties = tx.framework.duties
    return [
        {
            "what": row.what,
            "about": duties[row.duty].title if row.duty in duties else row.duty,
            "text": redacting.text(row.text),
            "decided_at": plain(row.decided_at),
            "sent_at": plain(row.sent_at),
            "state": row.state,
        }
        for row in rows
    ]


async def _answers(tx: Transaction, redacting: _Redacting, person: Person) -> list[dict[str, Any]]:
    rows = await tx.session.scalars(select(AnswerRow).where(AnswerRow.person_id == person.id).order_by(AnswerRow.at))
    return [{"at": plain(row.at), "card": redacting.value(_shown(row.reply))} for row in rows]


def _shown(reply: str) -> dict[str, Any]:
    """What a card that was given as an answer said: its title, text and facts. What it asked for is left out."""
    card = json.loads(json.loads(reply)["card"])
    return {
        "title": card["title"],
        "text": card["text"],
        "facts": [[one["label"], one["value"]] for one in card["facts"]],
    }


async def _record(
    tx: Transaction, redacting: _Redacting, person: Person, audits: Iterable[Audit]
) -> list[dict[str, Any]]:
    """Entries of the ledger by a person, and those of others that name them. Others' words stay out."""
    known = {audit.id: audit for audit in audits}
    own = select(LedgerRow).where(LedgerRow.actor_id == person.id)
    others = select(LedgerRow).where(or_(LedgerRow.actor_id.is_(None), LedgerRow.actor_id != person.id))
    rows = list(await tx.session.scalars(own))
    for start in range(0, len(known), _MOST):
        ids = list(known)[start : start + _MOST]
        of_audits = await tx.session.scalars(others.where(LedgerRow.audit_id.in_(ids)))
        rows.extend(row for row in of_audits if _names(row.values, person.id))
    of_service = await tx.session.scalars(others.where(LedgerRow.kind.in_(ABOUT_SERVICE)))
    rows.extend(row for row in of_service if _names(row.values, person.id))
    found: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda one: (one.at, one.id)):
        audit = known.get(row.audit_id) if row.audit_id is not None else None
        mine = row.actor_id == person.id
        values = (
            row.values if mine else {name: one for name, one in row.values.items() if name in (*IDS, "to", "until")}
        )
        entry = {"at": plain(row.at), "what": row.kind, "by": redacting.who(row.actor_id)}
        found.append(
            entry | ({"case": redacting.case(audit.case.ref)} if audit else {}) | {"values": redacting.value(values)}
        )
    return found


_MOST = 500


def _names(values: Any, person_id: int, name: str = "") -> bool:
    """Whether an entry's values name a person by their id."""
    if isinstance(values, Mapping):
        return any(_names(one, person_id, str(key)) for key, one in values.items())
    if isinstance(values, list):
        return any(_names(one, person_id, name) for one in values)
    return values == person_id and (name in IDS or name == "to")


# ---- erasure


async def obstacles(tx: Transaction, person: Person, keeping: Keeping, now: datetime) -> list[str]:
    """Why what is kept about a person can't be erased now, each with what to do; empty where it can."""
    row = await tx.session.get_one(PersonRow, person.id)
    if row.erased_at is not None:
        return [f"That was done on {day_words(tx.calendar.day_of(row.erased_at))}."]
    found: list[str] = []
    if person.active:
        found.append("They work here. Once they have left, say so first: auditloop person left NAME")
    found.extend(await _unfinished(tx, person))
    found.extend(_relied_on(tx, person))
    found.extend(await _kept_by_duty(tx, person, keeping, now))
    return found


async def _unfinished(tx: Transaction, person: Person) -> list[str]:
    found: list[str] = []
    duties = await tx.session.scalar(
        select(func.count(DutyRow.id)).where(DutyRow.owner_id == person.id, DutyRow.closed_at.is_(None))
    )
    actions = await tx.session.scalar(
        select(func.count(ActionRow.id))
        .join(AuditRow, AuditRow.id == ActionRow.audit_id)
        .where(ActionRow.owner_id == person.id, ActionRow.confirmed_at.is_(None), ActionRow.signed_off_at.is_(None))
        .where(AuditRow.withdrawn.is_(False))
    )
    cases = await tx.session.scalar(
        select(func.count(CaseRow.id)).where(CaseRow.holder_id == person.id, CaseRow.on_list.is_(True))
    )
    for count, what in ((duties, "steps that wait for them"), (actions, "actions of theirs that aren't done")):
        if count:
            found.append(f"There are {what} ({count}). Please have these done or given to somebody else.")
    if cases:
        found.append(f"Open cases are theirs ({cases}). Please import a case list in which somebody else has them.")
    under_way = [audit for audit, _ in await audits_of(tx, person) if await is_under_way(tx, audit)]
    if under_way and not duties:
        found.append(f"Audits that they had a part in are under way ({len(under_way)}). Please wait until these end.")
    return found


def _relied_on(tx: Transaction, person: Person) -> list[str]:
    """What still leads to a person who has left: those below them, and a role that nobody else has taken."""
    everyone = [one for one in tx.directory.people.values() if one.active and one.id != person.id]
    below = sorted(one.name for one in everyone if person.id in (one.manager_id, one.cover_id))
    found: list[str] = []
    if below:
        names = ", ".join(below[:5]) + (f" and {len(below) - 5} more" if len(below) > 5 else "")
        found.append(
            f"They are the manager or the cover of {names}. Please import a list of people in which somebody else is."
        )
    role = tx.framework.roles.get(person.role)
    if (
        role is not None
        and person.role in tx.framework.addressed()
        and not any(one.role == person.role for one in everyone)
    ):
        found.append(f"They were the last to hold the role {role.label}. Please import who holds it now.")
    return found


async def _kept_by_duty(tx: Transaction, person: Person, keeping: Keeping, now: datetime) -> list[str]:
    """Audits that are to be kept for a time, and records of safety alerts."""
    until: datetime | None = None
    count = alerts = 0
    alerts_until: datetime | None = None
    for audit, _ in await audits_of(tx, person):
        last = await tx.session.scalar(
            select(func.max(LedgerRow.at)).where(LedgerRow.audit_id == audit.id, LedgerRow.erased_at.is_(None))
        )
        if last is None:
            continue
        alert = alerted(audit)
        months = keeping.kept_for(audit)
        if months is None:
            alerts += alert
            continue
        if last <= months_before(now, months, tx.calendar):
            continue
        ends = last_kept(tx, last, months)
        if alert:
            alerts, alerts_until = alerts + 1, max(ends, alerts_until or ends)
        else:
            count, until = count + 1, max(ends, until or ends)
    found: list[str] = []
    if count and until is not None:
        day = day_words(tx.calendar.day_of(until))
        found.append(
            f"Audits that they had a part in ({count}) are kept until {day}, as long as your settings say "
            "([retention] months). Then it can be done."
        )
    if alerts:
        how_long = f"until {day_words(tx.calendar.day_of(alerts_until))}" if alerts_until else "without an end"
        found.append(
            f"They had a part in audits with a safety alert ({alerts}). Who raised a concern about a child, who was "
            "told and who answered is a safeguarding record. The council answers for keeping it as long as its own "
            f"retention schedule says; your settings keep it {how_long} ([retention] alert_months)."
        )
    return found


def last_kept(tx: Transaction, last: datetime, months: int) -> datetime:
    """The beginning of the first day on which what ended at `last` is kept no longer."""
    day = add_months(tx.calendar.day_of(last) + timedelta(days=1), months)
    return tx.calendar.moment(day, datetime.min.time())


@dataclass(frozen=True)
class Erasure:
    """What was erased, or would be: how many of each."""

    audits: int
    entries: int
    messages: int
    replies: int
    contacts: int
    drafts: int


async def leaves(tx: Transaction, person: Person, now: datetime) -> None:
    """Say that a person has left: nothing is asked of them any more, and nothing that they press has an effect."""
    row = await tx.session.get_one(PersonRow, person.id)
    row.active = False
    await tx.session.flush()
    await tx.people_changed()
    await note(tx, Event("person_left", now, None, {"person": person.id}))


async def erase_person(tx: Transaction, person: Person, now: datetime) -> Erasure:
    """Erase what is kept about a person against whom there are no obstacles.

    1. Their words in closed audits go, and the messages that these led to. 2. What was written to them goes, and how
    they are reached. 3. Their name gives way to a number, also where it stands in messages to others. 4. It is
    recorded.
    """
    audits = await _erase_words(tx, person, now)
    entries = await _erase_entries(tx, person, now)
    messages = await silence(tx, _OUTBOX.c.to_id == person.id, now)
    await drop_places(
        tx, list(await tx.session.scalars(select(PostingRow.id).where(PostingRow.person_id == person.id)))
    )
    replies = (await tx.execute(delete(_ANSWERS).where(_ANSWERS.c.person_id == person.id))).rowcount
    contacts = (await tx.execute(delete(_CONTACTS).where(_CONTACTS.c.person_id == person.id))).rowcount
    drafts = (await tx.execute(delete(_DRAFTS).where(_DRAFTS.c.person_id == person.id))).rowcount
    await _rename(tx, person, now)
    done = Erasure(audits, entries, messages, replies, contacts, drafts)
    await note(tx, Event("person_erased", now, None, {"person": person.id} | asdict(done)))
    return done


async def _erase_words(tx: Transaction, person: Person, now: datetime) -> int:
    count = 0
    for audit, _ in await audits_of(tx, person):
        left = _without_words_of(audit, person)
        if left != audit:
            await tx.write_audit(left)
            await look_again(tx, audit.id, now)
            count += 1
    return count


def _without_words_of(audit: Audit, person: Person) -> Audit:
    theirs = [kind for kind, (_, actor) in audit.done.items() if actor == person.id]
    gone = {name for kind in theirs for name in WORDS_OF.get(kind, (kind,))}
    held = audit.facts.get("held_actions") or ()
    wrote = {
        one.number
        for one in audit.actions
        if ("moderated" if one.number in held else "submitted") in theirs and one.what
    }
    return replace(
        audit,
        facts=MappingProxyType({name: value for name, value in audit.facts.items() if name not in gone}),
        actions=tuple(replace(one, what="") if one.number in wrote else one for one in audit.actions),
    )


async def _erase_entries(tx: Transaction, person: Person, now: datetime) -> int:
    """The words of a person's own entries, and the days of their leave; the messages that came of them fall silent."""
    rows = list(await tx.session.scalars(select(LedgerRow).where(LedgerRow.actor_id == person.id)))
    leave = await tx.session.scalars(select(LedgerRow).where(LedgerRow.kind == "leave"))
    rows.extend(row for row in leave if row.values.get("person") == person.id and row.actor_id != person.id)
    ids = [row.id for row in rows if row.audit_id is not None]
    for start in range(0, len(ids), _MOST):
        await silence(tx, _OUTBOX.c.entry_id.in_(ids[start : start + _MOST]), now)
    return await erase(tx, sorted(rows, key=lambda row: row.id), ON_REQUEST, now, whoever=False)


async def _rename(tx: Transaction, person: Person, now: datetime) -> None:
    name = ERASED_NAME.format(number=person.id)
    row = await tx.session.get_one(PersonRow, person.id)
    row.name, row.email, row.erased_at = name, f"left-{person.id}@erased.invalid", now
    row.team = row.service_area = row.auditing = ""
    row.linked = []
    row.manager_id = row.cover_id = row.leave_from = row.leave_until = None
    await tx.session.flush()
    await tx.people_changed()
    whole = re.compile(rf"(?<!\w){re.escape(person.name)}(?!\w)")

    def renamed(words: str) -> str:
        return whole.sub(lambda _: name, words)

    await _change_in(tx, _OUTBOX.c.id, _OUTBOX.c.text, person.name, renamed)
    # A reply is JSON, in which other than plain letters are written as codes.
    in_json = json.dumps(person.name)[1:-1]
    await _change_in(tx, _ANSWERS.c.event_id, _ANSWERS.c.reply, in_json, lambda reply: _said_anew(reply, renamed))


async def _change_in(
    tx: Transaction, key: Column[Any], column: Column[Any], wanted: str, change: Callable[[str], str]
) -> None:
    """Change the texts of a column in which something stands."""
    found = select(key.label("this"), column.label("words")).where(column.contains(wanted, autoescape=True))
    for row in (await tx.execute(found)).all():
        if (changed := change(row.words)) != row.words:
            await tx.execute(update(column.table).where(key == row.this).values({column.name: changed}))


def _said_anew(reply: str, change: Callable[[str], str]) -> str:
    """A reply with every text of its card changed."""

    def anew(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: anew(one) for name, one in value.items()}
        if isinstance(value, list):
            return [anew(one) for one in value]
        return change(value) if isinstance(value, str) else value

    kept = json.loads(reply)
    return json.dumps(kept | {"card": json.dumps(anew(json.loads(kept["card"])), ensure_ascii=False)})
