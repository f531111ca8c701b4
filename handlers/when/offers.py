"""What somebody offers: which day goes with which time, what was ruled out, and what is too loose to book."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from handlers.when.mentions import (
    Clock,
    Dated,
    Day,
    Holiday,
    Item,
    Mark,
    NoSuch,
    Number,
    OfMonth,
    Pair,
    Part,
    Relative,
    SameDay,
    Soon,
    Stretch,
    Weekday,
    clock_minutes,
)

_CLAUSE_ENDS = frozenset({"stop", "comma", "but", "if", "because", "yes"})
_RULING_OUT = ("no_behind", "refusal")
_MOST_OFFERS = 24
_DAY_STARTS, _DAY_ENDS = 8 * 60, 18 * 60

Time = Clock | Part | NoSuch
WhichDay = Day | Soon
FallsOn = Callable[[int, int], bool]
"""Whether the next day of the month so numbered is that weekday: (weekday, day of the month)."""


@dataclass(frozen=True)
class Offer:
    """One day, with the time of day or the part of the day that was said of it."""

    day: WhichDay
    clock: Clock | NoSuch | None = None
    part: Part | None = None


@dataclass(frozen=True)
class Heard:
    """Everything in a message that bears on when."""

    offers: tuple[Offer, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    times: tuple[Time, ...] = ()


@dataclass
class _Group:
    days: list[WhichDay] = field(default_factory=list)
    times: list[Time] = field(default_factory=list)


def _is_day(item: Item) -> TypeGuard[WhichDay]:
    if isinstance(item, NoSuch):
        return item.what == "day"
    return isinstance(item, (Weekday, Dated, Relative, Holiday, OfMonth, SameDay, Soon))


def _is_time(item: Item) -> TypeGuard[Time]:
    if isinstance(item, NoSuch):
        return item.what == "clock"
    return isinstance(item, (Clock, Part))


def _is_mention(item: Item) -> bool:
    return _is_day(item) or _is_time(item) or isinstance(item, Stretch)


def _is_mark(item: Item | None, *kinds: str) -> bool:
    return isinstance(item, Mark) and item.kind in kinds


def _at(items: Sequence[Item], index: int) -> Item | None:
    return items[index] if 0 <= index < len(items) else None


def _after(items: Sequence[Item], index: int, *skipped: str) -> int:
    """The index of the first item after this one that isn't such a mark; the length if there is none."""
    index += 1
    while index < len(items) and _is_mark(items[index], *skipped):
        index += 1
    return index


# --- numbers ---------------------------------------------------------------------------------------------------------


def _as_clock(number: Number) -> Clock | NoSuch:
    hour, minute = divmod(number.value, 100) if number.digits == 3 else (number.value, 0)
    if hour > 23 or minute > 59:
        return NoSuch("clock")
    return Clock(hour, minute, "24" if number.digits == 2 and number.value < 10 else None)


def _clock_follows(items: Sequence[Item], index: int) -> bool:
    for item in items[index + 1 :]:
        if _is_mark(item, "or", "stop", "but") or _is_day(item):
            return False
        if isinstance(item, Clock):
            return True
    return False


def _beside_weekday(number: Number, weekday: Weekday, falls_on: FallsOn, *, clock_follows: bool) -> Item:
    """The number straight after a weekday: "Wed 2" is an hour, "Mon 7 10am" and "Tues 24" are days of the month."""
    clock = _as_clock(number)
    if number.digits < 3 and (clock_follows or isinstance(clock, NoSuch)):
        return Dated(number.value)
    if isinstance(clock, NoSuch) or number.digits == 3:
        return clock
    fits = _DAY_STARTS <= clock_minutes(clock) < _DAY_ENDS and number.value <= 12
    return clock if fits or not falls_on(weekday.index, number.value) else Dated(number.value)


def _number_read(items: Sequence[Item], index: int, number: Number, falls_on: FallsOn) -> Item | None:
    before, after = _at(items, index - 1), _at(items, index + 1)
    if _is_mark(after, "unit"):
        return Mark("word")
    if _is_mark(before, "at", "bound", "no"):
        return _as_clock(number)
    if isinstance(before, Weekday):
        return _beside_weekday(number, before, falls_on, clock_follows=_clock_follows(items, index))
    clock = _as_clock(number)
    if isinstance(clock, NoSuch):
        return None
    return clock if _beside_time(items, index) or _stands_alone(before, after) else None


