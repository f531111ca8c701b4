"""Reading a framework's file: what it builds on, a council's own settings, and errors that name file, line and key."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from audits.consistency import Path, Problem, problems_of, warnings_of
from audits.consistency.problem import heading_size
from audits.consistency.shape import troubles_with_shape
from audits.consistency.syntax import trouble_with_syntax
from audits.consistency.words import instead_of, meant
from audits.framework import Framework

LARGEST = 500_000
"""Characters in a framework's file; those that come with auditloop have about forty thousand."""
MOST_TABLES = 2_000
LOCAL_TERMS = ("due", "late_due", "nudge", "remind_after", "ladder", "repeat", "follow_up")
"""What a council may set of a duty; the first two only where the framework's text leaves them open."""


class FrameworkError(ValueError):
    """A framework that can't be used. `problems` are whole sentences, each naming the place."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


def parse_framework(text: str, file: str) -> Framework:
    """Read a framework. Raises FrameworkError naming file, line, table and key of every mistake."""
    framework, faults, _ = _read(text, file)
    if framework is None or faults:
        raise FrameworkError(faults)
    return framework


def check_framework(text: str, file: str, today: date) -> tuple[Framework, list[str]]:
    """A framework that can be used, and what somebody should look at in it on this day.

    Raises FrameworkError naming every mistake, and after them what else is worth a look.
    """
    framework, faults, source = _read(text, file)
    notes = source.placed(warnings_of(framework, today), "please note: ") if framework is not None else []
    if framework is None or faults:
        raise FrameworkError([*faults, *notes])
    return framework, notes


@dataclass(frozen=True)
class _Source:
    """A file as it was written, and what it builds on, to say on which line a fault lies."""

    file: str
    text: str
    own: Mapping[str, Any]
    ground: Mapping[str, Any]

    def placed(self, problems: Iterable[Problem], what: str = "") -> list[str]:
        """The problems as sentences with file and line, in the order of the file, each once."""
        problems = list(problems)
        if not problems:
            return []
        from audits.positions import Positions

        positions = Positions.of(self.text)
        found: list[tuple[int, str]] = []
        for problem in problems:
            inherited = _inherited(self.own, self.ground, problem.path)
            elsewhere = inherited and not _inside(self.own, problem.path[: heading_size(problem.path)])
            line = positions.line(("about", "builds_on") if elsewhere else problem.path)
            words = f"{self.file}, line {line}: {what}{problem.words}"
            if inherited:
                ground = self.own["about"]["builds_on"]
                words += f" This stands in {ground}, on which the file builds: write your own, or name it in leave_out."
            found.append((line, words))
        return list(dict.fromkeys(words for _, words in sorted(found, key=lambda one: one[0])))


def _read(text: str, file: str) -> tuple[Framework | None, list[str], _Source]:
    """The framework, if its tables are whole, with every fault as a sentence."""
    text = text.removeprefix("\ufeff")
    unread = _Source(file, text, {}, {})
    if len(text) > LARGEST:
        return None, [f"{file}: this is longer than {LARGEST:,} characters. Is it a framework's file?"], unread
    try:
        own = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, words = trouble_with_syntax(error, text)
        return None, [f"{file}, line {line}: {words}"], unread
    except RecursionError:
        fault = f"{file}: lists or tables stand too deeply in one another. Write them one after another."
        return None, [fault], unread
    except ValueError:
        return None, [f"{file}: a number is too long to be one. Write it shorter, or put text in quotes."], unread
    if _tables(own) > MOST_TABLES:
        return None, [f"{file}: there are more than {MOST_TABLES:,} tables. Is it a framework's file?"], unread
    ground, problems = _ground(own)
    source = _Source(file, text, own, ground)
    framework: Framework | None = None
    if problems and not ground:
        return None, source.placed(problems), source
    try:
        framework = Framework.model_validate(_over(ground, own))
    except ValidationError as error:
        problems += troubles_with_shape(error)
    else:
        problems += problems_of(framework)
    return framework, source.placed(problems), source


def _tables(within: object) -> int:
    """How many tables there are, in one another and in lists."""
    found, waiting = 0, [within]
    while waiting:
        inside = waiting.pop()
        found += isinstance(inside, dict)
        if isinstance(inside, (dict, list)):
            waiting.extend(inside.values() if isinstance(inside, dict) else inside)
    return found


def _ground(own: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """What a framework builds on, without the entries that it leaves out; empty where it builds on nothing."""
    about = own.get("about")
    name = about.get("builds_on") if isinstance(about, dict) else None
    if not isinstance(about, dict) or not isinstance(name, str):
        return {}, []
    there_are = {entry.name.removesuffix(".toml"): entry for entry in files("audits").joinpath("ground").iterdir()}
    if name not in there_are:
        fault = f"there is nothing called {name!r} to build on. {instead_of(name, sorted(there_are))}"
        return {}, [Problem(("about", "builds_on"), fault)]
    ground = tomllib.loads(there_are[name].read_text("utf-8"))
    entries = [f"{table}.{key}" for table, inside in ground.items() if isinstance(inside, dict) for key in inside]
    left_out = about.get("leave_out", ())
    problems = [
        Problem(
            ("about", "leave_out", number),
            f"there is no {place!r} in {name} to leave out. {meant(str(place), entries)}Write it like duties.dispute.",
        )
        for number, place in enumerate(left_out if isinstance(left_out, list) else ())
        if not _left_out(ground, str(place).split("."))
    ]
    return ground, problems


def _inherited(own: Any, ground: Any, path: Path) -> bool:
    """Whether a file has a term only from what it builds on; its own lists stand in the place of those below."""
    for key in path:
        if not isinstance(own, Mapping) or not isinstance(ground, Mapping):
            return False
        if key not in own:
            return key in ground
        own, ground = own[key], ground.get(key)
    return False


def _inside(table: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(table, Mapping) or key not in table:
            return False
        table = table[key]
    return True


def _left_out(base: dict[str, Any], path: Sequence[str]) -> bool:
    table: Any = base
    for part in path[:-1]:
        table = table.get(part) if isinstance(table, dict) else None
    return isinstance(table, dict) and table.pop(path[-1], None) is not None


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(base)
    for key, value in own.items():
        below = joined.get(key)
        joined[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    if "due" in own and "local" not in own and "local" in base:
        # A due day of its own is what the framework says, unless it calls it local itself.
        joined["local"] = [term for term in base["local"] if term != "due"]
    return joined


def with_settings(
    framework: Framework, overrides: Mapping[str, Any], file: str = "settings", *, decided: bool = False
) -> Framework:
    """The framework with LOCAL terms replaced, by duty (`{oversee: {nudge: ["-1wd"]}}`), or a switch by its name.

    A switch is a word, or a table with `value`, `decided_by` and `decided_on`; a switch of a duty may stand under the
    duty's name (`{reaudit: {ri: "off"}}` for `reaudit_ri`). `decided`: whether a switch that departs from what the
    rules state must say who decided that, and when.
    Raises FrameworkError for a duty, term or choice that isn't there, or a term that the framework's own text fixes.
    """
    raw = framework.model_dump(mode="python", exclude_unset=True)
    problems: list[str] = []
    for name, value in overrides.items():
        if name in framework.settings:
            raw["settings"][name] |= value if isinstance(value, Mapping) else {"value": _word(value)}
        elif name in framework.duties and isinstance(value, Mapping):
            for term, terms in value.items():
                if f"{name}_{term}" in framework.settings:
                    raw["settings"][f"{name}_{term}"]["value"] = _word(terms)
                elif (fault := _fixed(framework, name, term)) is not None:
                    problems.append(f"{file}: {fault}")
                else:
                    raw["duties"][name][term] = terms
        else:
            names = ", ".join([*framework.settings, *framework.duties])
            problems.append(f"{file}: there is no duty or switch {name!r} here. There are: {names}.")
    if problems:
        raise FrameworkError(problems)
    try:
        changed = Framework.model_validate(raw)
    except ValidationError as error:
        raise FrameworkError([f"{file}: {one.words}" for one in troubles_with_shape(error)]) from error
    if faults := problems_of(changed, decided=decided):
        raise FrameworkError([f"{file}: {one.words}" for one in faults])
    return changed


def _word(value: object) -> str:
    """A switch as the framework writes it; YAML and TOML read on and off as true and false."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _fixed(framework: Framework, name: str, term: str) -> str | None:
    rule = framework.duties[name]
    if term in ("due", "late_due") and term not in rule.local:
        return f"{name}.{term} is the framework's own text ({rule.place}), not a local setting."
    if term not in LOCAL_TERMS:
        return f"{name}.{term} can't be set. Local terms are due, nudge, ladder and repeat."
    return None
