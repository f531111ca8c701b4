"""What can be pressed: the answers, the files that have a link, and what Teams presses by itself to refresh a card."""

from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from microsoft_teams.cards import Action as TeamsAction
from microsoft_teams.cards import ActionSet, ExecuteAction, OpenUrlAction, RefreshDefinition, SubmitAction

from cards.card import Action, Emphasis

MOST_REFRESHED = 60
REFRESH = "refresh"
"""The verb of the press that Teams makes by itself when somebody for whom the card is refreshed looks at it."""

_STYLES: dict[Emphasis, Literal["default", "positive", "destructive"]] = {
    Emphasis.PRIMARY: "positive",
    Emphasis.PLAIN: "default",
    Emphasis.DANGER: "destructive",
}


def button(action: Action, card_id: str) -> TeamsAction:
    """The button of an action.

    Adaptive Cards send all inputs or none: where an action names some, all are sent, and the handler takes its own.
    """
    data = {"subject": action.subject, "card_id": card_id}
    style = _STYLES[action.emphasis]
    inputs: Literal["auto", "none"] = "none" if action.inputs == () else "auto"
    return ExecuteAction(
        title=action.label,
        verb=action.verb,
        data=data,
        style=style,
        associated_inputs=inputs,
        fallback=SubmitAction(
            title=action.label, data={**data, "verb": action.verb}, style=style, associated_inputs=inputs
        ),
    )


def link(title: str, url: str) -> ActionSet:
    """A button in the body that opens an address. Raises ValueError if that is neither https nor on this computer."""
    if not _may_open(url):
        raise ValueError(f"A link on a card begins with https://, not {url.partition(':')[0]!r}.")
    return ActionSet(actions=[OpenUrlAction(title=title, url=url)])


def _may_open(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def refreshing(card_id: str, user_ids: tuple[str, ...]) -> RefreshDefinition | None:
    """The refresh of a card for these users of Teams. Raises ValueError if they are more than 60."""
    if len(user_ids) > MOST_REFRESHED:
        raise ValueError(f"Teams refreshes a card for at most {MOST_REFRESHED} people, not {len(user_ids)}.")
    if not user_ids:
        return None
    action = ExecuteAction(verb=REFRESH, data={"subject": "", "card_id": card_id}, associated_inputs="none")
    return RefreshDefinition(action=action, user_ids=list(user_ids))
