"""Whether keys can be written wherever they are needed, and no text that people read is empty."""

import re
from collections.abc import Iterator

from audits.consistency.problem import Path, Problem
from audits.framework import Framework

# People's answers and imports are compared in small letters, and references join keys with a stroke.
_KEY = re.compile(r"[a-z][a-z0-9_-]*")


def troubles_with_texts(framework: Framework) -> Iterator[Problem]:
    """Keys with capitals, spaces or signs, and titles, labels and questions without a word."""
    for path, key in _keys(framework):
        if not _KEY.fullmatch(key):
            plain = re.sub(r"[^a-z0-9]+", "_", key.casefold()).strip("_0123456789")
            advice = f", as in {plain!r}" if plain else ""
            yield Problem(path, f"{key!r} is no key. Write small letters without spaces{advice}.")
    for path, text in _texts(framework):
        if not text.strip():
            yield Problem(path, "this is empty, and people read it. Write it in a few words.")


def _keys(framework: Framework) -> Iterator[tuple[Path, str]]:
    for table in ("roles", "duties", "notices", "settings"):
        yield from (((table, key), key) for key in getattr(framework, table))
    yield from ((("grades", number, "key"), grade.key) for number, grade in enumerate(framework.grades))
    yield from ((("sections", number, "key"), section.key) for number, section in enumerate(framework.sections))


def _texts(framework: Framework) -> Iterator[tuple[Path, str]]:
    about = framework.about
    for term in ("name", "title", "document"):
        yield ("about", term), getattr(about, term)
    for number, grade in enumerate(framework.grades):
        yield ("grades", number, "label"), grade.label
    for number, section in enumerate(framework.sections):
        yield ("sections", number, "label"), section.label
    for table, terms in (
        ("roles", ("label",)),
        ("duties", ("title", "ask")),
        ("notices", ("title", "text")),
        ("verbs", ("label",)),
    ):
        for key, entry in getattr(framework, table).items():
            yield from (((table, key, term), getattr(entry, term)) for term in terms)
