"""Whether what a framework waits for can ever happen: events, gates, duties, and the hold of a moderation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from audits.consistency import places
from audits.consistency.problem import Path, Problem
from audits.consistency.roles import circle
from audits.consistency.words import KINDS_OF_EVENT, VERBS, any_of, events_of
from audits.events import EVENTS, SYSTEM
from audits.framework import DutyRule, Framework

FROM_OUTSIDE = frozenset({"withdrawn", "reassigned", "declined", "extended"})
"""Events that end a duty because the audit is taken away, not because somebody has answered."""

COMES_AFTER = {
    "booked": "proposed",
    "overseen": "submitted",
    "moderated": "submitted",
    "selected": "submitted",
    "reaudit_submitted": "submitted",
    "disputed": "submitted",
    "confirmed": "submitted",
    "signed_off": "confirmed",
    "sent_back": "confirmed",
    "resolved": "disputed",
    "unsettled": "disputed",
    "acknowledged": "safety_raised",
    "released": "moderated",
}
"""Events that need another one by their nature, whatever a framework says: an action is there once the grade is."""


@dataclass(frozen=True)
class _Wait:
    """Something that a verb waits for: any one of these events. `word` is as the file has it, if it isn't in the
    nature of things."""

    path: Path
    word: str
    events: frozenset[str]
    by_nature: bool = False


def recordable(framework: Framework) -> frozenset[str]:
    """The events that somebody, or the system, can record at all."""
    system = set(SYSTEM)
    if framework.moderation.draw_at is None:
        system.discard("selected")
    if "dispute" not in framework.verbs:
        system.discard("unsettled")
    return frozenset(system | {EVENTS["take_up"]} | {event for verb in framework.verbs for event in events_of(verb)})


def never_happening(framework: Framework) -> Iterator[Problem]:
    """Duties that nothing opens or closes, notices that nothing sends, and verbs that wait for what nobody can do."""
    can = recordable(framework)
    for key, duty in framework.duties.items():
        yield from _never_opened(key, duty, can)
        yield from _never_closed(key, duty, can)
        yield from _never_answered(key, duty)
    for key, notice in framework.notices.items():
        if not _may_happen(notice.on, can):
            yield Problem(("notices", key, "on"), f"nothing sends this notice: {_why_never(notice.on)}")
        if not notice.to:
            yield Problem(("notices", key, "to"), "this goes to nobody. Name at least one role.")
    for key, sent in framework.cycle.notices.items():
        if not sent.to:
            yield Problem(("cycle", "notices", key, "to"), "this goes to nobody. Name at least one role.")
    for path, event in _needed(framework):
        if event in KINDS_OF_EVENT - can:
            yield Problem(path, f"this could never be: {_why_never([event])}")
        elif event == "withdrawn":
            yield Problem(path, "an audit that is withdrawn is over, so nothing comes after that. Write another event.")
    yield from _places_of_the_whole(framework)


ANSWERED_UNDER = {
    "discussed": ("discuss_moderation",),
    "released": ("discuss_moderation",),
    "resolved": ("dispute",),
    "feedback_considered": ("family_feedback", "seek_feedback"),
}
"""Answers that are looked for under these duties alone."""
OF_AN_ACTION = ("confirmed", "signed_off", "sent_back")


def _never_answered(key: str, duty: DutyRule) -> Iterator[Problem]:
    """A duty whose answer the bot would look for elsewhere."""
    answer = duty.closed_by[0]
    keys = ANSWERED_UNDER.get(answer)
    if keys is not None and key not in keys:
        yield Problem(
            ("duties", key, "closed_by"),
            f"{answer!r} answers only [duties.{'] and [duties.'.join(keys)}]. Take that key, or close it otherwise.",
        )
    if duty.per_action and answer not in OF_AN_ACTION:
        yield Problem(
            ("duties", key, "per_action"),
            f"{answer!r} names no action, so it would close none of these. Close them by one of "
            f"{', '.join(OF_AN_ACTION)}.",
        )


def _never_opened(key: str, duty: DutyRule, can: frozenset[str]) -> Iterator[Problem]:
    ways: list[tuple[Path, tuple[str, ...]]] = [(("duties", key, "opened_by"), duty.opened_by)]
    ways += [(("duties", key, "or_opened", n, "opened_by"), way.opened_by) for n, way in enumerate(duty.or_opened)]
    for path, openers in ways:
        if not _may_happen(openers, can):
            yield Problem(path, f"nothing opens this duty: {_why_never(openers)}")
        elif set(openers) == {"withdrawn"}:
            yield Problem(path, "an audit that is withdrawn is over, so nobody could answer this. Write another event.")
    if {event for _, openers in ways for event in openers} == {duty.closed_by[0]}:
        yield Problem(
            ("duties", key, "opened_by"),
            f"the duty opens only by {duty.closed_by[0]!r}, which is also its answer, so it would ask for what is "
            "done. Write the event that goes before.",
        )


def _never_closed(key: str, duty: DutyRule, can: frozenset[str]) -> Iterator[Problem]:
    answer = duty.closed_by[0]
    path = ("duties", key, "closed_by", 0)
    if answer in FROM_OUTSIDE - {"reassigned"}:
        yield Problem(
            path,
            f"nobody could answer this duty: the first event is the owner's own answer, and {answer!r} only ends it "
            "from outside. Put the answer first.",
        )
    elif answer in KINDS_OF_EVENT - can:
        yield Problem(path, f"nothing closes this duty: {_why_never([answer])}")


def _may_happen(events: Iterable[str], can: frozenset[str]) -> bool:
    """Whether at least one of these events can happen; those that aren't known are named elsewhere."""
    return any(event in can or event not in KINDS_OF_EVENT for event in events)


