"""Nodes as processes, and the parent that gives them work, kills them by chance from a seed and starts them again.

The parent plays the platform: what a node has not acknowledged when it dies is handed to another one, and now and then
so is what had been acknowledged.
"""

import random
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from tests.crashes import places
from tests.crashes.node import Done, Order, Press, Surroundings, live
from tests.crashes.places import Sighting, Where
from tests.crashes.post_office import FORK

PATIENCE = 60.0
"""So many seconds without a word from any node, and the story is given up as stuck."""
BY_THE_CLOCK = 0.5
"""The share of the kills that come at a random moment; the others come at a named place."""
JUST_BEGUN = 0.01
"""So many seconds at most before it is looked again whether a node that was just started is at work."""
TOLD_AGAIN = 0.15
"""The share of acknowledged presses that the platform delivers once more."""


class Stuck(Exception):
    """No node answered any more, or one ended that nobody had killed."""


@dataclass
class Pace:
    """How long presses and beats took in the undisturbed twin, in seconds; a kill by the clock falls within that."""

    presses: list[float]
    beats: list[float]


@dataclass
class Kills:
    """How many kills are still to come, over how many orders, and where those that came have hit."""

    left: int
    orders_left: int
    chance: random.Random
    pace: Pace
    hit: Counter[str] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)
    _turns: dict[Sequence[str], list[str]] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return sum(self.hit.values())

    def wanted(self) -> bool:
        """Whether the next order shall be the end of its node; evenly over what is still to be done."""
        return self.chance.random() < self.left / max(self.left + self.orders_left, 1)

    def place(self, press: Press | None) -> tuple[str, int]:
        chosen = self._next_of(places.OF_A_PRESS if press is not None else places.OF_A_BEAT)
        most = {places.STATEMENT: 24 if press is not None else 40, places.STEPPED: 4, places.COMMITTED: 4}
        most |= {places.COMMITTING: 1 if press is not None else 4}
        return chosen, self.chance.randint(1, most.get(chosen, 3))

    def missed(self, press: Press | None, place: str) -> None:
        """A node never came to the place at which it should have ended: that place has another turn."""
        turns = self._turns[places.OF_A_PRESS if press is not None else places.OF_A_BEAT]
        turns.insert(self.chance.randint(0, len(turns)), place)

    def delay(self, press: Press | None) -> float:
        return self.chance.uniform(0, self.chance.choice(self.pace.presses if press is not None else self.pace.beats))

    def _next_of(self, several: Sequence[str]) -> str:
        """Every place has its turn before one has its second, so that few kills see all of them."""
        if not self._turns.get(several):
            self._turns[several] = self.chance.sample(several, len(several))
        return self._turns[several].pop()


@dataclass
class _Running:
    process: BaseProcess
    connection: Connection
    sighting: Sighting
    orders: dict[int, Order] = field(default_factory=dict)
    ends_at: float | None = None
    doomed: bool = False


@dataclass
class Moment:
    """What came of one moment: kills, what is planned next, and what could not be done; the latter in its order."""

    kills: int = 0
    planned: datetime | None = None
    faults: list[str] = field(default_factory=list)
    unanswered: list[Press] = field(default_factory=list)


