"""What a story has come to, read from its database, and how a disturbed one may differ from its undisturbed twin."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from audits.calendar import WorkCalendar
from audits.dates import MORNING
from storage.ledger import WAITING, verify
from storage.store import Store
from storage.tables import (
    ActionRow,
    AnswerRow,
    AuditRow,
    ChainRow,
    CycleNoticeRow,
    DutyRow,
    LedgerRow,
    OutboxRow,
    PersonRow,
    PostingRow,
    Table,
)
from tests.crashes.post_office import Post
from tests.crashes.service import SEEN_STATES

Row = dict[str, Any]
QUARTER = timedelta(minutes=15)
# How a row is known in both stories, and what of it may differ: ids that the database gave, and how often it was tried.
_KEPT: Mapping[str, tuple[type[Table], tuple[str, ...], frozenset[str]]] = {
    "people": (PersonRow, ("id",), frozenset()),
    "audits": (AuditRow, ("id",), frozenset({"version"})),
    "actions": (ActionRow, ("audit_id", "number"), frozenset({"id"})),
    "duties": (DutyRow, ("ref",), frozenset({"id"})),
    "lists": (CycleNoticeRow, ("cycle_id", "name"), frozenset({"id"})),
    "answers": (AnswerRow, ("event_id",), frozenset()),
    "chains": (ChainRow, ("name",), frozenset()),
    "ledger": (LedgerRow, ("chain", "number"), frozenset({"id"})),
}
_OF_A_MESSAGE = (
    *("what", "to_id", "to_role", "duty", "duty_ref", "audit_id", "cycle_id", "notice", "text", "rule", "details"),
    *("decided_at", "not_before", "urgent"),
)
REMINDERS = frozenset({"nudge", "overdue"})


@dataclass(frozen=True)
class Outcome:
    """Everything that a story left behind: tables by key, messages, the states they were in, and what arrived."""

    tables: Mapping[str, Mapping[tuple[Any, ...], Row]]
    messages: Mapping[str, Row]
    unknown: Counter[str]
    postings: tuple[Row, ...]
    broken: tuple[str, ...]
    entries: int
    post: Post


async def outcome(store: Store, post: Post) -> Outcome:
    async with store.begin() as tx:
        entries, broken = await verify(tx)
        tables = {}
        for name, (table, key, left_out) in _KEPT.items():
            rows = [dict(row._mapping) for row in await tx.session.execute(select(table.table()))]
            tables[name] = {
                tuple(row[one] for one in key): {k: v for k, v in row.items() if k not in left_out} for row in rows
            }
        messages = [dict(row._mapping) for row in await tx.session.execute(select(OutboxRow.table()))]
        postings = [dict(row._mapping) for row in await tx.session.execute(select(PostingRow.table()))]
        seen = (await tx.session.execute(text(f"SELECT key FROM {SEEN_STATES} WHERE state = 'unknown'"))).scalars()
        unknown = Counter(seen)
    return Outcome(
        tables,
        {row["key"]: row for row in messages},
        unknown,
        tuple(postings),
        tuple(f"ledger: {one.chain}, entry {one.number}: {one.reason}" for one in broken),
        entries,
        post,
    )


def faults(found: Outcome, twin: Outcome, *, board: bool = False, in_order: bool = True) -> list[str]:
    """Everything in which a disturbed story is not what it has to be, in words; empty where all is well.

    State, duties, answers and the ledger must be the twin's to the letter. Where everything has its order, because no
    two nodes take steps of one audit at once, the ledger's hashes must be as well. Of a message, what it says, to whom
    and when it was decided must be the twin's. Only this may differ: how often it was tried; that it came twice, if its
    state had been unknown and each later copy said so; that a message about a duty was left out because the duty was
    done before the try that died could be made again; and that one went in the midst of the moment that settled it.
    """
    return [
        *found.broken,
        *_tables(found, twin, {"chains", "ledger"} if not in_order else set()),
        *_entries(found, twin),
        *_messages(found, twin),
        *at_rest(found),
        *arrivals(found),
        *(_standing(found) if board else ()),
    ]


def left_out(found: Outcome, twin: Outcome) -> list[str]:
    """Messages that went in the twin and not here, because what they asked for was done first."""
    return [
        key
        for key, row in found.messages.items()
        if row["state"] == "superseded" and key in twin.messages and twin.messages[key]["state"] == "sent"
    ]


def _entries(found: Outcome, twin: Outcome) -> Iterator[str]:
    """Entries of the ledger that are missing or too many, wherever in their chain they stand."""
    here, there = (
        Counter(
            (row["chain"], row["at"], row["kind"], row["actor_id"], json.dumps(row["values"], sort_keys=True))
            for row in one.tables["ledger"].values()
        )
        for one in (found, twin)
    )
    for entry in (there - here).elements():
        yield f"ledger: the entry {entry} is missing"
    for entry in (here - there).elements():
        yield f"ledger: the entry {entry} is there, and nothing led to it"


def _tables(found: Outcome, twin: Outcome, but: set[str]) -> Iterator[str]:
    for name, rows in twin.tables.items():
        if name in but:
            continue
        here = found.tables[name]
        for key in rows.keys() - here.keys():
            yield f"{name}: {key} is missing"
        for key in here.keys() - rows.keys():
            yield f"{name}: {key} is there, and nothing led to it"
        for key in rows.keys() & here.keys():
            for column in rows[key]:
                if rows[key][column] != here[key][column]:
                    yield f"{name}: {key}: {column} is {here[key][column]!r}, not {rows[key][column]!r}"


def _messages(found: Outcome, twin: Outcome) -> Iterator[str]:
    for key in twin.messages.keys() - found.messages.keys():
        yield f"message {key} is missing"
    for key in found.messages.keys() - twin.messages.keys():
        yield f"message {key} is there, and nothing led to it"
    allowed = set(left_out(found, twin))
    for key in found.messages.keys() & twin.messages.keys():
        here, there = found.messages[key], twin.messages[key]
        for column in _OF_A_MESSAGE:
            if here[column] != there[column]:
                yield f"message {key}: {column} is {here[column]!r}, not {there[column]!r}"
        if here["state"] != there["state"]:
            if (here["state"], there["state"]) == ("sent", "superseded") and _closed_at_once(found, here):
                continue
            if key not in allowed:
                yield f"message {key} is {here['state']}, not {there['state']}"
            elif not _done_first(found, here):
                yield f"message {key} was left out, and nothing was done that it asks for"


def _closed_at_once(found: Outcome, row: Row) -> bool:
    """Whether a message went because a beat fell between two presses of one moment, the second of which settled it."""
    duty = found.tables["duties"].get((row["duty_ref"],))
    return duty is not None and duty["closed_at"] == row["decided_at"]


def _done_first(found: Outcome, row: Row) -> bool:
    """Whether a message could be left out: a sender had died over it, and its duty is done, or a later reminder of the
    same went in its place. An alert may be left out only for somebody whom an alert about the same has reached."""
    if not found.unknown[row["key"]]:
        return False
    duty = found.tables["duties"].get((row["duty_ref"],))
    done = duty is not None and duty["closed_at"] is not None
    if row["what"] == "alert":
        return done and any(
            arrival.to == row["to_id"] and any(key.startswith(f"{row['duty_ref']}/") for key in arrival.keys)
            for arrival in found.post.arrivals
        )
    later = (
        one
        for one in found.messages.values()
        if (one["duty_ref"], one["to_id"]) == (row["duty_ref"], row["to_id"]) and one["decided_at"] > row["decided_at"]
    )
    return done or (row["what"] in REMINDERS and any(one["state"] == "sent" for one in later))


def at_rest(found: Outcome) -> Iterator[str]:
    """Messages that are still on their way once everything has come to rest."""
    for key, row in found.messages.items():
        if row["state"] in (*WAITING, "sending"):
            yield f"message {key} is stuck: {row['state']}"


def arrivals(found: Outcome) -> Iterator[str]:
    """Messages that were lost, that came for nothing, or that came again without a reason or a word."""
    times: Counter[str] = Counter()
    for arrival in found.post.arrivals:
        rows = [found.messages[key] for key in arrival.keys if key in found.messages]
        if len(rows) < len(arrival.keys):
            yield f"{arrival.keys} arrived and is not in the outbox"
            continue
        if arrival.marked != arrival.says_so:
            yield f"{arrival.keys}: what delivery said of a repeat is not what the card says"
        if arrival.marked and not any(row["possible_repeat"] for row in rows):
            yield f"{arrival.keys} says that it may have come before, and its state was never unknown"
        for row in rows:
            if row["to_id"] != arrival.to:
                yield f"message {row['key']} went to somebody else"
            times[row["key"]] += 1
            if times[row["key"]] > 1 and not arrival.says_so:
                yield f"message {row['key']} came again and didn't say so"
    for key, row in found.messages.items():
        if row["state"] == "sent" and not times[key]:
            yield f"message {key} is marked sent and never arrived"
        if times[key] > 1 + found.unknown[key]:
            yield f"message {key} came {times[key]} times, and its state was unknown {found.unknown[key]} times"
        if bool(found.unknown[key]) != row["possible_repeat"]:
            yield f"message {key}: that it may have come before is not kept"


def untimely(found: Outcome, calendar: WorkCalendar) -> Iterator[str]:
    """Steps of duties that were not taken at their moment by the service's own clocks, or were left out.

    Repeats of an alert follow each other by the quarter of an hour that passes, whatever the clocks show.
    """
    for (ref,), duty in found.tables["duties"].items():
        told = [row for key, row in found.messages.items() if key.startswith(f"{ref}/")]
        for step in duty["steps"][: duty["taken"]]:
            at = datetime.fromisoformat(step["at"])
            name, _, planned = step["name"].partition("@")
            if planned and f"{calendar.local(at):%Y-%m-%dT%H:%M}" != planned:
                yield f"duty {ref}: {step['name']} is planned for {calendar.local(at)}"
            if name == "overdue" and calendar.local(at).time() != MORNING:
                yield f"duty {ref}: {step['name']} isn't taken in the morning"
            decided = {row["decided_at"] for row in told if row["key"].startswith(f"{ref}/{step['name']}/")}
            if name in ("overdue", "escalation") and decided != {at}:
                yield f"duty {ref}: {step['name']} was taken at {sorted(decided)}"
        repeats = {
            int(row["key"].rpartition("/repeat-")[2].partition("/")[0]): row["decided_at"]
            for row in told
            if "/repeat-" in row["key"]
        }
        if sorted(repeats) != list(range(1, len(repeats) + 1)):
            yield f"duty {ref}: its repeats are {sorted(repeats)}"
        for number, at in repeats.items():
            if at != duty["opened_at"] + number * QUARTER:
                yield f"duty {ref}: repeat {number} came at {at}"


def through_the_change(found: Outcome, night: datetime) -> int:
    """How many repeats of alerts went in the four hours in which the clocks were changed."""
    return sum(
        "/repeat-" in key and night <= row["decided_at"] < night + timedelta(hours=4)
        for key, row in found.messages.items()
    )


def _standing(found: Outcome) -> Iterator[str]:
    for row in found.postings:
        number = int(row["activity_id"])
        if row["next_at"] is not None:
            yield f"posting {row['id']} still waits to be looked at"
        elif found.post.shown.get(number) != row["shown"]:
            yield f"posting {row['id']} shows something else than auditloop thinks"
