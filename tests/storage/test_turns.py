"""Who writes next on a database that lets one write at a time."""

import asyncio

import pytest

from storage.turns import MOST_IN_A_ROW, Turns


async def _in_line(turns: Turns, asked: list[tuple[str, bool]]) -> list[str]:
    """Who had their turn, in order, where all of these asked while somebody else was writing."""
    had: list[str] = []

    async def write(name: str, *, first: bool) -> None:
        async with turns.turn(first=first):
            had.append(name)

    async with turns.turn():
        waiting = [asyncio.create_task(write(name, first=first)) for name, first in asked]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    return had


async def test_who_waits_for_an_answer_comes_before_what_can_wait() -> None:
    asked = [("a reminder", False), ("a press", True), ("a list", False), ("another press", True)]
    assert await _in_line(Turns(), asked) == ["a press", "another press", "a reminder", "a list"]


async def test_however_much_is_pressed_the_others_have_their_turn() -> None:
    asked = [("an alert", False), *((f"press {number}", True) for number in range(3 * MOST_IN_A_ROW))]
    assert (await _in_line(Turns(), asked)).index("an alert") == MOST_IN_A_ROW


async def test_who_stops_waiting_holds_nobody_up() -> None:
    turns = Turns()
    async with turns.turn():
        gone = asyncio.create_task(_in_line(turns, []))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    assert await _in_line(turns, [("the next one", False)]) == ["the next one"]


async def test_a_transaction_inside_another_is_refused_rather_than_waited_for() -> None:
    turns = Turns()
    async with turns.turn():
        with pytest.raises(RuntimeError, match="would wait for it for ever"):
            async with turns.turn(first=True):
                pass
    assert await _in_line(turns, [("the next one", False)]) == ["the next one"]


async def test_it_is_quiet_soon_after_the_last_press() -> None:
    turns, loop = Turns(), asyncio.get_running_loop()
    async with turns.turn(first=True):
        pass
    begun = loop.time()
    await asyncio.wait_for(turns.quiet(0.02, 3600), 60)
    assert loop.time() - begun >= 0.01


async def test_what_can_wait_is_put_off_while_people_press_but_not_for_ever() -> None:
    turns, loop = Turns(), asyncio.get_running_loop()
    async with turns.turn(first=True):
        pass
    begun = loop.time()
    await turns.quiet(3600, 0.02)
    assert 0.02 <= loop.time() - begun < 60
