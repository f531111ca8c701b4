"""Messages with a picture: Slack takes a file in only some time after it has answered that it has it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from bot.slack.failures import Refused
from cards.blocks import BlockMessage

TAKES_IN = (1.0, 2.0)
"""Seconds after which a message is tried again whose picture Slack lacks."""
NOT_YET = frozenset({"invalid_blocks", "response_url"})
"""What Slack says of a message with a picture that it lacks; at a response_url it gives a status alone."""
Carried = TypeVar("Carried")


async def carried(message: BlockMessage, carry: Callable[[BlockMessage], Awaitable[Carried]]) -> Carried:
    """What comes of carrying a message; once more after a moment where Slack lacks its picture, at last without it.

    Raises what `carry` does.
    """
    plain = _unpictured(message)
    for pause in TAKES_IN if plain is not None else ():
        try:
            return await carry(message)
        except Refused as fault:
            if fault.code not in NOT_YET:
                raise
        await asyncio.sleep(pause)
    return await carry(plain or message)


def _unpictured(message: BlockMessage) -> BlockMessage | None:
    """A message without its pictures; None where it has none."""
    left = [block for block in message.blocks if block.get("type") != "image"]
    return replace(message, blocks=left) if len(left) < len(message.blocks) else None
