"""Settings: `auditloop.toml` in the working folder, and environment variables over it."""

import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from yarl import URL

from bot.email.addresses import is_address

if TYPE_CHECKING:
    from storage.retention import Keeping

FILE = "auditloop.toml"
PREFIX = "AUDITLOOP_"


class SettingsError(ValueError):
    """Settings that can't be used; each line names the key and says what to write."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this computer itself."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WebSettings(Section):
    """Where the platforms reach auditloop: the address it listens on, and the one that the world sees.

    `public_url` is the https address of the reverse proxy in front; links in cards begin with it.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=3978, ge=0, le=65535)
    public_url: str = ""

    @model_validator(mode="after")
    def _checked(self) -> "WebSettings":
        if self.public_url:
            url = URL(self.public_url)
            if not url.host or not (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))):
                raise ValueError("public_url must begin with https://, for example https://auditloop.example.gov.uk")
        return self


class TeamsCloud(Section):
    """Where Microsoft's services are. The defaults are the public cloud's; other clouds and tests name their own."""

    login_url: str = "https://login.microsoftonline.com"
    scope: str = "https://api.botframework.com"
    issuer: str = "https://api.botframework.com"
    keys_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    service_hosts: tuple[str, ...] = ("smba.trafficmanager.net", "botframework.com", "botframework.us")


class TeamsApp(Section):
    """What Teams shows of the app: its name, who publishes it, and where people can read more.

    An address that is left out leads to the page /about below web.public_url, which auditloop serves. `revision` goes
    up by one with each change of the package within a version of auditloop: Teams takes only a higher version.
    """

    name: str = "auditloop"
    publisher: str = "auditloop"
    website_url: str = ""
    privacy_url: str = ""
    terms_url: str = ""
    revision: int = Field(default=0, ge=0, le=99)


class TeamsSettings(Section):
    """The single-tenant app registration under which auditloop is a bot in Microsoft Teams.

    `certificate` is the path of a PEM file with the private key and the certificate, in place of `secret`.
    `anonymous` lets in a client without tokens, such as Microsoft's Agents Playground; on loopback only.
    `sends_a_second` is the most that this process sends in a second; Teams allows an app 50 in a tenant.
    """

    app_id: str = ""
    tenant_id: str = ""
    secret: SecretStr = SecretStr("")
    certificate: Path | None = None
    anonymous: bool = False
    slash_commands: bool = False
    sends_a_second: int = Field(default=25, ge=1, le=50)
    cloud: TeamsCloud = TeamsCloud()
    app: TeamsApp = TeamsApp()

    @model_validator(mode="after")
    def _checked(self) -> "TeamsSettings":
        if self.anonymous:
            if self.app_id:
                raise ValueError("anonymous goes without an app_id: take one of them out")
            return self
        missing = [name for name in ("app_id", "tenant_id") if not getattr(self, name)]
        if not self.secret.get_secret_value() and self.certificate is None:
            missing.append("secret (or certificate)")
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}. docs/teams.md says where to find them")
        return self


class SlackSettings(Section):
    """The Slack app under which auditloop is a bot in one workspace.

    With `app_token`, Slack is listened to through a socket that auditloop opens; without it, Slack posts to
    web.public_url, and `signing_secret` proves that it is Slack. `team_id` and `app_id` are those of the bot's token
    where they are left out. `sends_a_second` is the most messages that this process sends in a second; Slack allows
    several hundred in a minute, and one a second in a channel. `api_url` is Slack's own, or that of another Slack on
    this computer.
    """

    bot_token: SecretStr = SecretStr("")
    signing_secret: SecretStr = SecretStr("")
    app_token: SecretStr = SecretStr("")
    team_id: str = ""
    app_id: str = ""
    api_url: str = "https://slack.com/api/"
    sends_a_second: int = Field(default=4, ge=1, le=50)

    @model_validator(mode="after")
    def _checked(self) -> "SlackSettings":
        bot_token, app_token = (one.get_secret_value().strip() for one in (self.bot_token, self.app_token))
        missing = [] if bot_token else ["bot_token"]
        if not app_token and not self.signing_secret.get_secret_value().strip():
            missing.append("app_token (for Socket Mode) or signing_secret (where Slack posts to web.public_url)")
        if missing:
            raise ValueError(f"missing: {' and '.join(missing)}. docs/slack.md says where to find them")
        url = URL(self.api_url)
        here = is_loopback(url.host or "")
        if not url.host or not (url.scheme == "https" or (url.scheme == "http" and here)):
            raise ValueError("api_url must begin with https://, for example https://slack.com/api/")
        for name, token, begins in (("bot_token", bot_token, "xoxb-"), ("app_token", app_token, "xapp-")):
            if token and not token.startswith(begins) and not here:
                raise ValueError(f"{name} must be the token that begins with {begins}; docs/slack.md says where it is")
        return self

    @property
    def socket_mode(self) -> bool:
        return bool(self.app_token.get_secret_value().strip())


