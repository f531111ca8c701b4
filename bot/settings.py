"""Settings: `auditloop.toml` in the working folder, and environment variables over it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE = "auditloop.toml"
PREFIX = "AUDITLOOP_"


class SettingsError(ValueError):
    """Settings that can't be used; each line names the key and says what to write."""


class Settings(BaseModel):
    """How auditloop runs here. With nothing set: Southampton on SQLite in the working folder, the desk on loopback.

    `switches` are the council's own choices where its framework leaves one (see `with_settings`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str = "auditloop.sqlite3"
    framework: str = "southampton"
    port: int = Field(default=8414, ge=0, le=65535)
    switches: dict[str, Any] = Field(default_factory=dict)
    heartbeat_seconds: int = Field(default=15, ge=1, le=300)

    @property
    def database_url(self) -> str:
        """The database as SQLAlchemy's URL; a plain path is a SQLite file."""
        return self.database if "://" in self.database else f"sqlite+aiosqlite:///{self.database}"


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
        if name == "switches":
            continue
        if (found := environment.get(PREFIX + name.upper())) is not None:
            values[name] = found
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        lines = []
        for detail in error.errors():
            key = ".".join(str(part) for part in detail["loc"])
            known = ", ".join(Settings.model_fields)
            unknown = detail["type"] == "extra_forbidden"
            lines.append(
                f"{FILE}, {key}: "
                + (f"there is no such setting. There are: {known}." if unknown else f"{detail['msg']}.")
            )
        raise SettingsError("\n".join(lines)) from error
