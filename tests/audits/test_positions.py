"""Every key and table of a framework's file is found on its own line, however TOML lets it be written."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audits.frameworks import shipped
from audits.positions import Positions
from audits.reading import FrameworkError, parse_framework

Loc = tuple[str | int, ...]

WRITTEN_EVERY_WAY = """\
# [about] is not on this line.
title = "Small"

[about]   # who we are
name.short = "small"
name."in full" = '''
[grades]
key = "not a key"
'''
"caf\\u00e9" = 1

[defaults]
nudge = [ # before the due date
    "-5wd",

    # [[grades]]
    "-2wd", "-1wd",
] # and no more
repeat = { minutes = 15, at.most = 96 } # once a day after that
ladder = [
    { at = "0d", to = ["owner"] },
    { at = "+2wd", to = [
        "owner.manager",
        "hos",
    ] },
]

[[grades]]
key = "good"

[grades.words]
short = "g"

[[grades]]
key = "poor"
[[grades.examples]]
text = "late"
[[grades.examples]]
text = "thin"

[duties.accept.when]
grade = ["poor"]

[duties.accept]
due = "within 3 days"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("about",), 4),
        (("about", "name"), 5),
        (("about", "name", "short"), 5),
        (("about", "name", "in full"), 6),
        (("about", "café"), 10),
        (("defaults", "nudge"), 13),
        (("defaults", "nudge", 0), 14),
        (("defaults", "nudge", 1), 17),
        (("defaults", "nudge", 2), 17),
        (("defaults", "repeat", "minutes"), 19),
        (("defaults", "repeat", "at", "most"), 19),
        (("defaults", "ladder"), 20),
        (("defaults", "ladder", 0, "at"), 21),
        (("defaults", "ladder", 1), 22),
        (("defaults", "ladder", 1, "to", 0), 23),
        (("defaults", "ladder", 1, "to", 1), 24),
        (("grades",), 28),
        (("grades", 0, "key"), 29),
        (("grades", 0, "words"), 31),
        (("grades", 0, "words", "short"), 32),
        (("grades", 1), 34),
        (("grades", 1, "key"), 35),
        (("grades", 1, "examples", 0, "text"), 37),
        (("grades", 1, "examples", 1), 38),
        (("grades", 1, "examples", 1, "text"), 39),
        (("duties",), 41),
        (("duties", "accept", "when", "grade", 0), 42),
        (("duties", "accept"), 44),
        (("duties", "accept", "due"), 45),
    ],
)
def test_each_way_of_writing_a_key_leads_to_its_own_line(path: Loc, line: int) -> None:
    assert Positions.of(WRITTEN_EVERY_WAY).line(path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("duties", "accept", "owner"), 44),
        (("duties", "oversee", "due"), 41),
        (("grades", 1, "label"), 34),
        (("grades", 7, "key"), 28),
        (("defaults", "ladder", 1, "what"), 22),
        (("defaults", "nudge", 0, "function-after[check(), str]"), 14),
        (("title", "at"), 2),
        (("cycle", "issue"), 1),
        ((), 1),
    ],
)
def test_what_is_missing_leads_to_the_nearest_thing_above_it(path: Loc, line: int) -> None:
    assert Positions.of(WRITTEN_EVERY_WAY).line(path) == line


def test_lines_are_counted_alike_whatever_ends_them() -> None:
    windows = Positions.of(WRITTEN_EVERY_WAY.replace("\n", "\r\n"))
    assert windows.line(("about", "café")) == 10
    assert windows.line(("grades", 1, "examples", 1, "text")) == 39


def test_a_line_is_what_an_editor_calls_one() -> None:
    # str.splitlines would begin a line after each of these; TOML and editors don't.
    assert Positions.of('title = "a\u2028b\u0085c" # \u2029\nname = 1').line(("name",)) == 2


def test_an_empty_file_has_one_line() -> None:
    assert Positions.of("").line(("about", "name")) == 1


def _paths(value: object, path: Loc = ()) -> Iterator[Loc]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, (*path, index))


@pytest.mark.parametrize("name", shipped())
def test_every_key_of_a_shipped_framework_is_found_on_a_line_that_has_it(name: str) -> None:
    text = files("audits.frameworks").joinpath(f"{name}.toml").read_text("utf-8")
    lines, positions = text.split("\n"), Positions.of(text)
    raw = tomllib.loads(text)
    for path in _paths(raw):
        line = lines[positions.line(path) - 1]
        if isinstance(path[-1], str):
            assert re.search(rf"(?<![\w-]){re.escape(path[-1])}(?![\w-])", line), path
    for index, grade in enumerate(raw.get("grades", [])):
        assert lines[positions.line(("grades", index, "label")) - 1] == f'label = "{grade["label"]}"'


def test_a_mistake_that_pydantic_finds_is_led_back_to_its_line() -> None:
    text = files("audits.frameworks").joinpath("southampton.toml").read_text("utf-8")
    before, header, variants = text.partition("[[duties.remedial_action.variants]]\n")
    variants = variants.replace('due = "within 4 weeks"', "due = 4", 1)  # stands in the second variant
    wrong = before + header + variants
    with pytest.raises(FrameworkError) as refused:
        parse_framework(wrong, "mine.toml")
    [mistake] = refused.value.problems
    line = wrong.split("\n").index("due = 4") + 1
    assert mistake.startswith(f"mine.toml, line {line}: [duties.remedial_action] variants.due: ")


