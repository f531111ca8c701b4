"""The timeline of a rehearsal: what opened and closed, who was told what, and what was refused, in order of time."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from audits.framework import Variant
from audits.state import Audit, Duty
from bot.rehearsal.stage import Stage
from cards.deck import DONE
from cards.wording import due_words
from storage.store import Transaction
from storage.tables import AuditRow, OutboxRow

REFUSED, CLOSED, OPENED, CLOSED_AT_ONCE, TOLD = range(5)
"""What comes first at one moment."""
LOCAL = ("LOCAL",)
"""Stands for a rule where the framework is silent."""
START = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """A line of the timeline. Times are local, to the minute; roles are the framework's keys."""

    at: str
    what: str
    duty: str | None = None
    owner: str | None = None
    to: tuple[str, ...] = ()
    nominal: str | None = None
    effective: str | None = None
    case: str | None = None
    rule: tuple[str, ...] = ()
    text: str = ""
    people: tuple[str, ...] = ()
    not_before: str | None = None
    place: int = TOLD
    moment: datetime = START

    def to_json(self) -> dict[str, Any]:
        left_out = {"place", "moment"} if self.not_before else {"place", "moment", "not_before"}
        return {key: value for key, value in asdict(self).items() if key not in left_out}


async def timeline(stage: Stage) -> list[Line]:
    """The whole timeline, in order of time; at one moment what closed and opened comes before who was told."""
    async with stage.store.begin() as tx:
        ids = await tx.session.scalars(select(AuditRow.id))
        audits = {audit.id: audit for audit in await tx.audits(ids)}
        sent = list(await tx.session.scalars(select(OutboxRow).where(OutboxRow.state == "sent").order_by(OutboxRow.id)))
        lines = [*_refused(stage), *_duties(tx, stage, audits), *_messages(tx, stage, audits, sent)]
    return sorted(lines, key=lambda line: (line.moment.replace(second=0, microsecond=0), line.place))


def _minute(stage: Stage, moment: datetime | None) -> str | None:
    return f"{stage.store.calendar.local(moment):%Y-%m-%dT%H:%M}" if moment else None


def _at(stage: Stage, moment: datetime) -> str:
    return f"{stage.store.calendar.local(moment):%Y-%m-%dT%H:%M}"


def _refused(stage: Stage) -> Iterator[Line]:
    for refusal in stage.refusals:
        owner = (refusal.role,) if refusal.role else ()
        yield Line(
            at=_at(stage, refusal.at),
            what="refused",
            duty=CLOSES.get(refusal.verb),
            owner=refusal.role,
            to=owner,
            case=refusal.case,
            text=refusal.text,
            place=REFUSED,
            moment=refusal.at,
        )


CLOSES = {
    "allocate": "complete_audit",
    "accept": "accept",
    "decline": "accept",
    "book": "book_session",
    "hold": "hold_session",
    "submit": "complete_audit",
    "oversee": "oversee",
    "record": "record_on_file",
    "dispute": "dispute",
    "resolve": "dispute",
    "moderate": "moderate",
    "update": "urgent_update",
    "confirm": "remedial_action",
    "sign_off": "sign_off",
    "send_back": "sign_off",
    "acknowledge": "acknowledge_alert",
    "safety": "acknowledge_alert",
    "consider": "case_review",
    "offer": "good_practice",
    "self_assess": "self_assessment",
    "waive": "self_assessment",
    "feedback": "family_feedback",
    "consider_feedback": "family_feedback",
    "follow_up": "follow_up",
    "discuss": "discuss_moderation",
    "release": "discuss_moderation",
    "supervise": "supervision_review",
    "refer": "moderate",
    "reassign": "accept",
    "extend": "complete_audit",
}


