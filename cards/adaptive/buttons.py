"""What can be pressed: the answers, the files that have a link, and what Teams presses by itself to refresh a card."""

from functools import cache
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from microsoft_teams.cards import ActionSet, ExecuteAction, OpenUrlAction, RefreshDefinition, SubmitAction

from cards.adaptive.moulds import mould
from cards.card import Action, Emphasis
from cards.moulds import Mould, Written

MOST_REFRESHED = 60
REFRESH = "refresh"
"""The verb of the press that Teams makes by itself when somebody for whom the card is refreshed looks at it."""

_Style = Literal["default", "positive", "destructive"]
_Inputs = Literal["auto", "none"]
_STYLES: dict[Emphasis, _Style] = {
    Emphasis.PRIMARY: "positive",
    Emphasis.PLAIN: "default",
    Emphasis.DANGER: "destructive",
}
_SET = mould(ActionSet(), "actions")
_LINK = mould(OpenUrlAction(), "title", "url")
_REFRESH = mould(RefreshDefinition(), "action", "user_ids")
_REFRESHES = mould(ExecuteAction(verb=REFRESH, associated_inputs="none"), "data")


def button(action: Action, card_id: str) -> Written:
    """The button of an action.

    Adaptive Cards send all inputs or none: where an action names some, all are sent, and the handler takes its own.
    """
    data = {"subject": action.subject, "card_id": card_id}
    execute, submit = _pressed(_STYLES[action.emphasis], "none" if action.inputs == () else "auto")
    return execute.filled(
        title=action.label,
        verb=action.verb,
        data=data,
        fallback=submit.filled(title=action.label, data={**data, "verb": action.verb}),
    )


@cache
def _pressed(style: _Style, inputs: _Inputs) -> tuple[Mould, Mould]:
    """A button, and the older one for a client that doesn't know it."""
    return (
        mould(ExecuteAction(style=style, associated_inputs=inputs), "title", "verb", "data", "fallback"),
        mould(SubmitAction(style=style, associated_inputs=inputs), "title", "data"),
    )


def button_set(button: Written) -> Written:
    """A button within the body."""
    return _SET.filled(actions=[button])


def link(title: str, url: str) -> Written:
    """A button in the body that opens an address. Raises ValueError if that is neither https nor on this computer."""
    if not _may_open(url):
        raise ValueError(f"A link on a card begins with https://, not {url.partition(':')[0]!r}.")
    return button_set(_LINK.filled(title=title, url=url))


def _may_open(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def refreshing(card_id: str, user_ids: tuple[str, ...]) -> Written | None:
    """The refresh of a card for these users of Teams. Raises ValueError if they are more than 60."""
    if len(user_ids) > MOST_REFRESHED:
        raise ValueError(f"Teams refreshes a card for at most {MOST_REFRESHED} people, not {len(user_ids)}.")
    if not user_ids:
        return None
    action = _REFRESHES.filled(data={"subject": "", "card_id": card_id})
    return _REFRESH.filled(action=action, user_ids=list(user_ids))
