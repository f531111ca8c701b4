"""Moulds of Microsoft's elements.

Whatever the library has a list of words for, such as a colour, stays in the mould, so that the library checks it.
Texts, other elements and numbers are filled in; the library would hold a number as a float, and some clients want
whole ones.
"""

from pydantic import BaseModel

from cards.moulds import Mould


def mould(element: BaseModel, *places: str) -> Mould:
    """A mould of this element, with places by the names that the library gives them.

    Raises TypeError if the library knows no part of such a name; it takes any silently.
    """
    fields = type(element).model_fields
    if unknown := {*places, *(element.model_extra or ())} - fields.keys():
        raise TypeError(f"{type(element).__name__} has no {', '.join(sorted(unknown))}.")
    formed = element.model_dump(mode="json", by_alias=True, exclude_none=True)
    keys = {name: field.serialization_alias or name for name, field in fields.items()}
    kept = {name: key for name, key in keys.items() if name in places or key in formed}
    return Mould(kept, {name: formed[key] for name, key in kept.items() if name not in places})
