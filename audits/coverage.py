"""What becomes of a rule of the rulebook: the part of the framework that enacts it and the test that proves it, or an
honest word why there is none."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from audits.framework import Framework

WHOLE = ("cycle", "sampling", "moderation", "submission", "grades", "old_scale", "sections", "settings", "themes")
"""Parts of a framework that are named without a key."""
TABLES = {
    "duty": "duties",
    "notice": "notices",
    "verb": "verbs",
    "setting": "settings",
    "limit": "limits",
    "role": "roles",
}


class Covered(BaseModel):
    """One rule. Enacted (`by` parts of the framework, proved by `test`), or `calendar`: a recurring QA activity or
    report that isn't the audit itself, or `not_a_bots` with the reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    says: str
    by: tuple[str, ...] = ()
    test: str = ""
    calendar: str = ""
    not_a_bots: str = ""

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if [bool(self.by), bool(self.calendar), bool(self.not_a_bots)].count(True) != 1 or bool(self.by) != bool(
            self.test
        ):
            raise ValueError("write either by and test, or calendar, or not_a_bots")
        return self

    @property
    def word(self) -> str:
        """How the rule stands, in a word."""
        return "enacted" if self.by else "calendar" if self.calendar else "not a bot's"


def missing_parts(framework: Framework, covered: Covered) -> list[str]:
    """The parts that `by` names and the framework doesn't have."""
    return [part for part in covered.by if not _has(framework, part)]


def _has(framework: Framework, part: str) -> bool:
    kind, _, key = part.partition(" ")
    if not key:
        return part in WHOLE and bool(getattr(framework, part))
    if kind == "section":
        return any(section.key == key for section in framework.sections)
    if kind == "list":
        return key in framework.cycle.notices
    return kind in TABLES and key in getattr(framework, TABLES[kind])
