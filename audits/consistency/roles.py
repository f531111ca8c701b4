"""Whether every role can be held, leads upwards without a circle, and lets somebody use every verb."""

from collections.abc import Iterator, Mapping

from audits.consistency import places
from audits.consistency.problem import Path, Problem
from audits.consistency.words import AROUND_AN_AUDIT, VERBS, events_of
from audits.framework import Framework

NEEDED = {
    "audits": "so nobody could be allocated an audit. Add it to the roles that audit",
    "qa": "so nobody could hear of vacancies and declined allocations. Add it to the QA officers' role",
    "cases": "so nobody's case could be audited. Add it to the role that holds cases",
}


def troubles_with_roles(framework: Framework) -> Iterator[Problem]:
    """Roles that are missing, that nobody could hold, that report in a circle or go by the same name as another."""
    for flag, so in NEEDED.items():
        if not any(getattr(role, flag) for role in framework.roles.values()):
            yield Problem(("roles",), f"no role has {flag} = true, {so}.")
    yield from _circles(framework)
    yield from _unheld(framework)
    yield from _same_name(framework)


def troubles_with_verbs(framework: Framework) -> Iterator[Problem]:
    """Verbs that nobody could use."""
    held = held_roles(framework)
    answering = {
        duty.closed_by[0]
        for duty in framework.duties.values()
        if _has_owner(framework, duty.per_owner or (duty.owner,))
    }
    for key, verb in framework.verbs.items():
        if key not in VERBS or answering & set(events_of(key)):
            continue
        if not any(target in AROUND_AN_AUDIT or target in held or target not in framework.roles for target in verb.by):
            yield Problem(
                ("verbs", key, "by"),
                "nobody could ever do this: there is no role here that anybody holds, and no duty that it answers. "
                'Write a role of [roles] that people hold, as in by = ["auditor"].',
            )


def held_roles(framework: Framework) -> frozenset[str]:
    """The roles that somebody can hold: job titles, and those that are taken in turn by people with such a title."""
    titles = {key for key, role in framework.roles.items() if "one_of" not in role.model_fields_set}
    in_turn = {
        key
        for key, role in framework.roles.items()
        if key not in titles and any(name in titles for name in role.one_of)
    }
    return frozenset(titles | in_turn)


def circle(start: str, links: Mapping[str, str | None]) -> list[str]:
    """The way from a name along the links back to itself; empty where it doesn't lead back."""
    way = [start]
    while (following := links.get(way[-1])) is not None and following not in way[1:]:
        way.append(following)
        if following == start:
            return way
    return []


def _has_owner(framework: Framework, targets: tuple[str, ...]) -> bool:
    held = held_roles(framework)
    return any(target in AROUND_AN_AUDIT or target in held for target in targets)


def _circles(framework: Framework) -> Iterator[Problem]:
    links = {key: role.reports_to for key, role in framework.roles.items()}
    for key in framework.roles:
        if way := circle(key, links):
            words = "it reports to itself" if len(way) == 2 else f"the roles report in a circle ({' to '.join(way)})"
            yield Problem(
                ("roles", key, "reports_to"),
                f"{words}, so nobody stands at the top. Write who it really reports to; the role at the top has no "
                "such line.",
            )


def _unheld(framework: Framework) -> Iterator[Problem]:
    held = held_roles(framework)
    asked = {target for where in (places.owners, places.told_of_a_duty) for _, target in where(framework)}
    for key, role in framework.roles.items():
        if key in held or not set(role.one_of) <= set(framework.roles):
            continue
        then = ", and it is asked for" if key in asked else ""
        if not role.one_of:
            yield Problem(
                ("roles", key, "one_of"),
                f"nobody can take this role in turn{then}: the list is empty. Name the roles whose people take it, or "
                "take the line out where it is a job title.",
            )
        else:
            yield Problem(
                ("roles", key, "one_of"),
                f"nobody can take this role{then}: those named are nobody's job title either. Name roles that people "
                "hold.",
            )


def _same_name(framework: Framework) -> Iterator[Problem]:
    """One word must mean one role when people are imported; a role may repeat its own."""
    taken = {key.casefold(): key for key in framework.roles}
    names: list[tuple[Path, str]] = [(("roles", key, "label"), role.label) for key, role in framework.roles.items()]
    for key, role in framework.roles.items():
        names += [(("roles", key, "aliases", number), alias) for number, alias in enumerate(role.aliases)]
    for path, name in names:
        key = str(path[1])
        other = taken.setdefault(name.strip().casefold(), key)
        if other != key:
            yield Problem(
                path,
                f"{name!r} means the role {other} already, so people would get the wrong one. Write another name, or "
                "take it out.",
            )