def _beside_time(items: Sequence[Item], index: int) -> bool:
    """Whether a day or a time stands beside the number, or is listed with it ("2, 3 or 4pm")."""
    before, after = _at(items, index - 1), _at(items, index + 1)
    if before is not None and (_is_day(before) or isinstance(before, (Part, Stretch))):
        return True
    if after is not None and (_is_day(after) or isinstance(after, Part)):
        return True
    listed_before, listed_after = _at(items, index - 2), _at(items, _after(items, index, "or", "comma", "at"))
    if _is_mark(before, "or", "comma") and isinstance(listed_before, Clock):
        return True
    if _is_mark(after, "or", "comma") and isinstance(listed_after, Clock):
        return True
    return _is_mark(before, "comma") and listed_before is not None and _is_day(listed_before)


def _stands_alone(before: Item | None, after: Item | None) -> bool:
    starts = before is None or _is_mark(before, "but", "yes", "stop", "comma", "or", "if")
    return starts and (after is None or _is_mark(after, *_CLAUSE_ENDS, "or", "word", "bound_behind", *_RULING_OUT))


def _with_numbers_read(items: list[Item], falls_on: FallsOn) -> list[Item]:
    changed = True
    while changed:
        changed = False
        for index, item in enumerate(items):
            if isinstance(item, Number):
                read = _number_read(items, index, item, falls_on)
                if read is not None:
                    items[index] = read
                    changed = True
    return [Mark("word") if isinstance(item, Number) else item for item in items]


def _with_pairs_read(items: list[Item]) -> list[Item]:
    """Pairs of numbers are times, unless a time is told elsewhere and the day isn't: then the pair is the date."""
    has_day = any(_is_day(item) or isinstance(item, Stretch) for item in items)
    has_date = any(_is_day(item) and not isinstance(item, Weekday) for item in items)
    has_clock = any(isinstance(item, Clock) for item in items)
    read: list[Item] = []
    for index, item in enumerate(items):
        if not isinstance(item, Pair):
            read.append(item)
        elif (not has_day and (has_clock or isinstance(_at(items, index + 1), Pair))) or (
            # "Wed 2.12 2pm", but not "Wed 10.10 or 11am".
            item.dotted
            and has_clock
            and not has_date
            and not _is_mark(_at(items, index + 1), "or")
            and not _is_mark(_at(items, index - 1), "or", "at")
        ):
            read.append(Dated(item.first, item.second))
            has_day = has_date = True
        else:
            read += item.clock
    return read


def _with_shared_halves(items: list[Item]) -> list[Item]:
    """ "8 or 9pm" speaks of two evening hours, "11 or 1pm" of one morning and one afternoon hour."""
    for index in range(len(items) - 3, -1, -1):
        first, second = items[index], items[index + 2]
        if not (isinstance(first, Clock) and isinstance(second, Clock) and _is_mark(items[index + 1], "or", "comma")):
            continue
        if first.half is None and first.hour <= 12 and second.half in ("am", "pm"):
            same = replace(first, half=second.half)
            if clock_minutes(same) < clock_minutes(second):
                items[index] = same
    return items


# --- stretches -------------------------------------------------------------------------------------------------------


def _with_weeks_of(items: list[Item]) -> list[Item]:
    """ "Week commencing Monday 7 December" is one stretch."""
    read: list[Item] = []
    index = 0
    while index < len(items):
        item = items[index]
        if _is_mark(item, "week_of"):
            of: Day | None = None
            following = _at(items, index + 1)
            if isinstance(following, Weekday):
                of = following
                index += 1
                following = _at(items, index + 1)
            if isinstance(following, (Dated, Relative)):
                of = following
                index += 1
            read.append(Stretch("week", of=of) if of else Stretch("loose"))
        else:
            read.append(item)
        index += 1
    return read


def _with_bounds_loosened(items: list[Item]) -> list[Item]:
    """ "After 2", "before Friday" and "2 onwards" name no time and no day that could be booked."""

    def loosened(item: Item) -> Item:
        return Part("vague") if _is_time(item) or isinstance(item, (Number, Pair)) else Stretch("loose")

    index = 0
    while index < len(items):
        item = items[index]
        if _is_mark(item, "bound", "anytime"):
            place = _after(items, index, "at", "bound")
            following = _at(items, place)
            timed = following is not None and (_is_time(following) or isinstance(following, (Number, Pair)))
            counted = isinstance(following, Number) and _is_mark(_at(items, place + 1), "unit")
            if (
                following is not None
                and not counted
                and (timed or (_is_mark(item, "bound") and _is_mention(following)))
            ):
                dated = isinstance(following, Weekday) and isinstance(_at(items, place + 1), Dated)
                items[index : place + 1 + dated] = [Mark("bound"), loosened(following)]
                index += 1
            else:
                items[index] = Part("any") if _is_mark(item, "anytime") else Mark("word")
        elif _is_mark(item, "bound_behind"):
            behind = index - 1
            if behind >= 0 and (_is_mention(items[behind]) or isinstance(items[behind], (Number, Pair))):
                items[behind] = loosened(items[behind])
        index += 1
    return items