class EmailSettings(Section):
    """A mail server that takes what can't be delivered otherwise. `security`: starttls, tls, or none on loopback."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    sender: str
    user: str = ""
    password: SecretStr = SecretStr("")
    security: Literal["starttls", "tls", "none"] = "starttls"

    @model_validator(mode="after")
    def _checked(self) -> "EmailSettings":
        if not is_address(self.sender):
            raise ValueError("sender must be one plain e-mail address, for example auditloop@example.gov.uk")
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security can be none only with a mail server on this computer: write starttls or tls")
        return self


class WatchSettings(Section):
    """What whoever watches over auditloop gets of it: an address to read, and a sign of life (docs/watching.md).

    `port` gives `/metrics`, `/healthz` and `/readyz` an address of their own; left out, they are where the platforms
    are answered. `token` is asked for at `/metrics`. `ping_url` is called after good ticks, at most once in
    `ping_every_seconds`.
    """

    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)
    token: SecretStr = SecretStr("")
    ping_url: SecretStr = SecretStr("")
    ping_every_seconds: int = Field(default=60, ge=1, le=86400)

    @model_validator(mode="after")
    def _checked(self) -> "WatchSettings":
        token = self.token.get_secret_value()
        if token and (len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token):
            raise ValueError("token must have 16 characters or more, without spaces: openssl rand -hex 32 makes one")
        if not is_loopback(self.host):
            if self.port is None:
                raise ValueError("host goes with port: set both, or take host out")
            if not token:
                raise ValueError(
                    "beyond this computer only a token lets in: set token (AUDITLOOP_WATCH_TOKEN) or take host out"
                )
        if self.ping_url.get_secret_value() and not _may_be_called(self.ping_url.get_secret_value()):
            raise ValueError("ping_url must be an address that begins with https://, without a user name in it")
        return self


def _may_be_called(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    host = url.host or ""
    return bool(host) and not url.user and (url.scheme == "https" or (url.scheme == "http" and is_loopback(host)))


class BackupSettings(Section):
    """Backups. `tools` is the folder with pg_dump and pg_restore, where they aren't on the PATH."""

    tools: Path | None = None


class RetentionSettings(Section):
    """For how many months something is kept (docs/privacy.md); left out, or `off`, it is kept for ever.

    `months` counts from the last thing that was done on a closed audit, `alert_months` where a safety concern was
    raised on it. The longer of the two holds for those. What is erased is gone, so it is for the council to say when.
    """

    months: int | None = Field(default=None, ge=1, le=1200)
    alert_months: int | None = Field(default=None, ge=1, le=1200)

    @field_validator("months", "alert_months", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        if value == "off":
            return None
        if isinstance(value, bool) or not str(value).isdecimal():
            raise ValueError("write a number of months, or off to keep everything")
        return value

    @property
    def keeping(self) -> "Keeping":
        from storage.retention import Keeping

        return Keeping(self.months, self.alert_months)


class Settings(Section):
    """How auditloop runs here. With nothing set: Southampton on SQLite in the working folder, the desk on loopback.

    `switches` are the council's own choices where its framework leaves one (see `with_settings`). `desk` says whether
    the desk is open; left out, it is open where no platform is.
    """

    # Its URL may hold a password.
    database: str = Field(default="auditloop.sqlite3", repr=False)
    framework: str = "southampton"
    port: int = Field(default=8414, ge=0, le=65535)
    desk: bool | None = None
    switches: dict[str, Any] = Field(default_factory=dict)
    heartbeat_seconds: int = Field(default=15, ge=1, le=300)
    web: WebSettings = WebSettings()
    teams: TeamsSettings | None = None
    slack: SlackSettings | None = None
    email: EmailSettings | None = None
    backup: BackupSettings = BackupSettings()
    watch: WatchSettings = WatchSettings()
    retention: RetentionSettings = RetentionSettings()

    @model_validator(mode="after")
    def _checked(self) -> "Settings":
        if self.teams and self.teams.anonymous and not is_loopback(self.web.host):
            raise ValueError(
                f"teams.anonymous lets in anyone, so it works on loopback only, and web.host is {self.web.host}: "
                "register an app (docs/teams.md) or write web.host = 127.0.0.1"
            )
        public = URL(self.web.public_url).host if self.web.public_url else None
        if self.teams and self.teams.anonymous and public and not is_loopback(public):
            raise ValueError("teams.anonymous works on loopback only: take web.public_url out, or register an app")
        return self

    @property
    def database_url(self) -> str:
        """The database as SQLAlchemy's URL; a plain path is a SQLite file."""
        return self.database if "://" in self.database else f"sqlite:///{self.database}"

    @property
    def desk_open(self) -> bool:
        return self.teams is None and self.slack is None if self.desk is None else self.desk


SECTIONS: Mapping[str, type[Section]] = {
    "web": WebSettings,
    "teams": TeamsSettings,
    "slack": SlackSettings,
    "email": EmailSettings,
    "backup": BackupSettings,
    "watch": WatchSettings,
    "retention": RetentionSettings,
}
NESTED: Mapping[str, type[Section]] = {"cloud": TeamsCloud, "app": TeamsApp}


def read_settings(folder: Path, environment: Mapping[str, str]) -> Settings:
    """Read the settings of a folder. Raises SettingsError."""
    values: dict[str, Any] = {}
    file = folder / FILE
    if file.is_file():
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{FILE}: this is not valid TOML: {error}.") from error
    for name in Settings.model_fields:
        if (
            name != "switches"
            and name not in SECTIONS
            and (found := environment.get(PREFIX + name.upper())) is not None
        ):
            values[name] = found
    for section, model in SECTIONS.items():
        for name in model.model_fields:
            found = environment.get(f"{PREFIX}{section}_{name}".upper())
            if found is not None and name not in NESTED and isinstance(values.setdefault(section, {}), dict):
                values[section][name] = found
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_words(detail) for detail in error.errors())) from None


def _words(detail: Any) -> str:
    """A fault as the key and what to write. It never repeats a value, which may be a secret."""
    place = [str(part) for part in detail["loc"]]
    key = ", ".join((FILE, ".".join(place))) if place else FILE
    if detail["type"] == "extra_forbidden":
        model: type[BaseModel] = SECTIONS.get(place[0], Settings) if len(place) > 1 else Settings
        model = NESTED.get(place[1], model) if len(place) > 2 else model
        return f"{key}: there is no such setting. There are: {', '.join(model.model_fields)}."
    return f"{key}: {detail['msg'].removeprefix('Value error, ')}."
