"""Faults that a user can mend, said in plain words on standard error, without a stack of code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Turn known faults into sentences and exit code 1; leave the others as they are."""
    try:
        yield
    except Exception as fault:
        words = _words(fault)
        if words is None:
            raise
        print(words, file=sys.stderr)
        raise SystemExit(1) from None


def _words(fault: Exception) -> str | None:
    from audits.dates import DateRuleError
    from audits.reading import FrameworkError
    from bot.rehearsal.script import RehearsalError
    from bot.settings import SettingsError
    from storage.imports.rejected import ImportRejected

    if isinstance(fault, ImportRejected):
        return f"Nothing was imported.\n{fault}"
    if isinstance(fault, (DateRuleError, FrameworkError, RehearsalError, SettingsError)):
        return str(fault)
    if isinstance(fault, UserFault):
        return str(fault)
    return None


class UserFault(Exception):
    """Something that the user can mend; its text says how."""
