"""`/slack/events`: what Slack posts is proved before anything of it is read; everything else is refused and counted."""

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from bot.counts import Counts
from bot.slack.incoming import NotReadable, read
from bot.slack.listeners import AsyncApp, over_http
from scheduling.clock import Clock

GOOD_FOR = 300
"""Seconds before and after now that a signature is good for; as long is it remembered."""
STAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass
class Endpoint:
    """Where Slack posts over HTTP."""

    app: AsyncApp
    signing_secret: str
    clock: Clock
    counts: Counts
    _seen: "OrderedDict[str, float]" = field(default_factory=OrderedDict)

    async def post(self, request: web.Request) -> web.Response:
        """Answer one request.

        1. It is of an ordinary size, and signed by Slack within the last minutes, else 401. 2. What came before is
        acknowledged once more, and nothing else. 3. It is formed as Slack forms its requests, else 400. 4. Bolt has it.
        """
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refuse("size", 413, "This is more than Slack ever sends.")
        except web.RequestPayloadError:
            return self._refuse("unreadable", 400, "This request is not packed as it says.")
        signature = self._proved(request, raw)
        if signature is None:
            return self._refuse("signature", 401, "This request is not proved to come from Slack.")
        if self._came_before(signature):
            self.counts.refuse("replay")
            return web.Response()
        body = _readable(request.content_type, raw)
        if body is None:
            return self._refuse("unreadable", 400, "This request is not formed as Slack forms them.")
        try:
            return await over_http(self.app, request, body)
        except NotReadable:
            return self._refuse("unreadable", 400, "This request is not formed as Slack forms them.")

    def _proved(self, request: web.Request, raw: bytes) -> str | None:
        """The signature of a request that Slack signed in the last minutes; None for any other."""
        stamp, signature = request.headers.get(STAMP, ""), request.headers.get(SIGNATURE, "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12 and signature.isascii()):
            return None
        verifier = SignatureVerifier(self.signing_secret, _SecondsOf(self.clock))
        try:
            proved = verifier.is_valid(raw, stamp, signature)
        except (TypeError, ValueError):
            return None
        return f"{stamp}:{signature}" if proved else None

    def _came_before(self, signature: str) -> bool:
        """Whether the same request was here already; the signatures of the last minutes are remembered."""
        now = self.clock.now().timestamp()
        while self._seen and next(iter(self._seen.values())) < now - 2 * GOOD_FOR:
            self._seen.popitem(last=False)
        if signature in self._seen:
            return True
        self._seen[signature] = now
        return False

    def _refuse(self, reason: str, status: int, words: str) -> web.Response:
        self.counts.refuse(reason)
        return web.json_response({"error": {"code": reason, "message": words}}, status=status)


class _SecondsOf(SignatureClock):
    """auditloop's clock, as the check of signatures asks it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


def _readable(content_type: str, raw: bytes) -> str | None:
    """The body of a request that Bolt can read; None for any other."""
    try:
        text = raw.decode()
        if content_type == JSON:
            told: Any = json.loads(text)
        elif content_type == FORM:
            fields = parse_qs(text, strict_parsing=True, max_num_fields=50)
            told = json.loads(fields["payload"][0]) if "payload" in fields else fields
        else:
            return None
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or (content_type == FORM and "command" not in told and "type" not in told):
        return None
    return text if "command" in told or _well_formed(told) else None


def _well_formed(told: dict[str, Any]) -> bool:
    """Whether an event or an act can be read: Bolt looks into it before anybody else does, and stumbles."""
    if told.get("type") == "url_verification":
        return True
    try:
        read(told)
    except NotReadable:
        return False
    return True
