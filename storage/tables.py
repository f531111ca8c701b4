"""The tables. Moments are stored in UTC; every table is created by a migration (storage/migrations)."""

from datetime import UTC, date, datetime
from typing import Any, ClassVar, Self, cast

from sqlalchemy import JSON, Date, DateTime, ForeignKey, Index, Row, String, Text, TypeDecorator, UniqueConstraint, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcMoment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; SQLite has no time zones, so it comes back with UTC put on."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone can't be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    type_annotation_map: ClassVar = {
        datetime: UtcMoment,
        date: Date,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: String(255),
    }

    @classmethod
    def table(cls) -> SqlTable:
        """The table itself, for statements that need no objects."""
        return cast(SqlTable, cls.__table__)

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """An object with the values of a row. No session knows it: changing it changes nothing that is stored."""
        return cls(**row._mapping)


def _index_where(name: str, column: str, where: str) -> Index:
    """An index of those rows only for which a condition holds, so that looking for them costs what there is to find."""
    return Index(name, column, sqlite_where=text(where), postgresql_where=text(where))


class PersonRow(Table):
    """A person. `linked` are the centres they are linked to, `auditing` how far they are with it (audits/people.py).

    `erased_at` is when what was kept about somebody who has left was erased.
    """

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str] = mapped_column(String(64), index=True)
    team: Mapped[str] = mapped_column(default="")
    service_area: Mapped[str] = mapped_column(default="")
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    cover_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    leave_from: Mapped[date | None]
    leave_until: Mapped[date | None]
    active: Mapped[bool] = mapped_column(default=True)
    linked: Mapped[list[Any]] = mapped_column(default=list)
    auditing: Mapped[str] = mapped_column(String(16), default="")
    erased_at: Mapped[datetime | None]


class CaseRow(Table):
    """A case as the importer leaves it: a pseudonymous reference and what sampling and routing need."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(String(64), unique=True)
    plan: Mapped[str] = mapped_column(String(16))
    sex: Mapped[str] = mapped_column(String(16), default="")
    ethnicity_group: Mapped[str] = mapped_column(String(16), default="")
    age_band: Mapped[str] = mapped_column(String(16), default="")
    disability: Mapped[str] = mapped_column(String(16), default="")
    team: Mapped[str] = mapped_column(default="")
    service_area: Mapped[str] = mapped_column(default="")
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    on_list: Mapped[bool] = mapped_column(default=True)


class CycleRow(Table):
    """A month's allocation. `seed` repeats its draw; `unfilled` says who got no case, and why."""

    __tablename__ = "cycles"

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(String(7), unique=True)
    seed: Mapped[int | None]
    issue_at: Mapped[datetime]
    drawn_at: Mapped[datetime | None]
    unfilled: Mapped[list[Any]] = mapped_column(default=list)


class CycleNoticeRow(Table):
    """A list that goes out on a day of the cycle."""

    __tablename__ = "cycle_notices"
    __table_args__ = (UniqueConstraint("cycle_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycles.id"))
    name: Mapped[str] = mapped_column(String(64))
    next_at: Mapped[datetime | None] = mapped_column(index=True)