def _why_never(events: Iterable[str]) -> str:
    wanted = list(events)
    if not wanted:
        return 'it names no event. Write one, as in ["submitted"].'
    if "selected" in wanted:
        return (
            "audits are selected by the draw for moderation, and [moderation] has no draw_at. Add it, or write another "
            "event."
        )
    verbs = sorted(verb for verb in VERBS if set(events_of(verb)) & set(wanted))
    missing = any_of(f"[verbs.{verb}]" for verb in verbs)
    return f"nobody can record {any_of(map(repr, wanted))}; there is no {missing}. Add it, or write another event."


def _needed(framework: Framework) -> Iterator[tuple[Path, str]]:
    """Every event without which something else can't be."""
    for key, verb in framework.verbs.items():
        for term, events in (("needs", verb.needs), ("after", verb.after)):
            yield from ((("verbs", key, term, number), event) for number, event in enumerate(events))
    for path, when in places.conditions(framework):
        yield from (((*path, "done", number), event) for number, event in enumerate(when.done))
    for path, event in places.starts(framework):
        yield path, event


def _places_of_the_whole(framework: Framework) -> Iterator[Problem]:
    """The audit itself: it opens when it is allocated and ends with the grade."""
    audit = framework.duties.get("complete_audit")
    if audit is None:
        yield Problem(
            places.left_out_or(framework, "duties.complete_audit", ("duties",)),
            "complete_audit is missing; its due day is what places an audit in a cycle. Write [duties.complete_audit].",
        )
        return
    if "allocated" not in audit.opened_by:
        yield Problem(
            ("duties", "complete_audit", "opened_by"), 'an audit begins when it is allocated. Write ["allocated"].'
        )
    if audit.closed_by[0] != "submitted":
        yield Problem(
            ("duties", "complete_audit", "closed_by"), 'an audit is complete with its grade. Write "submitted" first.'
        )


def circular_gates(framework: Framework) -> Iterator[Problem]:
    """Verbs and duties that wait, in the end, for themselves."""
    waits = {key: list(_waits(framework, key)) for key in framework.verbs if key in VERBS}
    can = recordable(framework)
    stuck, happened = _stuck(waits, can)
    recorded_by: dict[str, set[str]] = {}
    for verb in stuck:
        for event in events_of(verb):
            recorded_by.setdefault(event, set()).add(verb)
    behind = {
        verb: {
            other for wait in waits[verb] for event in _with_before(wait.events) for other in recorded_by.get(event, ())
        }
        for verb in stuck
    }
    for verb in framework.verbs:
        own = set(events_of(verb))
        for wait in waits.get(verb, ()):
            if verb not in stuck or wait.by_nature or wait.events & happened:
                continue
            if wait.events & own:
                yield Problem(wait.path, _of_itself(wait, verb))
            elif any(
                _leads_to(other, verb, behind)
                for event in _with_before(wait.events)
                for other in recorded_by.get(event, ())
            ):
                yield Problem(
                    wait.path,
                    f"{wait.word!r} can only come after {events_of(verb)[0]!r}, which [verbs.{verb}] records, so "
                    "neither could ever happen. Take one of the two waits out.",
                )
        yield from _waits_for_its_own_duty(framework, verb)
    yield from _duties_in_a_circle(framework)
    for path, event in places.starts(framework):
        if event == framework.duties[str(path[1])].closed_by[0]:
            yield Problem(
                path, f"the due date would run from {event!r}, which is the answer itself. Write an earlier event."
            )


