"""Moulds of Slack's elements.

Each is made of an example with all its parts, which the library checks. What is filled in is kept within the lengths
that Slack takes where it is put together.
"""

from slack_sdk.models.basic_objects import JsonObject

from cards.moulds import Mould


def mould(example: JsonObject, *places: str) -> Mould:
    """A mould of this example, with places where it has these parts.

    Raises TypeError if it has no such part, and SlackObjectFormationError if it is against the library's rules.
    """
    formed = example.to_dict()
    if unknown := set(places) - formed.keys():
        raise TypeError(f"{type(example).__name__} has no {', '.join(sorted(unknown))}.")
    return Mould({key: key for key in formed}, {key: part for key, part in formed.items() if key not in places})