class AuditRow(Table):
    """An allocation and what has become of it. `issue_at` is when it goes out, `issued_at` when it went."""

    __tablename__ = "audits"
    __table_args__ = (_index_where("ix_audits_ungraded", "issued_at", "grade IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    framework: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycles.id"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    auditor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    earlier_audit_id: Mapped[int | None] = mapped_column(ForeignKey("audits.id"))
    issue_at: Mapped[datetime | None] = mapped_column(index=True)
    issued_at: Mapped[datetime | None]
    session_at: Mapped[datetime | None]
    proposed_at: Mapped[datetime | None]
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    grade: Mapped[str | None] = mapped_column(String(64))
    confirmed_grade: Mapped[str | None] = mapped_column(String(64))
    safety: Mapped[bool] = mapped_column(default=False)
    withdrawn: Mapped[bool] = mapped_column(default=False)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    done: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=0)

    __mapper_args__ = {"version_id_col": version}


class ActionRow(Table):
    __tablename__ = "remedial_actions"
    __table_args__ = (UniqueConstraint("audit_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    audit_id: Mapped[int] = mapped_column(ForeignKey("audits.id"), index=True)
    number: Mapped[int]
    what: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    due: Mapped[date | None]
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    confirmed_at: Mapped[datetime | None]
    signed_off_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    signed_off_at: Mapped[datetime | None]


class DutyRow(Table):
    """A duty with its frozen steps. Due work is the query `next_at <= now and closed_at is null`."""

    __tablename__ = "duties"
    __table_args__ = (
        Index("ix_duties_due", "next_at", "closed_at"),
        _index_where("ix_duties_open", "nominal", "closed_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(String(128), unique=True)
    audit_id: Mapped[int] = mapped_column(ForeignKey("audits.id"), index=True)
    key: Mapped[str] = mapped_column(String(64), index=True)
    owner_role: Mapped[str] = mapped_column(String(64))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    opened_at: Mapped[datetime]
    nominal: Mapped[datetime]
    effective: Mapped[datetime]
    not_before: Mapped[datetime | None]
    steps: Mapped[list[Any]] = mapped_column(default=list)
    taken: Mapped[int] = mapped_column(default=0)
    repeats: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    action: Mapped[int | None]
    vacant: Mapped[list[Any]] = mapped_column(default=list)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(64))
    closed_actor: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class OutboxRow(Table):
    """A message to one person. States: queued, sending, sent, failed, unknown, superseded.

    `entry_id` is the ledger's entry that led to it; `not_before` holds it through quiet hours or a back-off; `digest`
    names the message that it was joined to; `posting_id` is where it stands on a platform that can change it there.
    `erased_at` is when what it said was erased.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "state", "not_before"),
        _index_where("ix_outbox_about_no_audit", "decided_at", "erased_at IS NULL AND audit_id IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    what: Mapped[str] = mapped_column(String(16))
    to_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    to_role: Mapped[str] = mapped_column(String(64))
    duty: Mapped[str] = mapped_column(String(64))
    duty_ref: Mapped[str | None] = mapped_column(String(128), index=True)
    audit_id: Mapped[int | None] = mapped_column(ForeignKey("audits.id"), index=True)
    cycle_id: Mapped[int | None] = mapped_column(ForeignKey("cycles.id"))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("ledger.id"))
    notice: Mapped[str | None] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text, default="")
    rule: Mapped[list[Any]] = mapped_column(default=list)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    decided_at: Mapped[datetime]
    not_before: Mapped[datetime]
    urgent: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    possible_repeat: Mapped[bool] = mapped_column(default=False)
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("postings.id"), index=True)
    error: Mapped[str] = mapped_column(Text, default="")
    erased_at: Mapped[datetime | None]


class ContactRow(Table):
    """How a person is reached on a platform, kept from the first contact on.

    `object_id` is who they are in the tenant's directory, `user_id` who they are in chats. `conversation_id` is empty
    until there is a chat; `closed` says why they can't be written to, and is empty while they can.
    """

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("platform", "tenant", "object_id"), UniqueConstraint("platform", "person_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(String(16))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    tenant: Mapped[str] = mapped_column(String(64))
    object_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str]
    bot_id: Mapped[str] = mapped_column(default="")
    conversation_id: Mapped[str] = mapped_column(String(512), default="")
    service_url: Mapped[str] = mapped_column(String(512), default="")
    closed: Mapped[str] = mapped_column(Text, default="")
    welcomed_at: Mapped[datetime | None]
    since: Mapped[datetime]


class PostingRow(Table):
    """A message that stands in a chat and can be changed there. `token` names it inside its card.

    `thread` is the message below which it stands, and is empty where it stands by itself.
    It shows messages of the outbox, or, where it was an answer, the duty `duty_ref` of an audit. `shown` is the
    fingerprint of what it shows. `wanted` counts what happened that may change it; `next_at` is when to look at it
    again, and is empty while there is no reason to. `erased_at` is when what it showed was erased, all of it.
    """

    __tablename__ = "postings"
    __table_args__ = (_index_where("ix_postings_erased", "erased_at", "erased_at IS NOT NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    platform: Mapped[str] = mapped_column(String(16))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    conversation_id: Mapped[str] = mapped_column(String(512))
    activity_id: Mapped[str] = mapped_column(String(512))
    service_url: Mapped[str] = mapped_column(String(512))
    thread: Mapped[str] = mapped_column(String(64), default="", server_default="")
    at: Mapped[datetime]
    audit_id: Mapped[int | None] = mapped_column(ForeignKey("audits.id"), index=True)
    duty_ref: Mapped[str | None] = mapped_column(String(128))
    shown: Mapped[str] = mapped_column(String(64))
    wanted: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    erased_at: Mapped[datetime | None]


class LedgerRow(Table):
    """What happened, in order, hash-chained within its chain (an audit, or the service as a whole).

    `erased_at` is when its personal fields were erased; `hash` stays that of the whole entry (storage/ledger.py).
    """

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("chain", "number"),
        _index_where("ix_ledger_kept_of_audits", "at", "erased_at IS NULL AND audit_id IS NOT NULL"),
        _index_where("ix_ledger_kept_of_service", "at", "erased_at IS NULL AND audit_id IS NULL AND kind <> 'erased'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    audit_id: Mapped[int | None] = mapped_column(ForeignKey("audits.id"), index=True)
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    before: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    erased_at: Mapped[datetime | None]


class ChainRow(Table):
    """Where a chain of the ledger ends, so that entries taken off its end are missed."""

    __tablename__ = "chains"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    length: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64))


class ThemeRow(Table):
    """A theme of thematic audits. `name` is its title for comparison, `terms` its terms of reference by what was asked.

    `recorded_by` wrote down, at `recorded_at`, that `signed_off_by` had signed them off.
    """

    __tablename__ = "themes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    terms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    proposed_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    proposed_at: Mapped[datetime]
    signed_off_by: Mapped[str] = mapped_column(default="")
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    recorded_at: Mapped[datetime | None]
    begun_at: Mapped[datetime | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=0)

    __mapper_args__ = {"version_id_col": version}


class AnswerRow(Table):
    """A reply that was given, by the platform's event id: the same event gets the same reply again."""

    __tablename__ = "answers"

    event_id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    reply: Mapped[str] = mapped_column(Text)


class DraftRow(Table):
    """What somebody has typed into a form and not sent yet, by the names of its inputs. `form` names the form."""

    __tablename__ = "drafts"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    form: Mapped[str] = mapped_column(String(128), primary_key=True)
    at: Mapped[datetime]
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SecretRow(Table):
    """A key that auditloop made for itself, such as the one under links to calendar files. The same on every node."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str]


class RevisionRow(Table):
    """Counts the changes of a table, so that what was read of it can be kept until it changes."""

    __tablename__ = "revisions"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
