"""What is worth a look in a framework that can be used as it stands."""

from collections.abc import Iterator
from datetime import date

from audits.consistency import places
from audits.consistency.problem import Problem
from audits.dates import day_words
from audits.framework import Framework


def out_of_date(framework: Framework, today: date) -> Iterator[Problem]:
    """A review date that has gone by; the framework still starts."""
    day = framework.about.review_by
    if day is not None and day < today:
        yield Problem(
            ("about", "review_by"),
            f"the review date, {day_words(day)}, has gone by. Ask whether these rules still stand, and write the next "
            "review date once they were reviewed.",
        )


def unused_roles(framework: Framework) -> Iterator[Problem]:
    """Roles that nothing leads to: they have no duty, hear of nothing, answer nothing, and nobody reports to them."""
    wheres = (places.owners, places.told_of_a_duty, places.told_of_an_event, places.pressing)
    named = {target for where in wheres for _, target in where(framework)}
    for role in framework.roles.values():
        named |= {role.reports_to or "", *role.one_of}
    for key, role in framework.roles.items():
        if key not in named and not (role.audits or role.cases or role.qa or role.one_of):
            yield Problem(
                ("roles", key),
                "nothing in this file leads to this role: it has no duty, is told nothing and may do nothing. Name it "
                "where it belongs, unless it stands here only so that people can have it.",
            )


def endless_duties(framework: Framework) -> Iterator[Problem]:
    """Duties that go on when the audit is withdrawn."""
    for key, duty in framework.duties.items():
        if "withdrawn" not in duty.closed_by:
            yield Problem(
                ("duties", key, "closed_by"), 'this goes on after an audit is withdrawn. Add "withdrawn" at the end.'
            )
