"""What holds of the engine whatever happens: any events in any order, and the clock read often or seldom."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from audits.dates import Cycle
from audits.engine import Engine
from audits.messages import Message
from audits.people import Person
from audits.state import Audit, Duty, Event, RemedialAction

Staff = Mapping[str, Person]

ANSWERS = (
    "accepted",
    "held",
    "not_held",
    "overseen",
    "recorded",
    "disputed",
    "updated",
    "considered",
    "offered",
    "safety_raised",
    "acknowledged",
    "reaudit_submitted",
    "withdrawn",
)
GRADES = ("outstanding", "good", "requires_improvement", "inadequate")
AUDITORS = (9, 16, 10)
PEOPLE = tuple(range(1, 18))
ACTIONS = (RemedialAction(1, "Update the chronology", 6), RemedialAction(2, "See the child", 7))
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STARTS = st.integers(0, 630 * 24 * 60).map(lambda after: START + timedelta(minutes=after))

gaps = st.one_of(st.integers(0, 180), st.integers(60, 60 * 24 * 20)).map(lambda minutes: timedelta(minutes=minutes))
one_action = st.fixed_dictionaries({"action": st.sampled_from((1, 2))})
kinds_and_values = st.one_of(
    st.tuples(st.sampled_from(ANSWERS), st.just({})),
    st.tuples(
        st.just("submitted"),
        st.fixed_dictionaries(
            {
                "grade": st.sampled_from(GRADES),
                "safety": st.booleans(),
                "neglect": st.booleans(),
                "actions": st.sampled_from(((), ACTIONS[:1], ACTIONS)),
            }
        ),
    ),
    st.tuples(st.just("moderated"), st.fixed_dictionaries({"grade": st.sampled_from((None, *GRADES))})),
    st.tuples(st.just("resolved"), st.fixed_dictionaries({"grade": st.sampled_from((None, *GRADES))})),
    st.tuples(st.sampled_from(("confirmed", "signed_off", "sent_back")), one_action),
    st.tuples(
        st.just("declined"),
        st.just({"officer_id": 10, "officer_role": "qa_unit"}),
    ),
    st.tuples(
        st.just("reassigned"),
        st.fixed_dictionaries({"to_id": st.sampled_from(AUDITORS), "to_role": st.just("manager")}),
    ),
    st.tuples(st.sampled_from(("proposed", "booked")), st.fixed_dictionaries({"in": st.integers(-24, 400)})),
)


@dataclass(frozen=True)
class Happening:
    """Something that happens so long after what went before; `reads` is whether the clock is read just before it."""

    after: timedelta
    kind: str
    actor: int
    values: Mapping[str, Any]
    reads: bool

    def event(self, now: datetime) -> Event:
        values = dict(self.values)
        if "in" in values:
            values = {"at": now + timedelta(hours=values["in"])}
        return Event(self.kind, now, self.actor, values)


happenings = st.builds(
    lambda after, kind, actor, reads: Happening(after, kind[0], actor, kind[1], reads),
    gaps,
    kinds_and_values,
    st.sampled_from(PEOPLE),
    st.booleans(),
)
stories = st.lists(happenings, min_size=1, max_size=14)
few = settings(max_examples=50, deadline=None)


@dataclass
class Life:
    """An audit as it goes on, with everything that was said and a check at every turn."""

    engine: Engine
    audit: Audit
    now: datetime
    messages: list[Message] = field(default_factory=list)
    closings: Counter[str] = field(default_factory=Counter)
    openings: Counter[str] = field(default_factory=Counter)

    def happens(self, event: Event) -> None:
        waiting = [event]
        while waiting:
            before = self.audit
            decision = self.engine.decide(before, waiting.pop(0))
            self.audit = decision.audit
            waiting.extend(decision.then)
            self.messages.extend(decision.messages)
            self.closings.update(duty.ref for duty in decision.closed)
            self.openings.update(duty.ref for duty in decision.opened)
            self._check(before, decision.opened, decision.closed)

    def read_clock(self, now: datetime) -> None:
        self.now = now
        for duty in self.audit.open_duties():
            taken = self.engine.advance(self.audit, duty, now)
            self.messages.extend(taken.messages)
            if taken.lapsed:
                self.closings[duty.ref] += 1
            duties = tuple(taken.duty if one.ref == duty.ref else one for one in self.audit.duties)
            self.audit = replace(self.audit, duties=duties)

    def _check(self, before: Audit, opened: tuple[Duty, ...], closed: tuple[Duty, ...]) -> None:
        was = {duty.ref: duty for duty in before.duties}
        now = {duty.ref: duty for duty in self.audit.duties}
        assert len(now) == len(self.audit.duties), "two duties of one name"
        assert set(now) - set(was) == {duty.ref for duty in opened}
        assert {ref for ref, duty in was.items() if duty.is_open and not now[ref].is_open} == {
            duty.ref for duty in closed
        }
        for ref, duty in was.items():
            if not duty.is_open:
                assert now[ref] == duty, "a closed duty has changed"
            assert now[ref].steps == duty.steps, "the steps of a running duty have changed"
            assert (now[ref].nominal, now[ref].effective) == (duty.nominal, duty.effective)


def live(engine: Engine, audit: Audit, start: datetime, story: list[Happening], *, reads: bool | None = None) -> Life:
    """Play a story. With `reads` the clock is read before everything that happens, or never, instead of as told."""
    life = Life(engine, replace(audit, cycle=Cycle.of(engine.calendar.day_of(start))), start)
    life.happens(Event("allocated", start))
    now = start
    for happening in story:
        now += happening.after
        if happening.reads if reads is None else reads:
            life.read_clock(now)
        life.happens(happening.event(now))
    return life


@given(start=STARTS, story=stories)
@few
def test_a_duty_opens_once_and_closes_once(
    engine: Engine, audit: Audit, start: datetime, story: list[Happening]
) -> None:
    life = live(engine, audit, start, story)
    life.read_clock(life.now + timedelta(days=900))
    assert set(life.openings.values()) == {1}
    assert set(life.closings.values()) <= {1}
    assert set(life.closings) == {duty.ref for duty in life.audit.duties if not duty.is_open}
    for duty in life.audit.duties:
        assert duty.is_open == (duty.closed_by is None)
        assert duty.is_open or duty.next_at is None


@given(start=STARTS, story=stories)
@few
def test_nobody_is_asked_for_the_same_thing_twice_at_a_time(
    engine: Engine, audit: Audit, start: datetime, story: list[Happening]
) -> None:
    life = live(engine, audit, start, story)
    rules = engine.framework.duties
    asked = Counter(
        (duty.key, duty.action, duty.owner_id if rules[duty.key].per_owner else None)
        for duty in life.audit.open_duties()
    )
    assert set(asked.values()) <= {1}


@given(start=STARTS, story=stories)
@few
def test_dates_are_never_loosened_and_steps_never_run_backwards(
    engine: Engine, audit: Audit, start: datetime, story: list[Happening]
) -> None:
    for duty in live(engine, audit, start, story).audit.duties:
        words = engine.framework.duties[duty.key].due
        if words.startswith("on "):
            assert duty.effective >= duty.nominal
        else:
            assert duty.effective <= duty.nominal
        assert duty.effective >= duty.opened_at or duty.effective == duty.nominal
        moments = [step.at for step in duty.steps]
        assert moments == sorted(moments)
        late = [step.at for step in duty.steps if step.what == "overdue"]
        assert all(moment > duty.nominal for moment in late)
        nudges = [step.at for step in duty.steps if step.what == "nudge"]
        assert all(duty.opened_at < nudge < min(late, default=datetime.max.replace(tzinfo=UTC)) for nudge in nudges)


@given(start=STARTS, story=stories)
@few
def test_the_same_story_has_the_same_end(engine: Engine, audit: Audit, start: datetime, story: list[Happening]) -> None:
    first, second = (live(engine, audit, start, story) for _ in range(2))
    assert first.audit == second.audit
    assert first.messages == second.messages


@given(start=STARTS, story=stories)
@few
def test_how_often_the_clock_is_read_changes_no_promise(
    engine: Engine, audit: Audit, start: datetime, story: list[Happening]
) -> None:
    # A lapse and the reach of an alert are the clock's own doing.
    clockwork = ("good_practice", "acknowledge_alert")
    told = [
        [
            replace(duty, taken=0, repeats=0, next_at=None)
            for duty in live(engine, audit, start, story, reads=reads).audit.duties
            if duty.key not in clockwork
        ]
        for reads in (True, False)
    ]
    assert told[0] == told[1]


@given(start=STARTS, story=stories)
@few
def test_a_message_is_named_once(engine: Engine, audit: Audit, start: datetime, story: list[Happening]) -> None:
    life = live(engine, audit, start, story)
    life.read_clock(life.now + timedelta(days=900))
    of_duties = [message.key for message in life.messages if message.notice is None]
    assert len(of_duties) == len(set(of_duties))


@given(start=STARTS, story=stories, later=gaps)
@few
def test_a_closed_duty_says_nothing_more(
    engine: Engine, audit: Audit, start: datetime, story: list[Happening], later: timedelta
) -> None:
    life = live(engine, audit, start, story)
    for duty in life.audit.duties:
        if not duty.is_open:
            taken = engine.advance(life.audit, duty, life.now + timedelta(days=60) + later)
            assert (taken.duty, taken.messages, taken.issue, taken.lapsed) == (duty, (), False, False)


@given(start=STARTS, story=stories, ticks=st.lists(gaps, max_size=12))
@few
def test_the_clock_only_goes_forward(
    engine: Engine, audit: Audit, start: datetime, story: list[Happening], ticks: list[timedelta]
) -> None:
    life = live(engine, audit, start, story)
    for opened in life.audit.open_duties():
        duty, now = opened, life.now
        for tick in ticks:
            now += tick
            was, duty = duty, engine.advance(life.audit, duty, now).duty
            assert duty.taken >= was.taken
            if was.next_at is not None and was.next_at > now:
                assert duty == was
            if duty.next_at is not None:
                assert duty.next_at > now
                assert was.next_at is None or duty.next_at >= was.next_at
            assert engine.advance(life.audit, duty, now).messages == (), "taken twice"


@given(start=STARTS, story=stories, ticks=st.lists(gaps, min_size=1, max_size=20))
@few
def test_small_steps_and_one_leap_take_the_same_escalations(
    engine: Engine, audit: Audit, start: datetime, story: list[Happening], ticks: list[timedelta]
) -> None:
    life = live(engine, audit, start, story)
    for opened in life.audit.open_duties():
        if any(step.every_minutes for step in opened.steps):
            continue  # what repeats until it is answered is joined; test_duties.py has how it climbs
        duty, now, said = opened, life.now, list[Message]()
        for tick in ticks:
            now += tick
            taken = engine.advance(life.audit, duty, now)
            duty = taken.duty
            said.extend(taken.messages)
        leap = engine.advance(life.audit, opened, now)
        assert leap.duty == duty
        assert _but_nudges(leap.messages) == _but_nudges(said)
        _check_joined(leap.messages, said, passed=now > opened.nominal)


def _but_nudges(messages: tuple[Message, ...] | list[Message]) -> list[str]:
    return [message.key for message in messages if message.what != "nudge"]


def _check_joined(leap: tuple[Message, ...], said: list[Message], *, passed: bool) -> None:
    """Of the nudges that somebody missed the last one goes out, or none once the moment itself has passed."""
    last = {message.to_id: message.key for message in said if message.what == "nudge"}
    wanted = [] if passed else sorted(last.values())
    assert sorted(message.key for message in leap if message.what == "nudge") == wanted


@given(start=STARTS, minutes=st.lists(st.integers(1, 300), min_size=1, max_size=12))
@few
def test_an_alert_read_late_has_climbed_as_far_as_one_read_often(
    engine: Engine, audit: Audit, staff: Staff, start: datetime, minutes: list[int], clock: Callable[..., str]
) -> None:
    life = live(engine, audit, start, [])
    life.happens(Event("safety_raised", start, staff["Mo"].id))
    end = start + timedelta(minutes=sum(minutes))
    for opened in life.audit.open_duties("acknowledge_alert"):
        duty, now, said = opened, start, list[Message]()
        for gap in minutes:
            now += timedelta(minutes=gap)
            taken = engine.advance(life.audit, duty, now)
            duty = taken.duty
            said.extend(taken.messages)
        leap = engine.advance(life.audit, opened, end)
        assert leap.duty == duty, clock(end)
        assert {message.to_id for message in leap.messages} == {message.to_id for message in said}
        owner = [message for message in leap.messages if message.what == "alert"]
        assert len(owner) == min(1, sum(minutes) // 15)
        assert {message.key for message in owner} <= {message.key for message in said}
