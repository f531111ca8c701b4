"""Whether the parts of a framework fit together: every fault with its place, and what to write instead.

Each module has one subject. They look at a framework whose tables are whole; `shape` words what is wrong before that.
"""

from datetime import date

from audits.consistency.advice import endless_duties, out_of_date, unused_roles
from audits.consistency.alerts import silenced_alerts
from audits.consistency.choices import (
    never_true,
    troubles_with_moderation,
    troubles_with_scales,
    troubles_with_settings,
)
from audits.consistency.naming import unknown_names
from audits.consistency.order import circular_gates, moderation_in_order, never_happening
from audits.consistency.problem import Path, Problem
from audits.consistency.roles import troubles_with_roles, troubles_with_verbs
from audits.consistency.texts import troubles_with_texts
from audits.consistency.timing import (
    missed_long_stops,
    troubles_with_dates,
    troubles_with_steps,
    troubles_with_the_cycle,
)
from audits.framework import Framework

__all__ = ["Path", "Problem", "problems_of", "warnings_of"]


def problems_of(framework: Framework, *, decided: bool = True) -> list[Problem]:
    """Every fault for which a framework whose tables are whole can't be used.

    `decided` asks who decided on a setting that departs from the rules; a rehearsal, which only tries things out,
    doesn't.
    """
    return [
        *unknown_names(framework),
        *troubles_with_texts(framework),
        *troubles_with_roles(framework),
        *troubles_with_verbs(framework),
        *troubles_with_settings(framework, decided=decided),
        *troubles_with_scales(framework),
        *troubles_with_moderation(framework),
        *never_true(framework),
        *never_happening(framework),
        *circular_gates(framework),
        *moderation_in_order(framework),
        *troubles_with_dates(framework),
        *troubles_with_steps(framework),
        *troubles_with_the_cycle(framework),
        *missed_long_stops(framework),
        *silenced_alerts(framework),
    ]


def warnings_of(framework: Framework, today: date) -> list[Problem]:
    """What somebody should look at on this day, although the framework can be used."""
    return [*out_of_date(framework, today), *unused_roles(framework), *endless_duties(framework)]
