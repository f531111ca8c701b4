"""Where a node is in its work, as the process that kills it sees it, and the places at which it kills itself."""

import mmap
import os
import signal
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from sqlalchemy import Engine, event


class Where(IntEnum):
    """The part of its work that a node was last seen in. The value lies in one shared byte."""

    IDLE = 0
    HANDLER = 1
    UNACKNOWLEDGED = 2
    TICK = 3
    DELIVERY = 4
    CLAIMED = 5
    SENDING = 6
    UNMARKED = 7


WORDS = {
    Where.IDLE: "while it waited",
    Where.HANDLER: "in a handler",
    Where.UNACKNOWLEDGED: "between a handler's commit and its acknowledgement",
    Where.TICK: "in the tick",
    Where.DELIVERY: "in the delivery's own transactions",
    Where.CLAIMED: "between commit and send",
    Where.SENDING: "in mid-send",
    Where.UNMARKED: "sent, but not yet written down",
}
STATEMENT, COMMITTING, COMMITTED = "before a statement", "before a commit", "after a commit"
STEPPED, CLAIMED = "between two audits of a tick", "claimed, not sent"
WRITTEN, READ = "request sent, answer not read", "answer read, nothing marked"
OF_A_PRESS = (STATEMENT, COMMITTING, COMMITTED)
OF_A_BEAT = (STATEMENT, COMMITTING, COMMITTED, STEPPED, CLAIMED, WRITTEN, READ)


class Sighting:
    """One byte that a node writes and its parent reads, also after the node has died."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    def put(self, where: Where) -> None:
        self._memory[0] = where

    def get(self) -> Where:
        return Where(self._memory[0])


def die() -> None:
    """End this process as `kill -9` does; nothing of it runs any more."""
    os.kill(os.getpid(), signal.SIGKILL)


class Places:
    """Follows one node through its work, and has something happen the n-th time it comes to a named place.

    Nothing of auditloop knows of it: it listens to the database's engine, and the tests' own door tells it the rest.
    """

    def __init__(self, sighting: Sighting) -> None:
        self.where = Where.IDLE
        self._sighting = sighting
        self._armed: dict[str, tuple[int, Callable[[], None]]] = {}
        self._committing: set[int] = set()

    def arm(self, place: str, times: int, happens: Callable[[], None] = die) -> None:
        self._armed[place] = times, happens

    def disarm(self) -> None:
        self._armed.clear()

    def at(self, where: Where) -> None:
        self.where = where
        self._sighting.put(where)

    def reach(self, place: str) -> None:
        if place not in self._armed:
            return
        left, happens = self._armed.pop(place)
        if left > 1:
            self._armed[place] = left - 1, happens
        else:
            happens()

    def watch(self, engine: Engine) -> None:
        """Follow every transaction of an engine."""
        event.listen(engine, "before_cursor_execute", self._before_statement)
        event.listen(engine, "commit", self._before_commit)
        event.listen(engine, "checkin", self._given_back)

    def forget(self, engine: Engine) -> None:
        event.remove(engine, "before_cursor_execute", self._before_statement)
        event.remove(engine, "commit", self._before_commit)
        event.remove(engine, "checkin", self._given_back)

    def _before_statement(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        # What died in mid-send is taken up before anything is claimed: there the tick is over.
        if self.where is Where.TICK and statement.startswith("UPDATE outbox") and "lease_until <" in statement:
            self.at(Where.DELIVERY)
        self.reach(STATEMENT)

    def _before_commit(self, connection: Any) -> None:
        self._committing.add(id(connection.connection.dbapi_connection))
        self.reach(COMMITTING)

    def _given_back(self, driver: Any, _record: Any) -> None:
        if id(driver) not in self._committing:
            return
        self._committing.discard(id(driver))
        if self.where is Where.HANDLER:
            self.at(Where.UNACKNOWLEDGED)
        if self.where is Where.TICK:
            self.reach(STEPPED)
        self.reach(COMMITTED)