class Fleet:
    """Some nodes on one database. `replies` keeps what each event was answered."""

    def __init__(self, around: Surroundings, size: int, kills: Kills) -> None:
        self.around = around
        self.kills = kills
        self.replies: dict[str, str] = {}
        self.wrong: list[str] = []
        self.again = 0
        self.starts = 0
        self._numbers = 0
        self._moment = Moment()
        self._steps_to: datetime | None = None
        self._nodes = [self._start() for _ in range(size)]

    def play(
        self,
        presses: Sequence[Press],
        *,
        at_once: bool = False,
        clock_steps_to: datetime | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Moment:
        """One moment: everything that is pressed in it, then a beat of each node; `at_once`: beats go on meanwhile.

        In the midst of a beat the clock steps to `clock_steps_to`, and nobody is killed in that beat. `meanwhile` is
        done while the nodes are at work.
        """
        self._moment, self._steps_to = Moment(), clock_steps_to
        groups: dict[int, deque[Press]] = {}
        for press in presses:
            # Presses about one audit come one after the other, as they do from people.
            groups.setdefault(press.about, deque()).append(press)
        if at_once:
            for node in self._nodes:
                self._give(node, None)
        for group in groups.values():
            self._give(self._any(), group[0])
        if meanwhile is not None:
            if not groups:
                self._give(self._any(), None)
            wait([node.connection for node in self._nodes], self.kills.delay(None))
            meanwhile()
        while groups or self._busy():
            for node, done, order in self._heard():
                self._take(node, done, order, groups)
        for node in list(self._nodes):
            self._give(node, None)
        while self._busy():
            for _, done, order in self._heard():
                self._beaten(done, order)
        return self._moment

    def close(self) -> None:
        for node in self._nodes:
            node.process.kill()
            node.process.join()
            node.connection.close()

    # ---- orders

    def _any(self) -> _Running:
        return self.kills.chance.choice(self._nodes)

    def _busy(self) -> bool:
        return any(node.orders for node in self._nodes)

    def _give(self, node: _Running, press: Press | None) -> None:
        self._numbers += 1
        place = None
        steps_to = self._steps_to if press is None else None
        if steps_to is not None:
            place = self.kills.place(press)
        elif not node.doomed and self.kills.wanted():
            node.doomed = True
            if self.kills.chance.random() < BY_THE_CLOCK:
                node.ends_at = time.monotonic() + self.kills.delay(press)
            else:
                place = self.kills.place(press)
        order = Order(self._numbers, press, place, steps_to)
        node.orders[order.number] = order
        try:
            node.connection.send(order)
        except BrokenPipeError:
            # It has just died; its end is noticed when it is listened to.
            return

    def _take(self, node: _Running, done: Done | None, order: Order, groups: dict[int, deque[Press]]) -> None:
        press = order.press
        if press is None:
            self._beaten(done, order)
            return
        if done is None:
            # Not acknowledged: the platform delivers it again.
            self._give(self._any(), press)
            return
        if done.fault:
            self._moment.faults.append(done.fault)
            self._moment.unanswered.extend(groups.pop(press.about))
            return
        before = self.replies.setdefault(press.event_id, done.reply)
        if before != done.reply:
            self.wrong.append(f"{press.event_id} ({press.verb}) had two different answers")
        self.kills.orders_left -= 1
        if not done.again and self.kills.chance.random() < TOLD_AGAIN:
            self.again += 1
            self._give(self._any(), press)
            return
        group = groups[press.about]
        group.popleft()
        if group:
            self._give(self._any(), group[0])
        else:
            del groups[press.about]

    def _beaten(self, done: Done | None, order: Order) -> None:
        if done is None or done.fault:
            if done is not None:
                self._moment.faults.append(done.fault)
                return
            self._give(self._any(), None)
            return
        self.kills.orders_left -= 1
        if done.planned is not None:
            self._moment.planned = min(done.planned, self._moment.planned or done.planned)

    # ---- life and death

    def _start(self) -> _Running:
        here, there = FORK.Pipe()
        sighting = Sighting()
        process = FORK.Process(target=live, args=(self.around, there, sighting), daemon=True)
        process.start()
        there.close()
        self.starts += 1
        return _Running(process, here, sighting)

    def _heard(self) -> list[tuple[_Running, Done | None, Order]]:
        """What the nodes have answered, each with its order; None for what a node left undone when it died."""
        self._kill_the_doomed()
        ends = [node.ends_at for node in self._nodes if node.ends_at is not None]
        patience = min(ends) - time.monotonic() if ends else PATIENCE
        ready = wait([node.connection for node in self._nodes], max(patience, 0))
        if not ready and not ends:
            raise Stuck(f"no node has answered for {PATIENCE:.0f} seconds")
        found: list[tuple[_Running, Done | None, Order]] = []
        for node in list(self._nodes):
            if node.connection in ready:
                found.extend(self._read(node))
        return found

    def _read(self, node: _Running) -> list[tuple[_Running, Done | None, Order]]:
        try:
            done: Done = node.connection.recv()
        except (EOFError, ConnectionResetError):
            return [(node, None, order) for order in self._buried(node)]
        order = node.orders.pop(done.number)
        if order.place is not None and order.steps_to is None:
            # It never came to that place.
            node.doomed = False
            self.kills.missed(order.press, order.place[0])
        if not node.orders and node.ends_at is not None:
            node.doomed, node.ends_at = False, None
        return [(node, done, order)]

    def _kill_the_doomed(self) -> None:
        for node in self._nodes:
            if node.ends_at is None or node.ends_at > time.monotonic():
                continue
            if node.sighting.get() is Where.IDLE and node.orders:
                # It has only just been started; there is nothing yet to be killed in.
                node.ends_at = time.monotonic() + self.kills.chance.uniform(0, JUST_BEGUN)
                continue
            node.process.kill()
            node.ends_at = None

    def _buried(self, node: _Running) -> list[Order]:
        """Another node takes the place of one that has died; what the dead one left undone."""
        node.process.join()
        if node.process.exitcode != -signal.SIGKILL:
            raise Stuck(f"a node ended by itself, with {node.process.exitcode}")
        self.kills.left -= 1
        self.kills.hit[places.WORDS[node.sighting.get()]] += 1
        self.kills.named.update(order.place[0] for order in node.orders.values() if order.place and not order.steps_to)
        self._moment.kills += 1
        node.connection.close()
        self._nodes[self._nodes.index(node)] = self._start()
        return list(node.orders.values())
