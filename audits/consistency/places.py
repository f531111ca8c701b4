"""Where the same kind of term stands in a framework: its conditions, targets, events, dates and ladders, with paths."""

from collections.abc import Iterator, Sequence

from audits.consistency.problem import Path
from audits.framework import Condition, DutyRule, Framework, Rung


def conditions(framework: Framework) -> Iterator[tuple[Path, Condition]]:
    """Every condition of duties and notices."""
    for key, duty in framework.duties.items():
        path = ("duties", key)
        yield (*path, "when"), duty.when
        yield from kept_while(key, duty)
        for number, way in enumerate(duty.or_opened):
            yield (*path, "or_opened", number, "when"), way.when
        for number, variant in enumerate(duty.variants):
            yield (*path, "variants", number, "when"), variant.when
    for key, notice in framework.notices.items():
        yield ("notices", key, "when"), notice.when


def kept_while(key: str, duty: DutyRule) -> Iterator[tuple[Path, Condition]]:
    """The conditions one of which must hold for a duty to go on, whether the file has one or a list of them."""
    path = ("duties", key, "keep_while")
    alone = isinstance(duty.keep_while, Condition)
    for number, when in enumerate(duty.kept_while):
        yield path if alone else (*path, number), when


def owners(framework: Framework) -> Iterator[tuple[Path, str]]:
    """Every target that is to have a duty or an audit."""
    for key, duty in framework.duties.items():
        yield ("duties", key, "owner"), duty.owner
        yield from _listed(("duties", key, "per_owner"), duty.per_owner)
        if duty.issue is not None:
            yield ("duties", key, "issue", "to"), duty.issue.to
        for number, variant in enumerate(duty.variants):
            if variant.owner is not None:
                yield ("duties", key, "variants", number, "owner"), variant.owner


def told_of_a_duty(framework: Framework) -> Iterator[tuple[Path, str]]:
    """Every target that hears of a duty which somebody has."""
    for key, duty in framework.duties.items():
        yield from _listed(("duties", key, "tell"), duty.tell)
        yield from _listed(("duties", key, "nudge_to"), duty.nudge_to)
    for path, ladder in ladders(framework):
        for number, rung in enumerate(ladder):
            yield from _listed((*path, number, "to"), rung.to)


def told_of_an_event(framework: Framework) -> Iterator[tuple[Path, str]]:
    """Every target of a notice or a list."""
    for key, notice in framework.notices.items():
        yield from _listed(("notices", key, "to"), notice.to)
    for key, sent in framework.cycle.notices.items():
        yield from _listed(("cycle", "notices", key, "to"), sent.to)


def pressing(framework: Framework) -> Iterator[tuple[Path, str]]:
    """Every target that may use a verb."""
    for key, verb in framework.verbs.items():
        yield from _listed(("verbs", key, "by"), verb.by)


def events(framework: Framework) -> Iterator[tuple[Path, str]]:
    """Every event that is named anywhere."""
    for key, duty in framework.duties.items():
        path = ("duties", key)
        yield from _listed((*path, "opened_by"), duty.opened_by)
        yield from _listed((*path, "closed_by"), duty.closed_by)
        for number, way in enumerate(duty.or_opened):
            yield from _listed((*path, "or_opened", number, "opened_by"), way.opened_by)
    yield from starts(framework)
    for key, notice in framework.notices.items():
        yield from _listed(("notices", key, "on"), notice.on)
    for key, verb in framework.verbs.items():
        yield from _listed(("verbs", key, "after"), verb.after)
        yield from _listed(("verbs", key, "needs"), verb.needs)
    for place, when in conditions(framework):
        yield from _listed((*place, "done"), when.done)
        yield from _listed((*place, "not_done"), when.not_done)


def starts(framework: Framework) -> Iterator[tuple[Path, str]]:
    """Every event that a due date counts from."""
    for key, duty in framework.duties.items():
        if duty.counts_from is not None:
            yield ("duties", key, "counts_from"), duty.counts_from
        for number, variant in enumerate(duty.variants):
            if variant.counts_from is not None:
                yield ("duties", key, "variants", number, "counts_from"), variant.counts_from


def dates(framework: Framework) -> Iterator[tuple[Path, str]]:
    """Every date that is written in the date language."""
    cycle = framework.cycle
    for key in ("issue", "closes", "dispute_closes", "dispute_late"):
        yield from _given(("cycle", key), getattr(cycle, key))
    for key, sent in cycle.notices.items():
        yield ("cycle", "notices", key, "at"), sent.at
    yield from _given(("moderation", "draw_at"), framework.moderation.draw_at)
    for key, duty in framework.duties.items():
        for term in ("due", "late_due", "not_before"):
            yield from _given(("duties", key, term), getattr(duty, term))
        for number, variant in enumerate(duty.variants):
            yield from _given(("duties", key, "variants", number, "due"), variant.due)
    for key, notice in framework.notices.items():
        yield from _given(("notices", key, "no_later_than"), notice.no_later_than)


def ladders(framework: Framework) -> Iterator[tuple[Path, Sequence[Rung]]]:
    """Every ladder, the default one first."""
    yield ("defaults", "ladder"), framework.defaults.ladder
    for key, duty in framework.duties.items():
        if duty.ladder is not None:
            yield ("duties", key, "ladder"), duty.ladder


def left_out_or(framework: Framework, entry: str, otherwise: Path) -> Path:
    """Where an entry is left out on purpose, else where it should be."""
    left_out = framework.about.leave_out
    return ("about", "leave_out", left_out.index(entry)) if entry in left_out else otherwise


def _listed(path: Path, words: Sequence[str]) -> Iterator[tuple[Path, str]]:
    return (((*path, number), word) for number, word in enumerate(words))


def _given(path: Path, words: str | None) -> Iterator[tuple[Path, str]]:
    if words is not None:
        yield path, words
