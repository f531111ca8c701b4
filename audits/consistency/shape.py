"""Plain English for the shape of a file: keys that are missing or unknown, and values of another kind."""

from collections.abc import Iterable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from audits.consistency.problem import Path, Problem
from audits.consistency.words import any_of, meant
from audits.dates import DateRuleError
from audits.framework import Framework


def troubles_with_shape(error: ValidationError) -> list[Problem]:
    """Every fault that kept a file from being read as a framework. A misspelt key isn't reported as missing as well."""
    details = _sorted_out(error.errors(include_url=False))
    missing = {path for path, detail in details if detail["type"] == "missing"}
    problems = []
    needless: set[Path] = set()
    for path, detail in details:
        if detail["type"] == "extra_forbidden":
            fault, instead = _unknown(path, missing)
            needless |= instead
        else:
            fault = _words(path, detail)
        if detail["type"] == "too_short" and any(_within(path, other) for other, _ in details):
            # An entry at fault doesn't count, so the list seems too short as well, which isn't for the reader to mend.
            needless.add(path)
        problems.append(Problem(path, fault))
    return [problem for problem in problems if problem.path not in needless]


def _sorted_out(details: Iterable[ErrorDetails]) -> list[tuple[Path, ErrorDetails]]:
    """The errors with the paths of the file. Where a term may be of two kinds, only those of the kind that it is."""
    traced = [(*_traced(tuple(detail["loc"])), detail) for detail in details]
    found: list[tuple[Path, ErrorDetails]] = []
    for path, of_another_kind, detail in traced:
        better = any(_within(path, other) for other, _, _ in traced) or any(path == other for other, _ in found)
        if not (of_another_kind and better):
            found.append((path, detail))
    return found


def _within(path: Path, other: Path) -> bool:
    return len(other) > len(path) and other[: len(path)] == path


def _traced(place: Path) -> tuple[Path, bool]:
    """The path of an error without the names of the kinds that a term may be of, and whether it ended with one."""
    shape: Any = Framework
    path: list[str | int] = []
    named = False
    for part in place:
        kinds = _kinds(shape)
        named = len(kinds) > 1
        if named:
            listed = str(part).startswith("tuple[")
            shape = next((kind for kind in kinds if _is_table(kind) is not listed), None)
        else:
            path.append(part)
            shape = _inside(kinds[0], part)
    return tuple(path), named


def _unknown(path: Path, missing: set[Path]) -> tuple[str, set[Path]]:
    """What to say of a key that there isn't, and the missing key that it was meant to be."""
    *table, key = path
    known = _keys(table)
    lacking = [str(one[-1]) for one in missing if list(one[:-1]) == table]
    question = meant(str(key), lacking) or meant(str(key), known)
    instead = {(*table, name) for name in lacking if question and repr(name) in question}
    what = "table" if not table else "key"
    advice = question or (f"Write one of: {', '.join(known)}; or remove it." if known else "Remove it.")
    return f"there is no such {what} {str(key)!r}. {advice}".strip(), instead


def _keys(table: Sequence[str | int]) -> list[str]:
    """The keys that a table may have, in the order of the reference."""
    shape: Any = Framework
    for part in table:
        kinds = _kinds(shape)
        listed = isinstance(part, int)
        shape = _inside(next((kind for kind in kinds if _is_table(kind) is not listed), kinds[0]), part)
    return next((list(kind.model_fields) for kind in _kinds(shape) if _is_table(kind)), [])


def _inside(shape: Any, part: str | int) -> Any:
    """What stands under a key of a table or at a place of a list."""
    if _is_table(shape):
        field = shape.model_fields.get(part)
        return field.annotation if field is not None else None
    of = get_args(shape)
    return of[-1 if get_origin(shape) is dict else 0] if of else None


def _kinds(shape: Any) -> list[Any]:
    """The kinds that a term may be of, without what may stand beside them; mostly it is one."""
    if get_origin(shape) is Annotated:
        return _kinds(get_args(shape)[0])
    if get_origin(shape) in (Union, UnionType):
        return [kind for one in get_args(shape) if one is not type(None) for kind in _kinds(one)]
    return [shape]


def _is_table(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, BaseModel)


def _words(path: Path, detail: ErrorDetails) -> str:
    """One sentence for what stands there, and one for what belongs there."""
    context: Mapping[str, Any] = detail.get("ctx", {})
    inner = context.get("error")
    if isinstance(inner, DateRuleError):
        return str(inner)
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        return _missing(path)
    if kind == "too_short":
        return _too_few(path, int(context["min_length"]))
    if kind in _OUT_OF_RANGE:
        bound, words = _OUT_OF_RANGE[kind]
        return f"{_shown(value)} won't do. Write {words} {context[bound]}."
    if kind in ("literal_error", "enum"):
        return f"{_shown(value)} is not known here. Write {str(context['expected']).replace(chr(39), chr(34))}."
    if kind == "string_pattern_mismatch":
        words = any_of(f'"{word}"' for word in str(context["pattern"]).strip("^$()").split("|"))
        return f"{_shown(value)} is not known here. Write {words}."
    return f"{_shown(value)} won't do. {_belongs(kind, path)}"


_OUT_OF_RANGE = {
    "greater_than": ("gt", "a number above"),
    "greater_than_equal": ("ge", "a number of at least"),
    "less_than": ("lt", "a number below"),
    "less_than_equal": ("le", "a number of at most"),
}


def _missing(path: Path) -> str:
    *table, key = path
    if not table:
        return f"the table is missing. Add [{key}]." if key != "grades" else "the grades are missing. Add [[grades]]."
    return f"the key is missing. Add {key} = ... here."


def _too_few(path: Path, least: int) -> str:
    if path[-1] == "grades":
        return f"a scale needs at least {least} grades. Add another [[grades]]."
    return 'the list is empty. Write at least one event, as in ["submitted"].'


def _belongs(kind: str, path: Path) -> str:
    """What kind of value belongs in a place."""
    name = str(path[-1])
    for begins, words in (
        ("string", f'Text goes in quotes, as in {name} = "..."; a list has no place here.'),
        ("tuple", f'A list goes in square brackets, as in {name} = ["..."] or {name} = [].'),
        ("bool", "Write true or false, in small letters and without quotes."),
        ("int", "Write a whole number, without quotes."),
        ("date", "Write the day without quotes, as in 2026-03-31."),
        ("dict", f"Write a table: the heading [{'.'.join(map(str, path))}], and its keys below it."),
        ("model", f"Write a table: the heading [{'.'.join(map(str, path))}], and its keys below it."),
    ):
        if kind.startswith(begins):
            return (
                words if not isinstance(path[-1], int) else words.split(", as in")[0].split("; ")[0].rstrip(".") + "."
            )
    return "Look at a framework that comes with auditloop to see what belongs here."


def _shown(value: object) -> str:
    """What stands in the file, as short as it can be told from its neighbours."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        text = repr(value)
        return text if len(text) <= 60 else "this text"
    return "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, (list, tuple)) else str(value)
