"""What goes to and fro between a Playground and the bot, as the Playground tells its own page."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.browsers import PATIENCE

_BOT = "User Application"
_ACTS = frozenset({"invoke", "message"})
"""What comes of a press or of words."""


@dataclass(frozen=True)
class Exchange:
    """One request with its answer. `activity` is the type of the activity, or what the bot asked for."""

    from_bot: bool
    activity: str
    body: dict[str, Any]
    status: int
    answer: Any


@dataclass
class Exchanges:
    """All that went to and fro since the page opened, in the order of the answers."""

    seen: list[Exchange] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, frame: str | bytes) -> None:
        """A line of the Playground's log, which also has lines for people only."""
        record = json.loads(frame).get("log") or {}
        if "activityName" in record:
            self.seen.append(
                Exchange(
                    from_bot=record["from"] == _BOT,
                    activity=record["activityName"],
                    body=record["request"].get("body") or {},
                    status=record["response"]["statusCode"],
                    answer=record["response"].get("body"),
                )
            )
            self._more.set()

    async def heard(self, *activities: str, since: int) -> None:
        """Wait until the bot has answered activities of these types, the first `since` exchanges left out.

        Without types it is whatever a person does. What a page says as it comes somewhere may be told later than that.
        """
        wanted = frozenset(activities)
        await self._until(
            lambda: wanted <= self._sent_since(since) if wanted else not _ACTS.isdisjoint(self._sent_since(since))
        )

    async def said(self, activity: str, *, since: int) -> None:
        """Wait until something that the bot asked for has been answered, the first `since` exchanges left out."""
        await self._until(lambda: any(one.from_bot and one.activity == activity for one in self.seen[since:]))

    async def worded(self, *texts: str) -> list[Exchange]:
        """Wait until there is an exchange for each of these texts, and give those, in the order of their answers."""

        def those() -> list[Exchange]:
            return [one for one in self.seen if one.body.get("text") in texts]

        await self._until(lambda: {one.body["text"] for one in those()}.issuperset(texts))
        return those()

    async def _until(self, came: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE / 1000):
            while not came():
                self._more.clear()
                await self._more.wait()

    def _sent_since(self, since: int) -> set[str]:
        return {one.activity for one in self.seen[since:] if not one.from_bot}
