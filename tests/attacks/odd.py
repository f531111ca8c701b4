"""JSON as nobody's client writes it, out of JSON as it does: other types, depths, sizes and characters in any place."""

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "\ud800",
            "a\udc00b",
            "\x00",
            "\u202e\u2066",
            "1",
            "2",
            "-1",
            "1:1",
            "1:" + "9" * 40,
            "²",
            "٣",
            "9" * 400,
            "' OR 1=1 --",
            "<script>alert(1)</script>",
            "{{7*7}}${7*7}",
            "../../../etc/passwd",
            '=HYPERLINK("http://192.0.2.1")',
            "x" * 40_000,
            "é" * 5_000,
            "https://192.0.2.1/x",
            "null",
            "[]",
            "{}",
            '{"verb": 1}',
            '{"verb": "accept", "subject": "\\ud800"}',
        ]
    ),
)
NUMBERS = st.sampled_from(
    [0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 1.5, 1e308, float("nan"), float("inf"), -0.0]
)


def _deep(levels: int) -> Any:
    found: Any = "x"
    for level in range(levels):
        found = {"a": found} if level % 2 else [found]
    return found


LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=4),
    st.dictionaries(TEXTS.filter(lambda text: len(text) < 400), LEAVES, max_size=4),
    st.sampled_from([50, 150, 400]).map(_deep),
    st.just([{}] * 300),
    st.just({f"input_{number}": "x" for number in range(300)}),
)


def places(told: Any, before: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to everything in some JSON."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(told, dict):
        inside = list(told.items())
    elif isinstance(told, list):
        inside = list(enumerate(told))
    return [found for key, one in inside for found in ((*before, key), *places(one, (*before, key)))]


@st.composite
def altered(draw: st.DrawFn, told: Any) -> Any:
    """The same JSON with one to three things in it taken out, doubled or replaced."""
    told = copy.deepcopy(told)
    for _ in range(draw(st.integers(1, 3))):
        ways = places(told)
        if not ways:
            break
        way = draw(st.sampled_from(ways))
        within = told
        for key in way[:-1]:
            within = within[key]
        what = draw(st.sampled_from(["out", "other", "other", "other", "inside"]))
        if what == "out":
            del within[way[-1]]
        elif what == "inside":
            within[way[-1]] = draw(st.sampled_from([[within[way[-1]]], {"value": within[way[-1]]}]))
        else:
            within[way[-1]] = copy.deepcopy(draw(VALUES))
    return told


WRITTEN: tuple[Callable[[Any], str], ...] = (
    json.dumps,
    # Every key twice, the second time with nothing: which of them counts is the reader's choice.
    lambda told: json.dumps(told)[:-1] + "".join(f", {json.dumps(key)}: null" for key in told) + "}",
    lambda told: json.dumps(told)[:-1] + ', "more": ' + "[" * 100_000 + "]" * 100_000 + "}",
    lambda told: json.dumps(told) + "\n{}",
    lambda told: "\ufeff" + json.dumps(told),
    lambda told: json.dumps(told)[:-7],
)
"""Ways to write it down: rightly (first), or as no writer should."""