def _with_weeks_told(items: list[Item]) -> list[Item]:
    """ "Tuesday or Wednesday next week" and "next week, Tuesday" put the weekdays in that week."""
    for index, item in enumerate(items):
        if not isinstance(item, Stretch):
            continue
        if item.kind in ("loose", "month", "year"):
            # "A Tuesday in December" or "before Christmas" is no particular Tuesday.
            behind = index - 2 if _is_mark(_at(items, index - 1), "bound") else index - 1
            for place in (behind, index + 1) if item.kind != "loose" else (behind,):
                weekday = _at(items, place)
                if isinstance(weekday, Weekday) and weekday.which == "plain":
                    items[place] = Mark("word")
        elif item.kind == "week":
            for place in _weekdays_of(items, index):
                weekday = items[place]
                if isinstance(weekday, Weekday):
                    items[place] = replace(weekday, week=item)
    return items


def _free_weekday(item: Item) -> bool:
    return isinstance(item, Weekday) and item.which == "plain" and item.week is None and not item.weeks


def _weekdays_of(items: Sequence[Item], week: int) -> list[int]:
    ahead = _after(items, week, "at", "comma")
    straight_ahead = ahead < len(items) and _free_weekday(items[ahead])
    place = week - 1
    while (
        place >= 0
        and not straight_ahead
        and (_is_time(items[place]) or _is_mark(items[place], "at", "comma", "word", "unit", "stop", "yes"))
    ):
        place -= 1
    if place >= 0 and _free_weekday(items[place]):
        found = [place]
        while place >= 2 and _is_mark(items[place - 1], "or", "comma") and _free_weekday(items[place - 2]):
            place -= 2
            found.append(place)
        return found
    found = []
    for place in range(week + 1, len(items)):
        if isinstance(items[place], Stretch):
            break
        if _free_weekday(items[place]):
            found.append(place)
    return found


# --- what is ruled out -----------------------------------------------------------------------------------------------


def _clause(items: Sequence[Item], index: int) -> tuple[int, int]:
    start = index
    while start > 0 and not _is_mark(items[start - 1], *_CLAUSE_ENDS):
        start -= 1
    end = index + 1
    while end < len(items) and not _is_mark(items[end], *_CLAUSE_ENDS):
        end += 1
    return start, end


def _ruled_out_ahead(items: Sequence[Item], first: int, end: int) -> list[int]:
    run = [first]
    joined = False
    days, times = int(_is_day(items[first])), int(_is_time(items[first]))
    for place in range(first + 1, end):
        item = items[place]
        if _is_mark(item, "or"):
            joined = True
        elif isinstance(item, Stretch) and not joined:
            continue
        elif _is_mention(item):
            same_day = isinstance(items[run[-1]], Weekday) and isinstance(item, Dated)
            if not joined and not same_day and ((_is_day(item) and days) or (_is_time(item) and times)):
                break
            run.append(place)
            days += _is_day(item)
            times += _is_time(item)
            joined = False
    return run


def _listed_before_but(items: Sequence[Item], end: int) -> list[int]:
    """The bare days between "not Monday" and "but" in "not Monday, Tuesday or Wednesday, but Thursday"."""
    found: list[int] = []
    for place in range(end, len(items)):
        item = items[place]
        if _is_mark(item, "but"):
            return found if any(_is_day(later) for later in items[place:]) else []
        if _is_day(item):
            found.append(place)
        elif not _is_mark(item, "comma", "or"):
            return []
    return []


def _ruled_out(items: Sequence[Item]) -> set[int]:
    out: set[int] = set()
    for index, item in enumerate(items):
        if _is_mark(item, "because"):
            place = index + 1
            while place < len(items) and not _is_mark(items[place], "stop", "comma", "but", "if", "yes"):
                out.add(place)
                place += 1
        if not _is_mark(item, "no", "no_behind", "refusal"):
            continue
        start, end = _clause(items, index)
        behind = [place for place in range(start, index) if _is_mention(items[place]) and place not in out]
        ahead = [place for place in range(index + 1, end) if _is_mention(items[place])]
        if ahead and _is_mark(items[ahead[0] - 1], "bound"):
            continue
        if ahead and (_is_mark(item, "no") or not behind):
            run = _ruled_out_ahead(items, ahead[0], end)
            out.update(run)
            if run[-1] == ahead[-1] and _is_mark(_at(items, end), "comma"):
                out.update(_listed_before_but(items, end))
        elif behind:
            out.update(behind)
        elif _is_mark(item, "refusal") and start > 1 and _is_mark(items[start - 1], "stop", "comma"):
            start, end = _clause(items, start - 2)
            out.update(place for place in range(start, end) if _is_mention(items[place]))
    return out


