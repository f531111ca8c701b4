"""Elements of a card, each formed once by the library of its platform and then filled in for every card.

Forming them anew is most of what a card costs. A filled element is text in JSON, which many cards can have in common:
nobody can change it, and how long a card is can be told before it is read.
"""

import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
_encoded = json.JSONEncoder(ensure_ascii=False).encode


class Written(str):
    """An element, or a part of one, written as JSON."""

    __slots__ = ()

    def to_dict(self) -> Json:
        """The element as it is sent, made anew each time: it belongs to whoever asked."""
        read: Json = json.loads(self)
        return read


class Mould:
    """An element with places for what differs from card to card."""

    def __init__(self, keys: Mapping[str, str], fixed: Mapping[str, object]) -> None:
        """`keys` are those of the JSON, in their order, by the names of the parts; `fixed` are the parts that stay."""
        self._parts = [
            (name, f"{_encoded(key)}: ", f"{_encoded(key)}: {_encoded(fixed[name])}" if name in fixed else "")
            for name, key in keys.items()
        ]
        self._places = keys.keys() - fixed.keys()

    def filled(self, **parts: object) -> Written:
        """The element with these parts in their places; one that is None or not given is left out.

        Raises TypeError if there is no place for one of them.
        """
        if not self._places.issuperset(parts):
            raise TypeError(f"There is no place for {', '.join(sorted(parts.keys() - self._places))}.")
        found = []
        for name, key, stays in self._parts:
            if stays:
                found.append(stays)
            elif (part := parts.get(name)) is not None:
                found.append(key + _written(part))
        return Written(f"{{{', '.join(found)}}}")


def _written(part: object) -> str:
    if isinstance(part, str):
        return part if isinstance(part, Written) else _encoded(part)
    if isinstance(part, list):
        return f"[{', '.join(map(_written, part))}]"
    if isinstance(part, int):
        # The encoder takes ten times as long for it. True and False are words of JSON in small letters.
        return str(part).lower()
    return _encoded(part)
