"""What the manifest of the Slack app must keep: Slack's limits, and what auditloop needs and nothing beyond it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from yarl import URL

from bot.manifest_rules import Place, address, at_most, colour, is_server_name, line, sentence
from bot.slack.scopes import NEEDED

MANIFEST = "manifest.json"
PATH = "/slack/events"
"""The one path to which Slack sends events, answers and commands."""

Event = Literal["app_home_opened", "app_uninstalled", "message.im", "team_join", "tokens_revoked", "user_change"]
"""What auditloop hears of; each needs one of the scopes that it has anyway, or none."""


SETTINGS: Mapping[Place, str] = {
    ("features", "slash_commands", 0, "url"): "web.public_url",
    ("settings", "event_subscriptions", "request_url"): "web.public_url",
    ("settings", "interactivity", "request_url"): "web.public_url",
}
"""The entries that come from a setting, so that a fault names what can be changed."""


def _long_description(text: str) -> str:
    if len(text) < 175:
        raise ValueError(f"Slack wants at least 175 characters here, and this has {len(text)}: say more")
    return at_most(4000, "Slack")(text)


def _bot_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9._-]+", text):
        raise ValueError("Slack takes small letters, digits, hyphens, underscores and full stops only")
    return at_most(80, "Slack")(text)


def _command(text: str) -> str:
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", text):
        raise ValueError("write a slash and at most 31 small letters, digits, hyphens or underscores, such as /qa")
    return text


def _request_url(text: str) -> str:
    text = address(3000, "Slack", f"https://auditloop.example.gov.uk{PATH}")(text)
    url = URL(text)
    if not is_server_name(url.raw_host or ""):
        raise ValueError(
            "Slack needs the name of a server in the internet, such as https://auditloop.example.gov.uk, "
            f"and this is {url.host}. Without one, use Socket Mode"
        )
    if not url.path.endswith(PATH):
        raise ValueError(f"the address that Slack is told must end in {PATH}")
    return text


RequestUrl = Annotated[str, AfterValidator(_request_url)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Metadata(Part):
    major_version: Literal[1]
    minor_version: Literal[1]


class DisplayInformation(Part):
    name: Annotated[str, AfterValidator(line(35, "Slack"))]
    description: Annotated[str, AfterValidator(line(140, "Slack"))]
    background_color: Annotated[str, AfterValidator(colour)]
    long_description: Annotated[str, AfterValidator(_long_description)]


class AppHome(Part):
    """The Home tab shows what waits; the messages tab is the chat, in which people can write."""

    home_tab_enabled: Literal[True]
    messages_tab_enabled: Literal[True]
    messages_tab_read_only_enabled: Literal[False]


class BotUser(Part):
    display_name: Annotated[str, AfterValidator(_bot_name)]
    always_online: bool


class Shortcut(Part):
    name: Annotated[str, AfterValidator(line(24, "Slack"))]
    type: Literal["global"]
    callback_id: Literal["my_audits", "safety_concern"]
    description: Annotated[str, AfterValidator(line(150, "Slack"))]


class SlashCommand(Part):
    """Names and channels in what is typed come as they were typed: an id in it would prove nothing."""

    command: Annotated[str, AfterValidator(_command)]
    url: RequestUrl | None = None
    description: Annotated[str, AfterValidator(line(2000, "Slack"))]
    usage_hint: Annotated[str, AfterValidator(line(1000, "Slack"))]
    should_escape: Literal[False]


class Features(Part):
    app_home: AppHome
    bot_user: BotUser
    shortcuts: list[Shortcut] = Field(min_length=1, max_length=10)
    slash_commands: list[SlashCommand] = Field(min_length=1, max_length=1)

    @model_validator(mode="after")
    def _once_each(self) -> "Features":
        for what in ("name", "callback_id"):
            if len({getattr(one, what) for one in self.shortcuts}) < len(self.shortcuts):
                raise ValueError(f"two shortcuts have the same {what}")
        return self


class Scopes(Part):
    """Nothing is asked of people themselves: every right is the bot's own."""

    bot: list[str]

    @model_validator(mode="after")
    def _needed(self) -> "Scopes":
        wrong = [
            f"the scope {scope} is missing, and without it {why}"
            for scope, why in NEEDED.items()
            if scope not in self.bot
        ]
        wrong += [
            f"auditloop has no use for the scope {scope}: take it out" for scope in self.bot if scope not in NEEDED
        ]
        if len(set(self.bot)) < len(self.bot):
            wrong.append("a scope is named twice")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class OauthConfig(Part):
    scopes: Scopes


class EventSubscriptions(Part):
    request_url: RequestUrl | None = None
    bot_events: list[Event] = Field(min_length=1)

    @model_validator(mode="after")
    def _once_each(self) -> "EventSubscriptions":
        if len(set(self.bot_events)) < len(self.bot_events):
            raise ValueError("an event is named twice")
        return self


class Interactivity(Part):
    is_enabled: Literal[True]
    request_url: RequestUrl | None = None


class AppSettings(Part):
    """One workspace, whose id every request must bear, and a token that stays the same until it is renewed by hand.

    With rotation a token ends after twelve hours, and its successor has to be kept where the program can write; once
    on, it can't be turned off. auditloop reads its token from the environment and writes it nowhere.
    """

    event_subscriptions: EventSubscriptions
    interactivity: Interactivity
    org_deploy_enabled: Literal[False]
    socket_mode_enabled: bool
    token_rotation_enabled: Literal[False]


class Manifest(Part):
    """The manifest as auditloop uses it. What isn't named here, it doesn't need."""

    metadata: Metadata = Field(alias="_metadata")
    display_information: DisplayInformation
    features: Features
    oauth_config: OauthConfig
    settings: AppSettings

    @model_validator(mode="after")
    def _fits_together(self) -> "Manifest":
        events = self.settings.event_subscriptions
        command = self.features.slash_commands[0]
        urls = [events.request_url, self.settings.interactivity.request_url, command.url]
        if self.settings.socket_mode_enabled and any(urls):
            raise ValueError("with Socket Mode there is no address: take each url out")
        if not self.settings.socket_mode_enabled and (None in urls or len(set(urls)) > 1):
            raise ValueError("without Socket Mode events, interactivity and the command must have one and the same url")
        return self


def faults(manifest: object) -> list[str]:
    """Everything in a manifest that Slack would refuse, or auditloop couldn't use; each as a sentence."""
    try:
        Manifest.model_validate(manifest)
    except ValidationError as error:
        return list(dict.fromkeys(_sentence(detail) for detail in error.errors()))
    return []


def _sentence(detail: Any) -> str:
    return sentence(detail, MANIFEST, SETTINGS, "manifest")