# --- days and times together -----------------------------------------------------------------------------------------


def _same_day(first: WhichDay, second: WhichDay) -> SameDay | None:
    """Both as one day, if they are two ways of naming it ("Monday", "the 7th")."""
    if isinstance(first, (Soon, NoSuch)) or isinstance(second, (Soon, NoSuch)):
        return None
    ways = (*(first.ways if isinstance(first, SameDay) else (first,)), second)
    kinds = {type(way) for way in ways}
    return SameDay(ways) if len(kinds) == len(ways) and kinds <= {Weekday, Dated, Relative, Holiday} else None


def _with_days_joined(items: list[Item]) -> list[Item]:
    joined: list[Item] = []
    for item in items:
        place = len(joined) - 1
        while place >= 0 and _is_mark(joined[place], "comma", "word"):
            place -= 1
        before = joined[place] if place >= 0 else None
        if before is not None and _is_day(item) and _is_day(before):
            both = _same_day(before, item)
            if both:
                joined[place:] = [both]
                continue
        joined.append(item)
    return joined


def _segments(items: list[Item]) -> list[list[WhichDay | Time]]:
    segments: list[list[WhichDay | Time]] = [[]]
    for item in items:
        if _is_mark(item, "or"):
            segments.append([])
        elif _is_day(item) or _is_time(item):
            segments[-1].append(item)
    return [segment for segment in segments if segment]


def _groups(segment: list[WhichDay | Time]) -> list[_Group]:
    days = [item for item in segment if _is_day(item)]
    times = [item for item in segment if _is_time(item)]
    clocks = [item for item in times if isinstance(item, Clock)]
    if len(days) == 2 and len(clocks) == 1:
        both = _same_day(days[0], days[1])
        if both:
            days = [both]
    if len(days) < 2 or not times:
        return [_Group(days, times)]
    groups = [_Group()]
    days_first = _is_day(segment[0])
    for place, item in enumerate(segment):
        if place and _is_day(item) != _is_day(segment[place - 1]) and _is_day(item) == days_first:
            groups.append(_Group())
        if _is_day(item):
            groups[-1].days.append(item)
        elif _is_time(item):
            groups[-1].times.append(item)
    return groups


def _filled(groups: list[_Group]) -> list[_Group]:
    """Every group with a day and, where any was said, a time: the neighbours lend what one leaves out."""
    whole: list[_Group] = []
    lent: list[Time] = []
    for group in groups:
        if group.days:
            whole.append(_Group(group.days, [*lent, *group.times]))
            lent = []
        elif whole:
            whole[-1].times += group.times
        else:
            lent += group.times
    if not whole:
        return [_Group([], lent)]
    for place in range(len(whole) - 2, -1, -1):
        whole[place].times = whole[place].times or whole[place + 1].times
    for place in range(1, len(whole)):
        whole[place].times = whole[place].times or whole[place - 1].times
    return whole


def _offers(group: _Group) -> list[Offer]:
    clocks = [time for time in group.times if isinstance(time, (Clock, NoSuch))]
    firm = [clock for clock in clocks if isinstance(clock, NoSuch) or not clock.weak]
    parts = {time for time in group.times if isinstance(time, Part) and time.name not in ("vague", "any")}
    part = parts.pop() if len(parts) == 1 else None
    said: list[Clock | NoSuch | None] = [*(firm or clocks)]
    return [Offer(day, clock, part) for day in group.days for clock in said or [None]]


def heard(items: list[Item], falls_on: FallsOn) -> Heard:
    """The offers of a message; its loose stretches and its times alone where it offers no day."""
    items = _with_weeks_of(list(items))
    items = _with_bounds_loosened(items)
    items = _with_numbers_read(items, falls_on)
    items = _with_pairs_read(items)
    items = _with_shared_halves(items)
    items = _with_weeks_told(items)
    out = _ruled_out(items)
    refused = [items[place] for place in sorted(out)]
    kept = [item for place, item in enumerate(items) if place not in out]
    stretches = tuple(item for item in kept if isinstance(item, Stretch))
    groups = _filled([group for segment in _segments(_with_days_joined(kept)) for group in _groups(segment)])
    offers = tuple(offer for group in groups for offer in _offers(group))[:_MOST_OFFERS]
    times = tuple(time for group in groups for time in group.times)
    if not offers and not stretches and times and any(_is_time(item) for item in refused):
        # "Can't do Tuesday at 2, 3 would be fine": the hour was ruled out, not the day.
        days = [item for item in _with_days_joined(refused) if _is_day(item)]
        offers = tuple(_offers(_Group(days, list(times))))
    return Heard(offers, stretches, times)
