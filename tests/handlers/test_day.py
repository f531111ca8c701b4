"""A day alone, as it is typed in an order."""

from datetime import date

import pytest

from handlers.when.day import read_day

WEDNESDAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("10 April", date(2026, 4, 10)),
        ("10th of April", date(2026, 4, 10)),
        ("Fri 10 Apr 2026", date(2026, 4, 10)),
        ("2026-04-10", date(2026, 4, 10)),
        ("10/4", date(2026, 4, 10)),
        ("10/04/2026", date(2026, 4, 10)),
        ("3/12", date(2026, 12, 3)),
        ("today", WEDNESDAY),
        ("tomorrow", date(2026, 4, 2)),
        ("Friday", date(2026, 4, 3)),
        ("Sunday", date(2026, 4, 5)),
        ("4 January", date(2027, 1, 4)),
    ],
)
def test_a_day_is_read_the_british_way_and_lies_ahead(text: str, day: date) -> None:
    assert read_day(text, WEDNESDAY) == day


@pytest.mark.parametrize(
    "text",
    ["", "soon", "31 November", "30/2", "2026-02-30", "next year", "10", "April", "because", "99/99/9999", "x" * 500],
)
def test_what_is_no_day_is_not_guessed(text: str) -> None:
    assert read_day(text, WEDNESDAY) is None