# Keys and texts that could be taken for something else.
KEYS = st.one_of(
    st.sampled_from(("at", "to", "7", "2026-04-02", "true", "a.b", "[at]", "# at", 'say "at"', "it's", "", "né")),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=3),
)
WORDS = st.sampled_from(
    ("", "0d", "[at]", '"', "# to", "]", "}\\", "é", "two\nlines", "\n[at]\nto = 1\n\n", "\n[[to]]")
)
INLINE = st.recursive(
    st.one_of(WORDS, st.booleans(), st.integers(-9, 99)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
TABLES = st.recursive(
    st.dictionaries(KEYS, INLINE, max_size=3),
    lambda inner: st.dictionaries(KEYS, st.one_of(INLINE, inner, st.lists(inner, min_size=1, max_size=3)), max_size=3),
    max_leaves=8,
)


@dataclass
class Scribe:
    """Writes tables as TOML in any of the ways there are, and notes the line of everything as it is written."""

    choose: st.DrawFn
    text: str = ""
    lines: dict[Loc, int] = field(default_factory=dict)

    def either(self) -> bool:
        return self.choose(st.booleans())

    def write(self, *choices: str) -> None:
        self.text += self.choose(st.sampled_from(choices))

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def keys(self, path: Loc, start: int = 0) -> None:
        """The names of a path from one on, with their line for all of them that have none yet."""
        first = True
        for length, key in enumerate(path, start=1):
            self.lines.setdefault(path[:length], self.line)
            if length > start and isinstance(key, str):
                if not first:
                    self.write(".", " . ")
                quoted = json.dumps(key, ensure_ascii=False)
                bare = [key] if re.fullmatch(r"[A-Za-z0-9_-]+", key) else []
                literal = [f"'{key}'"] if "'" not in key else []
                self.write(quoted, *bare, *literal)
                first = False

    def pair(self, path: Loc, value: Any, start: int) -> None:
        while isinstance(value, dict) and len(value) == 1 and self.either():
            [(key, value)] = value.items()
            path = (*path, key)
        self.keys(path, start)
        self.write(" = ", "=")
        self.value(path, value)

    def value(self, path: Loc, value: Any) -> None:
        if isinstance(value, dict):
            self.write("{", "{ ")
            for index, (key, inner) in enumerate(value.items()):
                self.text += ", " if index else ""
                self.pair((*path, key), inner, len(path))
            self.write("}", " }")
        elif isinstance(value, list):
            self.text += "["
            for index, inner in enumerate(value):
                self.gap()
                self.lines[(*path, index)] = self.line
                self.value((*path, index), inner)
                self.gap()
                self.text += "," if index < len(value) - 1 or self.either() else ""
            self.gap()
            self.text += "]"
        elif isinstance(value, str) and not set(value) & {'"', "\\"} and self.either():
            self.text += f'"""\n{value}"""'
        else:
            self.text += json.dumps(value, ensure_ascii=False)

    def gap(self) -> None:
        self.write("", " ", "\n", "\n\n  ", " # [at]\n")

    def end(self) -> None:
        self.write("\n", " # at = [\n", "\n\n", "\n# [[to]]\n")

    def header(self, path: Loc, opening: str, closing: str) -> int:
        """Returns the header's line."""
        self.text += opening
        self.keys(path)
        self.text += closing
        line = self.line
        self.end()
        return line

    def table(self, path: Loc, table: dict[str, Any], *, headed: bool = True) -> None:
        """All of a table. Where its header isn't written yet, it comes first, or after those below it, or never."""
        below = {
            key: inner
            for key, inner in table.items()
            if (isinstance(inner, dict) or _is_array_of_tables(inner)) and self.either()
        }
        pairs = {key: inner for key, inner in table.items() if key not in below}
        late = not headed and bool(below) and self.either()
        if not late:
            self.body(path, pairs, headed=headed)
        for key, inner in below.items():
            here = (*path, key)
            if isinstance(inner, dict):
                self.table(here, inner, headed=False)
                continue
            for index, row in enumerate(inner):
                self.lines[(*here, index)] = self.header(here, "[[", "]]")
                self.table((*here, index), row)
        if late and (pairs or self.either()):
            self.body(path, pairs, headed=headed)

    def body(self, path: Loc, pairs: dict[str, Any], *, headed: bool) -> None:
        if not headed:
            self.lines[path] = self.header(path, "[", "]")
        for key, value in pairs.items():
            here = (*path, key)
            if isinstance(value, dict) and value and self.either():
                for inner_key, inner in value.items():
                    self.pair((*here, inner_key), inner, len(path))
                    self.end()
            else:
                self.pair(here, value, len(path))
                self.end()


def _is_array_of_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


@st.composite
def documents(choose: st.DrawFn) -> tuple[dict[str, Any], Scribe]:
    tables = choose(TABLES)
    scribe = Scribe(choose)
    scribe.table((), tables)
    return tables, scribe


@given(documents())
def test_everything_is_found_on_the_line_it_was_written_on(document: tuple[dict[str, Any], Scribe]) -> None:
    tables, scribe = document
    assert tomllib.loads(scribe.text) == tables  # what was written is the document that was meant
    positions = Positions.of(scribe.text)
    assert {path: positions.line(path) for path in _paths(tables)} == scribe.lines
    assert {path: positions.line((*path, "no such key")) for path in scribe.lines} == scribe.lines


SCRAPS = st.sampled_from(
    ("[", "]", "[[", "]]", "a", "b", ".", "=", "1", '"', "'", '"""', "{", "}", ",", "#", "\\", "\n")
)


@given(st.lists(SCRAPS, max_size=14).map("".join))
@example("[=a]\nb=1")
@example("[[#a\nb]]\na=1")
@example("[a]\n[[a]]\n[a.b]\na=1")
def test_a_file_that_is_not_toml_still_has_lines(text: str) -> None:
    positions = Positions.of(text)
    assert positions.line(()) == 1
    for path in (("a",), ("a", 0), ("a", "b"), ("a", 0, "b", "a"), ("", "b")):
        assert 1 <= positions.line(path) <= text.count("\n") + 1
