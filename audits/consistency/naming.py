"""Whether everything that a framework names is there: people, events, grades, duties, settings, verbs, placeholders."""

from collections.abc import Iterable, Iterator, Mapping
from string import Formatter

from audits.consistency import places
from audits.consistency.problem import Path, Problem
from audits.consistency.words import (
    AROUND_A_DUTY,
    AROUND_AN_AUDIT,
    FACTS,
    KINDS_OF_EVENT,
    PLACEHOLDERS,
    PLANS,
    REPORTED,
    TARGETS,
    VERBS,
    any_of,
    instead_of,
    meant,
)
from audits.framework import Condition, Framework
from audits.state import KINDS

MESSAGES = frozenset({"message", "escalation", "alert"})
STEPS = MESSAGES | {"overdue"}


def unknown_names(framework: Framework) -> Iterator[Problem]:
    """Names of people, events, facts, duties and the like that are nowhere, with what was probably meant."""
    yield from _targets(framework)
    yield from _events(framework)
    for path, when in places.conditions(framework):
        yield from _condition(framework, path, when)
    yield from _settings(framework, ("moderation", "when"), framework.moderation.when)
    yield from _duties(framework)
    yield from _kinds_of_message(framework)
    for key, notice in framework.notices.items():
        yield from _placeholders(framework, ("notices", key, "text"), notice.text)
    for key in framework.verbs:
        if key not in VERBS:
            yield Problem(("verbs", key), f"there is no verb {key!r}. {instead_of(key, sorted(VERBS))}")
    yield from _roles_and_plans(framework)


def _targets(framework: Framework) -> Iterator[Problem]:
    known = TARGETS | set(framework.roles)
    advice = f"Write a role of [roles], or {any_of(AROUND_AN_AUDIT)}."
    for path, target in places.told_of_a_duty(framework):
        if target not in known:
            words = meant(target, known).strip() or f"{advice[:-1]}; in a ladder also {any_of(AROUND_A_DUTY)}."
            yield Problem(path, f"nobody is called {target!r}. {words}")
    for where in (places.owners, places.told_of_an_event, places.pressing):
        for path, target in where(framework):
            if target in AROUND_A_DUTY and target not in framework.roles:
                yield Problem(path, f"{target!r} means somebody only in a duty's ladder, nudge_to or tell. {advice}")
            elif target not in known:
                yield Problem(path, f"nobody is called {target!r}. {meant(target, known).strip() or advice}")


def _events(framework: Framework) -> Iterator[Problem]:
    for path, event in places.events(framework):
        if event not in KINDS_OF_EVENT:
            yield Problem(path, f"there is no event {event!r}. {instead_of(event, sorted(KINDS_OF_EVENT))}")


def _condition(framework: Framework, path: Path, when: Condition) -> Iterator[Problem]:
    grades = [grade.key for grade in framework.grades]
    for term in ("grade", "first_grade"):
        yield from _unknown((*path, term), getattr(when, term) or (), grades, "grade")
    yield from _unknown((*path, "kind"), when.kind or (), KINDS, "kind of audit")
    yield from _unknown((*path, "plan"), when.plan or (), PLANS, "plan")
    for term in ("fact", "no_fact"):
        fact = getattr(when, term)
        yield from _unknown((*path, term), (fact,) if fact is not None else (), sorted(FACTS), "fact", listed=False)
    yield from _settings(framework, (*path, "setting"), when.setting)


def _settings(framework: Framework, path: Path, wanted: Mapping[str, str]) -> Iterator[Problem]:
    for name, value in wanted.items():
        setting = framework.settings.get(name)
        place = (*path, name)
        if setting is None:
            yield Problem(
                place,
                f"there is no setting {name!r}. {meant(name, framework.settings)}Write [settings.{name}] with its "
                "choices, or take the condition out.",
            )
        elif value not in setting.choices:
            yield Problem(
                place,
                f"{value!r} is no choice of {name}. {instead_of(value, setting.choices)}",
            )


def _unknown(
    path: Path, words: Iterable[str], known: Iterable[str], what: str, *, listed: bool = True
) -> Iterator[Problem]:
    there_are = list(known)
    for number, word in enumerate(words):
        if word not in there_are:
            place = (*path, number) if listed else path
            yield Problem(
                place,
                f"there is no {what} {word!r}. {instead_of(word, there_are)}",
            )


def _duties(framework: Framework) -> Iterator[Problem]:
    def named(path: Path, name: str, known: Iterable[str]) -> Iterator[Problem]:
        there_are = set(known)
        if name not in there_are:
            yield Problem(
                path,
                f"there is no duty {name!r}. {instead_of(name, sorted(there_are))}",
            )

    duties = framework.duties
    for key, duty in duties.items():
        if duty.waits_for is not None:
            yield from named(("duties", key, "waits_for"), duty.waits_for, duties)
    for key, verb in framework.verbs.items():
        for number, name in enumerate(verb.waits_for):
            yield from named(("verbs", key, "waits_for", number), name, duties)
    for key, notice in framework.notices.items():
        yield from named(("notices", key, "duty"), notice.duty, REPORTED | set(duties))
        if notice.shows is not None:
            yield from named(("notices", key, "shows"), notice.shows, duties)
    for key, sent in framework.cycle.notices.items():
        yield from named(("cycle", "notices", key, "duty"), sent.duty, REPORTED | set(duties))


def _kinds_of_message(framework: Framework) -> Iterator[Problem]:
    said: list[tuple[Path, str, frozenset[str]]] = [
        (("duties", key, "what"), duty.what, MESSAGES) for key, duty in framework.duties.items()
    ]
    said += [(("notices", key, "what"), notice.what, MESSAGES) for key, notice in framework.notices.items()]
    for path, ladder in places.ladders(framework):
        said += [((*path, number, "what"), rung.what, STEPS) for number, rung in enumerate(ladder)]
    for place, what, known in said:
        if what not in known:
            yield Problem(place, f"nothing is sent as {what!r}. {instead_of(what, sorted(known))}")


def _placeholders(framework: Framework, path: Path, text: str) -> Iterator[Problem]:
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError:
        yield Problem(path, "a brace stands alone in it. Write braces in pairs, as in {case}, or leave it out.")
        return
    for name in names:
        if name not in PLACEHOLDERS:
            yield Problem(
                path,
                f"nothing is known to put in the place of {{{name}}}. {instead_of(name, sorted(PLACEHOLDERS))}",
            )
    if "closes" in names and framework.cycle.dispute_closes is None:
        yield Problem(
            path,
            "{closes} is the end of the time for disputes, but [cycle] has no dispute_closes. Add it, or leave "
            "{closes} out.",
        )


def _roles_and_plans(framework: Framework) -> Iterator[Problem]:
    for key, role in framework.roles.items():
        if role.reports_to is not None:
            yield from _role(framework, ("roles", key, "reports_to"), role.reports_to)
        for number, name in enumerate(role.one_of):
            yield from _role(framework, ("roles", key, "one_of", number), name)
        yield from _unknown(("roles", key, "plans"), role.plans, PLANS, "plan")
    for key, limit in framework.limits.items():
        yield from _unknown(("limits", key), (key,) if key not in KINDS else (), KINDS, "kind of audit", listed=False)
        for number, name in enumerate(limit.roles):
            yield from _role(framework, ("limits", key, "roles", number), name)


def _role(framework: Framework, path: Path, name: str) -> Iterator[Problem]:
    if name not in framework.roles:
        yield Problem(
            path,
            f"there is no role {name!r}. {instead_of(name, framework.roles)}",
        )
