"""Themes: exercises that look at one subject, each with terms of reference that are signed off before it begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audits.framework import ThemeRule


@dataclass(frozen=True)
class Theme:
    """A theme and how far it has come. Moments are in UTC.

    `terms` are the terms of reference by what was asked. `begun_at` is when its first case was allocated: the year in
    which it counts. `version` changes with every change of the theme.
    """

    id: int
    title: str
    terms: Mapping[str, str]
    proposed_by: int
    proposed_at: datetime
    signed_off_by: str
    recorded_by: int | None
    recorded_at: datetime | None
    begun_at: datetime | None
    version: int

    @property
    def signed_off(self) -> bool:
        return self.recorded_at is not None


def unwritten(rule: ThemeRule, theme: Theme) -> tuple[str, ...]:
    """What the framework asks for and the terms of reference don't say."""
    return tuple(ask for ask in rule.asks if not theme.terms.get(ask, "").strip())


def missing(rule: ThemeRule, theme: Theme) -> tuple[str, ...]:
    """What a theme needs before it may begin; nothing once it is signed off, whatever the framework asks later on."""
    if theme.signed_off:
        return ()
    return (*unwritten(rule, theme), f"the sign-off of the {rule.signed_off_by}")
