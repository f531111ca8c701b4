"""Socket Mode: the line that auditloop opens to Slack, on which Slack sends what it would post otherwise."""

import asyncio
import logging
from time import time
from urllib.request import proxy_bypass

from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from yarl import URL

from bot.settings import is_loopback
from bot.slack.client import SlackClient
from bot.slack.failures import Refused, Unanswered

PING = 10.0
"""Seconds between signs of life, and between a try to connect that fails and the library's next one."""
ONE_TRY = 9.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
log = logging.getLogger(__name__)
# The library says at each step what it does, and repeats what came in.
_sdk_log = logging.getLogger(f"{__name__}.sdk")
_sdk_log.setLevel(logging.CRITICAL)


class Line(SocketModeClient):
    """The line to Slack, which is opened anew whenever it breaks or Slack asks for it, until it is closed."""

    def __init__(self, app: AsyncApp, slack: SlackClient, app_token: str) -> None:
        super().__init__(app_token, logger=_sdk_log, web_client=slack.for_bolt(), ping_interval=PING)
        self._app, self._slack, self._proxy = app, slack, self.proxy
        self.socket_mode_request_listeners.append(self._handle)

    @property
    def open(self) -> bool:
        session = self.current_session
        return not self.closed and session is not None and not session.closed

    async def connect(self) -> None:
        """Connect, with a new address for each try, since one is good for one connection; returns when that is done."""
        while not self.closed:
            if self.wss_uri is None:
                self.wss_uri = await self.issue_new_wss_url()
            try:
                async with asyncio.timeout(ONE_TRY):
                    await super().connect()  # type: ignore[no-untyped-call]
                return
            except TimeoutError:
                log.warning("the line to Slack could not be opened; trying again")
                self.wss_uri = None

    async def issue_new_wss_url(self) -> str:
        """A new address from Slack, asked for until there is one."""
        wait = FIRST_WAIT
        while True:
            try:
                url = await self._slack.connections_url(self.app_token)
                break
            except (Refused, Unanswered) as fault:
                asked = fault.retry_after if isinstance(fault, Refused) else None
                log.warning("Slack gives no line: %s", fault)
                await asyncio.sleep(asked.total_seconds() if asked else wait)
                wait = min(wait * 2, LONGEST_WAIT)
        host = URL(url).host or ""
        self.proxy = None if is_loopback(host) or proxy_bypass(host) else self._proxy
        return url

    async def close(self) -> None:
        await super().close()  # type: ignore[no-untyped-call]
        tasks = [one for one in (self.message_processor, self.current_session_monitor, self.message_receiver) if one]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle(self, _client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        began = time()
        answer = await run_async_bolt_app(self._app, request)
        await send_async_response(self, request, answer, began)
