"""`kill -9`, a database that goes away, a full disk, a wrong clock: what is promised holds, and how it was seen.

AUDITLOOP_CRASH_SEED plays the same with another seed; `python -m tests.crashes --help` plays more of it.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audits.calendar import WorkCalendar
from tests.crashes.outcome import Outcome, Row, faults, untimely
from tests.crashes.places import OF_A_BEAT, WORDS, Places, Sighting, Where
from tests.crashes.post_office import Arrival, Post

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("AUDITLOOP_CRASH_SEED", "1")
A_NIGHT_OF_REPEATS = 12
"""An alert that nobody answers for more than three hours is told again so often at the least."""

Reports = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def reports() -> Reports:
    """What came of each story of the suite. They are played by a process without threads, which may be forked."""
    command = [sys.executable, "-W", "error", "-m", "tests.crashes", "--suite", "--seed", SEED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == 4, done.stderr
    return dict(zip(("killed", "clock", "full disk", "three nodes"), found, strict=True))


# ---- with real processes


def test_a_month_whose_node_is_killed_again_and_again_is_the_month_without(reports: Reports) -> None:
    report = reports["killed"]
    assert report["faults"] == []
    assert report["kills"] >= 150


def test_kills_fall_into_every_part_of_the_work(reports: Reports) -> None:
    hit = reports["killed"]["hit"]
    parts = (Where.HANDLER, Where.TICK, Where.DELIVERY, Where.CLAIMED, Where.SENDING, Where.UNMARKED)
    assert [WORDS[part] for part in parts if not hit.get(WORDS[part])] == []
    assert len(reports["killed"]["named"]) >= len(OF_A_BEAT) - 1
    assert sum(hit.values()) - hit.get(WORDS[Where.IDLE], 0) >= 55


def test_messages_came_again_and_the_rule_about_repeats_was_put_to_the_test(reports: Reports) -> None:
    report = reports["killed"]
    assert report["unknown"] >= report["repeats"] / 2 > 5
    assert report["by_state"]["sent"] > 100


def test_three_nodes_whose_database_is_restarted_underneath_them_leave_the_month_as_it_was(reports: Reports) -> None:
    report = reports["three nodes"]
    assert report["faults"] == []
    assert report["kills"] >= 24
    if report["story"]["trouble"] == "restart":
        assert report["restarts"] >= 1
    elif os.environ.get("CI") == "true":
        pytest.fail("This test may not do without PostgreSQL where CI=true.")


def test_a_full_disk_leaves_nothing_half_done_says_so_and_is_over_once_there_is_room(reports: Reports) -> None:
    report = reports["full disk"]
    assert report["faults"] == []
    assert report["times_full"] > 10
    assert report["refused_by_the_disk"] > 0
    assert report["log_says_full"]


def test_a_clock_that_is_wrong_by_hours_and_days_takes_no_step_twice_and_leaves_none_out(reports: Reports) -> None:
    report = reports["clock"]
    assert report["faults"] == []
    assert report["clock_steps"] > 10


@pytest.mark.parametrize("name", ["killed", "three nodes"])
def test_an_alert_is_told_every_quarter_of_an_hour_while_the_clocks_are_changed(reports: Reports, name: str) -> None:
    """That each came at its own moment is among the faults that are looked for: see `untimely`."""
    assert reports[name]["repeats_in_the_night"] >= A_NIGHT_OF_REPEATS


# ---- what the comparison sees

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def _month() -> Outcome:
    """A story of one duty and two messages: a request that was sent, and a reminder that came twice and said so."""
    duty: Row = {"ref": "1/accept/1", "closed_at": None, "opened_at": NOON, "steps": [], "taken": 0}
    entry: Row = {"chain": "audit:1", "number": 1, "at": NOON, "kind": "allocated", "actor_id": None, "values": {}}
    tables: dict[str, dict[tuple[Any, ...], Row]] = {
        "duties": {("1/accept/1",): duty},
        "ledger": {("audit:1", 1): entry},
        "answers": {("event-1",): {"event_id": "event-1", "reply": "{}"}},
    }
    said = (
        _arrival(1, "1/accept/1/ask/7"),
        _arrival(2, "1/accept/1/nudge@2026-03-05T09:00/7"),
        _arrival(3, "1/accept/1/nudge@2026-03-05T09:00/7", marked=True),
    )
    messages = {
        "1/accept/1/ask/7": _message("1/accept/1/ask/7", "message"),
        "1/accept/1/nudge@2026-03-05T09:00/7": _message("1/accept/1/nudge@2026-03-05T09:00/7", "nudge", repeat=True),
    }
    unknown = Counter(["1/accept/1/nudge@2026-03-05T09:00/7"])
    return Outcome(tables, messages, unknown, (), (), 1, Post(said, {}))


def _arrival(number: int, key: str, *, marked: bool = False) -> Arrival:
    return Arrival(number, 7, (key,), marked, marked, False, NOON.isoformat(), "Please answer")


def _message(key: str, what: str, *, repeat: bool = False) -> Row:
    return {
        "key": key,
        "what": what,
        "to_id": 7,
        "to_role": "manager",
        "duty": "accept",
        "duty_ref": "1/accept/1",
        "audit_id": 1,
        "cycle_id": None,
        "notice": None,
        "text": "",
        "rule": [],
        "details": {},
        "urgent": False,
        "decided_at": NOON,
        "not_before": NOON,
        "state": "sent",
        "attempts": 2 if repeat else 1,
        "possible_repeat": repeat,
    }


def _without(found: Outcome, table: str) -> Outcome:
    return replace(found, tables={**found.tables, table: {}})


def _posted(found: Outcome, *arrivals: Arrival) -> Outcome:
    return replace(found, post=Post(arrivals, {}))


def _changed(found: Outcome, key: str, **values: Any) -> Outcome:
    return replace(found, messages={**found.messages, key: {**found.messages[key], **values}})


ASK, NUDGE = "1/accept/1/ask/7", "1/accept/1/nudge@2026-03-05T09:00/7"


def test_a_story_that_is_as_its_twin_has_no_faults() -> None:
    assert faults(_month(), _month()) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one: _without(one, "duties"), "duties: ('1/accept/1',) is missing"),
        (lambda one: _without(one, "answers"), "answers: ('event-1',) is missing"),
        (lambda one: _without(one, "ledger"), "ledger: ('audit:1', 1) is missing"),
        (lambda one: replace(one, broken=("ledger: broken",)), "ledger: broken"),
        (lambda one: replace(one, messages={}), f"message {ASK} is missing"),
        (lambda one: _posted(one, *one.post.arrivals[1:]), f"message {ASK} is marked sent and never arrived"),
        (lambda one: _posted(one, *one.post.arrivals, _arrival(4, ASK)), f"message {ASK} came again and didn't say so"),
        (
            lambda one: _posted(one, *one.post.arrivals, _arrival(4, ASK, marked=True)),
            f"('{ASK}',) says that it may have come before, and its state was never unknown",
        ),
        (
            lambda one: _posted(one, *one.post.arrivals, _arrival(4, NUDGE, marked=True)),
            f"message {NUDGE} came 3 times, and its state was unknown 1 times",
        ),
        (lambda one: _posted(one, *one.post.arrivals, _arrival(4, "stray")), "('stray',) arrived and is not in the"),
        (lambda one: _changed(one, ASK, state="sending"), f"message {ASK} is stuck: sending"),
        (lambda one: _changed(one, ASK, state="superseded"), f"message {ASK} was left out, and nothing was done"),
        (lambda one: _changed(one, NUDGE, possible_repeat=False), f"message {NUDGE}: that it may have come before"),
        (lambda one: _changed(one, ASK, to_id=8), f"message {ASK} went to somebody else"),
    ],
)
def test_what_is_not_as_it_has_to_be_is_seen(spoil: Callable[[Outcome], Outcome], words: str) -> None:
    assert any(fault.startswith(words) for fault in faults(spoil(_month()), _month())), words


def test_a_step_that_came_late_and_a_repeat_that_was_left_out_are_seen() -> None:
    found = _month()
    step = {"name": "overdue@2026-03-09T09:00", "at": "2026-03-09T09:00:00+00:00", "what": "overdue"}
    duty = found.tables["duties"][("1/accept/1",)] | {"steps": [step], "taken": 1}
    late = _message("1/accept/1/overdue@2026-03-09T09:00/7", "overdue") | {"decided_at": NOON + timedelta(days=6)}
    second = _message("1/accept/1/repeat-2/7", "alert") | {"decided_at": NOON + timedelta(minutes=30)}
    spoilt = replace(
        found,
        tables={**found.tables, "duties": {("1/accept/1",): duty}},
        messages={one["key"]: one for one in (late, second)},
    )
    seen = list(untimely(spoilt, WorkCalendar()))
    assert [words.partition(" was taken at")[0] for words in seen] == [
        "duty 1/accept/1: overdue@2026-03-09T09:00",
        "duty 1/accept/1: its repeats are [2]",
    ]


def test_a_node_ends_at_the_place_at_which_it_shall() -> None:
    places, ended = Places(Sighting()), list[str]()
    places.arm("after a commit", 3, lambda: ended.append("ended"))
    for _ in range(2):
        places.reach("after a commit")
    places.reach("before a commit")
    assert ended == []
    places.reach("after a commit")
    assert ended == ["ended"]
