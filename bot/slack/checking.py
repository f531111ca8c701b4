"""The check of the Slack settings, for `auditloop doctor`: the tokens, what they may do, and who can be reached."""

from bot.doors import LastSeen
from bot.faults import UserFault
from bot.findings import Finding, exposure, some
from bot.settings import Settings, SlackSettings
from bot.slack.failures import Refused, Unanswered
from bot.slack.opening import OpenedSlack, Slack, open_slack
from bot.slack.scopes import NEEDED
from cards.wording import counted, listed
from scheduling.clock import SystemClock
from storage.store import Store

NO_SIGN_IN = {
    "account_inactive": "The app's account in this workspace is deactivated: install the app anew.",
    "invalid_auth": "Slack doesn't know slack.bot_token: copy it once more from the app's page OAuth & Permissions.",
    "token_revoked": "slack.bot_token was revoked: install the app anew and copy its new token.",
    "token_expired": "slack.bot_token has expired: turn token rotation off for this app, and install it anew.",
    "not_allowed_token_type": "slack.bot_token is another kind of token: the bot's begins with xoxb-.",
}
NO_LINE = {
    "invalid_auth": "Slack doesn't know slack.app_token: copy it once more from the app's page Basic Information.",
    "missing_scope": "slack.app_token needs the scope connections:write: make a new app-level token with it.",
    "not_allowed_token_type": "slack.app_token is another kind of token: an app-level one begins with xapp-.",
    "forbidden_team": "Socket Mode is turned off for this app: turn it on, or take slack.app_token out.",
    "socket_mode_disabled": "Socket Mode is turned off for this app: turn it on, or take slack.app_token out.",
}


async def examine_slack(settings: Settings, slack: SlackSettings, store: Store) -> list[Finding]:
    """Whether Slack could be spoken to, each finding as a sentence that says what to mend.

    Slack is asked whose the tokens are and who has an account; nothing is sent to anybody. No token is in a sentence.
    """
    async with open_slack(slack, store, SystemClock(), LastSeen()) as opened:
        try:
            signed_in = await opened.signed_in()
        except (Refused, Unanswered) as fault:
            return [("To mend", _no_sign_in(fault, slack))]
        except UserFault as fault:
            return [("To mend", f"Slack: {fault}")]
        found = [_signed_in(signed_in)]
        found.extend(_scopes(signed_in))
        found.extend(await _line(opened) if slack.socket_mode else _addresses(settings))
        found.extend(await _people(opened, store))
        return found


def _no_sign_in(fault: Refused | Unanswered, slack: SlackSettings) -> str:
    more = NO_SIGN_IN.get(fault.code, "") if isinstance(fault, Refused) else f"Is {slack.api_url} reached from here?"
    return f"Slack: no sign-in. {fault}. {more}".rstrip()


def _signed_in(slack: Slack) -> Finding:
    place = slack.workspace.name or slack.workspace.url or "its workspace"
    return ("Well", f"Slack: signed in to {place}, workspace {slack.workspace.team_id}.")


def _scopes(slack: Slack) -> list[Finding]:
    """What the token may not do, by name."""
    scopes = slack.workspace.scopes
    if not scopes:
        return [
            ("To know", "Slack: which scopes the token has isn't said; auditloop manifest slack names those needed.")
        ]
    missing = [f"{scope} ({without})" for scope, without in NEEDED.items() if scope not in scopes]
    if missing:
        words = f"slack.bot_token lacks {counted(len(missing), 'scope')}: {listed(missing)}."
        return [("To mend", f"Slack: {words} Add what is missing on the app's page and install it anew.")]
    found: list[Finding] = [("Well", f"Slack: the token has all {len(NEEDED)} scopes.")]
    if more := sorted(scopes - NEEDED.keys()):
        found.append(("To know", f"Slack: the token may do more than is needed: {listed(more)}."))
    return found


async def _line(slack: OpenedSlack) -> list[Finding]:
    try:
        await slack.client.connections_url(slack.settings.app_token.get_secret_value().strip())
    except Refused as fault:
        return [("To mend", f"Slack: no Socket Mode. {fault}. {NO_LINE.get(fault.code, '')}".rstrip())]
    except Unanswered as fault:
        return [("To mend", f"Slack: no Socket Mode. {fault}.")]
    return [("Well", "Slack: Socket Mode is open to this app; no address in the internet is needed.")]


def _addresses(settings: Settings) -> list[Finding]:
    if not settings.web.public_url:
        return [
            (
                "To mend",
                "Slack: web.public_url is not set, so Slack can't post here. Set it to the https address in front of "
                "auditloop, or set slack.app_token for Socket Mode.",
            )
        ]
    found = [("Well", f"Slack: its request address is {settings.web.public_url.rstrip('/')}/slack/events.")]
    return [*found, *exposure("Slack", settings.web)]


async def _people(slack: OpenedSlack, store: Store) -> list[Finding]:
    try:
        missing = await slack.acquaintance.missing()
    except (Refused, Unanswered) as fault:
        return [("To mend", f"Slack: who has an account can't be read. {fault}.")]
    async with store.begin() as tx:
        active = sum(person.active for person in tx.directory.people.values())
    found: list[Finding] = []
    groups = (
        (missing.without, "without an account in Slack under their e-mail address"),
        (missing.deactivated, "whose account is deactivated"),
        (missing.guests, "with a guest's account, to which auditloop doesn't write"),
    )
    found.extend(
        ("To mend", f"Slack: {counted(len(names), 'person', 'people')} {words}: {some(names)}.")
        for names, words in groups
        if names
    )
    if active and not found:
        found.append(("Well", f"Slack: all {counted(active, 'person', 'people')} can be written to."))
    return found
