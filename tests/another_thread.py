"""An event loop in a thread of its own, so that a fake platform answers while the test or the bot is busy."""

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any


class AnotherThread:
    """The loop, from its start to its end; what is to be done there is handed over."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    async def there(self, work: Awaitable[Any]) -> Any:
        """What comes of something that is done in the other thread."""

        async def done() -> Any:
            return await work

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(done(), self.loop))

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.close()