def _waits(framework: Framework, key: str) -> Iterator[_Wait]:
    verb = framework.verbs[key]
    for term, events in (("needs", verb.needs), ("after", verb.after)):
        for number, event in enumerate(events):
            yield _Wait(("verbs", key, term, number), event, frozenset({event}))
    for number, name in enumerate(verb.waits_for):
        duty = framework.duties.get(name)
        answers = frozenset(duty.closed_by) - FROM_OUTSIDE if duty is not None else frozenset()
        if answers and duty is not None and duty.closed_by[0] not in events_of(key):
            yield _Wait(("verbs", key, "waits_for", number), name, answers)
    for event in events_of(key)[:1]:
        before = COMES_AFTER.get(event)
        if before is not None:
            yield _Wait(("verbs", key), before, frozenset({before}), by_nature=True)


def _stuck(waits: dict[str, list[_Wait]], can: frozenset[str]) -> tuple[frozenset[str], set[str]]:
    """The verbs that could never be used, although each event that they wait for has a verb; and what can happen."""
    happened = {event for event in can if event in SYSTEM | {"taken_up"}} - set(COMES_AFTER)
    left = set(waits)
    grown = True
    while grown:
        ready = {verb for verb in left if all(wait.events & happened or not wait.events & can for wait in waits[verb])}
        left -= ready
        happened |= {event for verb in ready for event in events_of(verb)}
        more = {
            event for event, before in COMES_AFTER.items() if before in happened and event in can & SYSTEM
        } - happened
        happened |= more
        grown = bool(ready or more)
    return frozenset(left), happened


def _with_before(events: Iterable[str]) -> set[str]:
    """These events, and those of the system's own that they stand on."""
    found = set(events)
    while more := {COMES_AFTER[event] for event in found if event in COMES_AFTER and event in SYSTEM} - found:
        found |= more
    return found


def _leads_to(start: str, goal: str, behind: dict[str, set[str]]) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        verb = waiting.pop()
        if verb == goal:
            return True
        if verb not in seen:
            seen.add(verb)
            waiting.extend(behind.get(verb, ()))
    return False


def _of_itself(wait: _Wait, verb: str) -> str:
    return (
        f"{wait.word!r} is what [verbs.{verb}] itself records, so it waits for itself and could never be used. "
        "Write an event that goes before, or take it out."
    )


def _waits_for_its_own_duty(framework: Framework, verb: str) -> Iterator[Problem]:
    for number, name in enumerate(framework.verbs[verb].waits_for):
        duty = framework.duties.get(name)
        if duty is not None and duty.closed_by[0] in events_of(verb):
            yield Problem(
                ("verbs", verb, "waits_for", number),
                f"{name!r} is answered by [verbs.{verb}] itself, so it waits for itself and could never be used. Name "
                "another duty, or take it out.",
            )


def _duties_in_a_circle(framework: Framework) -> Iterator[Problem]:
    links = {key: duty.waits_for for key, duty in framework.duties.items()}
    for key in framework.duties:
        if way := circle(key, links):
            words = (
                "it waits for itself, so it could never be closed. Name another duty, or take the wait out."
                if len(way) == 2
                else f"these duties wait for each other ({' for '.join(way)}), so none of them could be closed. Take "
                "one of the waits out."
            )
            yield Problem(("duties", key, "waits_for"), words)


def moderation_in_order(framework: Framework) -> Iterator[Problem]:
    """Whether a draw leads to a duty, and whether what is held back is let go again and heard of."""
    terms = framework.moderation
    moderate = framework.duties.get("moderate")
    openers = {event for way in moderate.or_opened for event in way.opened_by} if moderate else set()
    if moderate is not None:
        openers |= set(moderate.opened_by)
    if terms.draw_at is not None and "selected" not in openers:
        yield Problem(
            ("moderation", "draw_at"),
            "audits are drawn for moderation, but no duty follows. Write [duties.moderate] with "
            'opened_by = ["selected"].',
        )
    if terms.draw_at is None:
        for key in ("share", "ranked", "proficient", "each_grade"):
            if getattr(terms, key):
                yield Problem(("moderation", key), "nothing says when audits are drawn for moderation. Add draw_at.")
    if terms.hold:
        yield from _hold(framework)


def _hold(framework: Framework) -> Iterator[Problem]:
    path = ("moderation", "hold")
    verbs = [f"[verbs.{verb}]" for verb in ("moderate", "discuss", "release") if verb not in framework.verbs]
    if verbs:
        yield Problem(
            path,
            f"what is kept back could never be let go: there is no {' and no '.join(verbs)}. Add it, or write "
            "hold = false.",
        )
    heard = {event for notice in framework.notices.values() for event in notice.on}
    missing = [event for event in ("discussed", "released") if event not in heard]
    if missing:
        yield Problem(
            path,
            f"nobody would hear of what was kept back: no notice goes out on {any_of(map(repr, missing))}. Add a "
            f"notice with on = {list(missing)!r}, or write hold = false.".replace("'", '"'),
        )
