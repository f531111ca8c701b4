"""Where each key and table of a framework's TOML text stands, so that a mistake can be named with its line."""

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

import tree_sitter_toml
from tree_sitter import Language, Node, Parser


@dataclass(slots=True)
class _Place:
    """A key, a table or an element of an array. `last` is the table that an array of tables was given last."""

    line: int
    parts: dict[str | int, "_Place"] = field(default_factory=dict)
    last: "_Place | None" = None

    def part(self, key: str | int, line: int) -> "_Place":
        """What stands under a key: where it was first named, or on this line."""
        return (self.last or self).parts.setdefault(key, _Place(line))


@dataclass(frozen=True)
class Positions:
    """Where each table and key of a TOML text stands."""

    _whole: _Place

    @classmethod
    def of(cls, text: str) -> Self:
        """Read the places of a text that is valid TOML. In any other, what can't be read may be left out."""
        whole = _Place(1)
        tree = Parser(Language(tree_sitter_toml.language())).parse(text.encode(errors="replace"))
        for node in tree.root_node.named_children:
            match node.type:
                case "pair":
                    _read_pair(node, whole)
                case "table":
                    table = _named(node, whole)
                    table.line = _line(node)  # its own header says more than a mention in that of another table
                    _read_pairs(node, table)
                case "table_array_element":
                    tables = _named(node, whole)
                    tables.last = tables.parts[len(tables.parts)] = _Place(_line(node))
                    _read_pairs(node, tables.last)
        return cls(whole)

    def line(self, path: Sequence[str | int]) -> int:
        """The line, counted from 1, of a key, table or element of an array, by a path like the `loc` of pydantic.

        Where the path itself isn't in the file, the line of the nearest thing above it that is; 1 at worst.
        """
        place = self._whole
        for key in path:
            inner = place.parts.get(key)
            if inner is None:
                break
            place = inner
        return place.line


def _line(node: Node) -> int:
    return node.start_point.row + 1


def _named(node: Node, under: _Place) -> _Place:
    """The place that the key of a pair or of a header names, dotted or not, with all that it names on the way."""
    for key in _keys(node.named_children[0]):
        under = under.part(key, _line(node))
    return under


def _keys(node: Node) -> Iterator[str]:
    """The parts of a key as Python's own reader of TOML has them, so that quotes and escapes mean the same."""
    text = (node.text or b"").decode()
    inner: object = {}
    with suppress(tomllib.TOMLDecodeError):
        inner = tomllib.loads(f"{text} = true")
    inner = inner or {text: True}
    while isinstance(inner, dict):
        key, inner = next(iter(inner.items()))
        yield key


def _read_pairs(node: Node, table: _Place) -> None:
    for inner in node.named_children:
        if inner.type == "pair":
            _read_pair(inner, table)


def _read_pair(node: Node, table: _Place) -> None:
    place = _named(node, table)
    for value in node.named_children[1:]:  # the value, and perhaps a comment
        _read_value(value, place)


def _read_value(node: Node, place: _Place) -> None:
    if node.type == "inline_table":
        _read_pairs(node, place)
    elif node.type == "array":
        elements = (inner for inner in node.named_children if inner.type != "comment")
        for index, element in enumerate(elements):
            _read_value(element, place.part(index, _line(element)))