def _duties(tx: Transaction, stage: Stage, audits: dict[int, Audit]) -> Iterator[Line]:
    for audit in audits.values():
        for duty in audit.duties:
            terms = tx.framework.duties[duty.key]
            was = _as_it_was(stage, duty, duty.opened_at)
            due = due_words(was.effective, was.nominal, tx.calendar)
            yield _about(tx, stage, audit, was, "opened", duty.opened_at, f"{terms.title}, due {due}. {terms.ask}")
            if duty.closed_at is not None:
                actor = tx.directory.get(duty.closed_actor)
                words = DONE.get(duty.closed_by or "", "Done").format(who=actor.name if actor else "auditloop")
                yield _about(tx, stage, audit, duty, "closed", duty.closed_at, f"{terms.title}: {words}.")


def _as_it_was(stage: Stage, duty: Duty, at: datetime) -> Duty:
    """The duty with the owner and the dates that it had at a moment, before it was passed on or given more time."""
    return next((was for until, was in stage.earlier if was.ref == duty.ref and at < until), duty)


def _about(tx: Transaction, stage: Stage, audit: Audit, duty: Duty, what: str, at: datetime, text: str) -> Line:
    person = tx.directory.get(duty.owner_id)
    variant = _variant(tx, audit, duty)
    return Line(
        at=_at(stage, at),
        what=what,
        duty=duty.key,
        owner=duty.owner_role,
        to=(duty.owner_role,),
        nominal=_minute(stage, duty.nominal),
        effective=_minute(stage, duty.effective),
        case=audit.case.ref,
        rule=(variant.rule if variant and variant.rule else None) or tx.framework.duties[duty.key].rule or LOCAL,
        text=text,
        people=(person.name,) if person else (),
        not_before=_minute(stage, duty.not_before),
        moment=at,
        place=OPENED if what == "opened" else CLOSED_AT_ONCE if duty.closed_at == duty.opened_at else CLOSED,
    )


def _variant(tx: Transaction, audit: Audit, duty: Duty) -> Variant | None:
    """The variant under which a duty was opened: the one with its owner, since the grade may have changed meanwhile."""
    terms = tx.framework.duties[duty.key]
    stands = tx.rules.variant(terms, audit)
    if stands is not None and stands.owner in (None, duty.owner_role):
        return stands
    return next((one for one in terms.variants if one.owner == duty.owner_role), None)


def _messages(tx: Transaction, stage: Stage, audits: dict[int, Audit], sent: list[OutboxRow]) -> Iterator[Line]:
    together: dict[tuple[Any, ...], list[OutboxRow]] = {}
    for row in sent:
        about = row.duty_ref if row.notice is None and row.what != "alert" else row.notice
        key = (row.sent_at, row.what, row.duty, row.audit_id, row.cycle_id, about, row.details.get("step", ""))
        together.setdefault(key, []).append(row)
    for rows in together.values():
        first = rows[0]
        listed = [audits[one] for one in first.details.get("audits", [])] if first.audit_id is None else []
        for audit in listed or [audits[first.audit_id]] if first.audit_id else listed:
            yield _message(tx, stage, audit, rows)


def _message(tx: Transaction, stage: Stage, audit: Audit, rows: list[OutboxRow]) -> Line:
    first = rows[0]
    duty = next((one for one in audit.duties if one.ref == first.duty_ref), None)
    duty = _as_it_was(stage, duty, first.decided_at) if duty else None
    text = stage.said.get(first.key, first.text)
    if first.digest is not None and duty is not None and first.what in ("nudge", "overdue"):
        text = f"{tx.framework.duties[duty.key].title}: {audit.case.ref}. One of several reminders in one message."
    people = [tx.directory.get(row.to_id) for row in rows]
    return Line(
        at=_at(stage, first.sent_at or first.decided_at),
        what=first.what,
        duty=first.duty,
        owner=duty.owner_role if duty else None,
        to=tuple(dict.fromkeys(row.to_role for row in rows)),
        nominal=_minute(stage, duty.nominal) if duty else None,
        effective=_minute(stage, duty.effective) if duty else None,
        case=audit.case.ref,
        rule=tuple(first.rule) or LOCAL,
        text=text,
        people=tuple(person.name for person in people if person),
        moment=first.sent_at or first.decided_at,
    )
