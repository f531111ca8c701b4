"""The requests of Slack to the app, as Slack signs and writes them."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True)
class Written:
    """The body of a request and what it is written in."""

    body: str
    content_type: str


def event(payload: dict[str, Any]) -> Written:
    """A request of the Events API."""
    return Written(json.dumps(payload), JSON)


def interaction(payload: dict[str, Any]) -> Written:
    """A press, a submission or a shortcut."""
    return Written(urlencode({"payload": json.dumps(payload)}), FORM)


def command(fields: dict[str, str]) -> Written:
    """A slash command."""
    return Written(urlencode(fields), FORM)


def signature(secret: str, stamp: str, body: str | bytes) -> str:
    raw = body.encode() if isinstance(body, str) else body
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + raw, hashlib.sha256).hexdigest()


def signed(secret: str, stamp: int | str, body: str | bytes) -> dict[str, str]:
    """The headers that say that the request is Slack's; `stamp` is in Unix seconds."""
    return {
        "X-Slack-Request-Timestamp": str(stamp),
        "X-Slack-Signature": signature(secret, str(stamp), body),
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    }
