"""Several nodes that do what is due at the same time, and how they share it without speaking to each other."""

from collections.abc import Sequence
from secrets import randbelow
from typing import TypeVar

from storage.store import Store

T = TypeVar("T")


def from_anywhere(store: Store, due: Sequence[T]) -> list[T]:
    """What is due, begun at any place where several nodes may be at it.

    Nodes that all began with the first would wait for each other at each; each finds done what another has done. Where
    there is one node only, the order stays.
    """
    if store.database.dialect.name == "sqlite" or not due:
        return list(due)
    place = randbelow(len(due))
    return [*due[place:], *due[:place]]
