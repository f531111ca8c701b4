"""Whether a safety alert goes out at once, to somebody, until it is answered; no framework may switch it off."""

from collections.abc import Iterator

from audits.consistency import places
from audits.consistency.problem import Path, Problem
from audits.consistency.roles import held_roles
from audits.consistency.words import AROUND_AN_AUDIT
from audits.framework import Condition, DutyRule, Framework

ALERT = "acknowledge_alert"


def silenced_alerts(framework: Framework) -> Iterator[Problem]:
    """Everything that would keep a safety concern from being raised, sent at once, and sent until somebody has it."""
    yield from _raising(framework)
    duty = framework.duties.get(ALERT)
    if duty is None:
        yield Problem(
            places.left_out_or(framework, f"duties.{ALERT}", ("duties",)),
            f'a safety concern would alert nobody. Write [duties.{ALERT}] with opened_by = ["safety_raised"].',
        )
        return
    path: Path = ("duties", ALERT)
    always = [duty.when] if "safety_raised" in duty.opened_by else []
    always += [way.when for way in duty.or_opened if "safety_raised" in way.opened_by]
    if not always:
        yield Problem((*path, "opened_by"), 'a safety concern would alert nobody. Write opened_by = ["safety_raised"].')
    elif all(when not in (Condition(), Condition(safety=True)) for when in always):
        yield Problem(
            (*path, "when"), "some safety concerns would alert nobody. An alert hangs on no condition: take it out."
        )
    yield from _sending(path, duty)
    held = held_roles(framework)
    if not any(target in AROUND_AN_AUDIT or target in held for target in duty.per_owner or (duty.owner,)):
        yield Problem(
            (*path, "per_owner" if duty.per_owner else "owner"),
            "nobody whom there is would get the alert. Name the roles that answer for the child's safety.",
        )


def _sending(path: Path, duty: DutyRule) -> Iterator[Problem]:
    if duty.what != "alert":
        yield Problem((*path, "what"), f'sent as {duty.what!r} it could wait until morning. Write what = "alert".')
    if duty.silent:
        yield Problem((*path, "silent"), "the alert would not be sent. Take silent out.")
    if duty.keep_while is not None:
        yield Problem((*path, "keep_while"), "the alert could end before anybody has it. Take keep_while out.")
    if duty.lapses:
        yield Problem((*path, "lapses"), "the alert would end before anybody has it. Take lapses out.")
    if duty.repeat is None and duty.ladder == ():
        yield Problem(
            (*path, "ladder"),
            "an alert that nobody answers would go no further. Write repeat = { minutes = 15, times = 96 }.",
        )
    if "acknowledged" not in duty.closed_by:
        yield Problem((*path, "closed_by"), 'an alert ends when somebody has it. Write "acknowledged" first.')


def _raising(framework: Framework) -> Iterator[Problem]:
    verb = framework.verbs.get("safety")
    if verb is None:
        yield Problem(
            places.left_out_or(framework, "verbs.safety", ("verbs",)),
            'nobody could raise a safety concern. Write [verbs.safety] with by = ["auditor"].',
        )
        return
    anywhere = {key for key, role in framework.roles.items() if role.council}
    if "auditor" not in verb.by and not set(framework.auditor_roles) <= anywhere & set(verb.by):
        yield Problem(("verbs", "safety", "by"), 'the auditor could not raise a safety concern. Add "auditor".')
    for gate in ("needs", "waits_for"):
        if set(getattr(verb, gate)) - {"allocated"}:
            yield Problem(("verbs", "safety", gate), f"a safety concern can't wait for anything. Take {gate} out.")
