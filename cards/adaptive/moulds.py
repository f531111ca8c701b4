"""Elements of an Adaptive Card, each formed by the library once and then filled in for every card.

Forming them anew is most of what a card costs. Whatever the library has a list of words for, such as a colour, is in
the mould, so that the library checks it. Texts, other elements and numbers are filled in; the library would hold a
number as a float, and some clients want whole ones.
"""

from typing import Any

from pydantic import BaseModel

Json = dict[str, Any]


class Mould:
    """An element with places for what differs from card to card. Places have the names that the library gives them."""

    def __init__(self, element: BaseModel, *places: str) -> None:
        """Raises TypeError if the library knows no part of such a name; it takes any silently."""
        fields = type(element).model_fields
        if unknown := {*places, *(element.model_extra or ())} - fields.keys():
            raise TypeError(f"{type(element).__name__} has no {', '.join(sorted(unknown))}.")
        formed = element.model_dump(mode="json", by_alias=True, exclude_none=True)
        keys = {name: field.serialization_alias or name for name, field in fields.items()}
        self._places = frozenset(places)
        self._parts = [
            (name, key, formed.get(key)) for name, key in keys.items() if name in self._places or key in formed
        ]

    def filled(self, **parts: object) -> Json:
        """The element with these parts in their places; one that is None or not given is left out.

        Raises TypeError if there is no place for one of them.
        """
        if not self._places.issuperset(parts):
            raise TypeError(f"There is no place for {', '.join(sorted(parts.keys() - self._places))}.")
        return {key: part for name, key, fixed in self._parts if (part := parts.get(name, fixed)) is not None}
