"""The rehearsal file: its shape, and errors that name the step."""

from collections import Counter
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from audits.framework import Framework
from audits.frameworks import framework_named, shipped
from audits.reading import FrameworkError, parse_framework, with_settings
from bot.opening import text_of

LARGEST = 500_000
"""Bytes of a rehearsal; a year of a council's audits, step by step, has less."""


class RehearsalError(ValueError):
    """A rehearsal that can't be played; each line says where and what to write instead."""


def _local(value: Any) -> Any:
    if isinstance(value, (int, float)):
        raise ValueError("a number is no time: write 2026-03-30T15:00")
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(0, 0))
    return value


def _without_offset(value: datetime) -> datetime:
    if value.tzinfo is not None:
        raise ValueError("times are local, without an offset: write 2026-03-30T15:00")
    return value


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value


LocalTime = Annotated[datetime, BeforeValidator(_local), AfterValidator(_without_offset)]
Text = Annotated[str, BeforeValidator(_text)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScriptCase(_Part):
    ref: str
    plan: Literal["CIN", "CP", "LAC", "CL", "EH", "FC"] = "CIN"


class ScriptAction(_Part):
    what: str
    owner: str | None = None
    due: Text | None = None


class ScriptStep(_Part):
    """One thing that happens. A verb takes the fields that it knows and leaves the others alone."""

    at: LocalTime
    do: str
    by: str | None = None
    case: str | None = None
    cycle: Text | None = None
    to: str | None = None
    reason: str | None = None
    when: Text | None = None
    text: str | None = None
    child: str | None = None
    parent_carer: str | None = None
    grade: str | None = None
    safety: bool = False
    neglect: bool = False
    rationale: str | None = None
    feedback: dict[str, str | None] | None = None
    sections: dict[str, str] | None = None
    stretch: dict[str, str] | None = None
    actions: tuple[ScriptAction, ...] = ()
    concern: bool = False
    where: str | None = None
    action: int | None = None
    until: Text | None = None
    duty: str | None = None
    person: str | None = None
    decision: str | None = None
    kind: str | None = None
    title: str | None = None
    another: bool = False
    learning: bool = False
    good_example: str | None = None


class Script(_Part):
    framework: str
    start: LocalTime
    until: LocalTime
    settings: dict[str, Any] = Field(default_factory=dict)
    cast: dict[str, str | list[str] | None] = Field(default_factory=dict)
    cases: tuple[ScriptCase, ...] = ()
    steps: tuple[ScriptStep, ...] = ()
    unreachable: tuple[str, ...] = ()


def read_script(path: Path) -> tuple[Script, Framework]:
    """Read a rehearsal and its framework. Raises RehearsalError or FrameworkError."""
    raw = _raw(path)
    if not isinstance(raw, dict):
        raise RehearsalError(f"{path.name}: a rehearsal begins with framework, start, until and steps.")
    try:
        script = Script.model_validate(raw)
    except ValidationError as error:
        raise RehearsalError("\n".join(_problem(path.name, detail) for detail in error.errors())) from error
    ref, times = Counter(case.ref for case in script.cases).most_common(1)[0] if script.cases else ("", 0)
    if times > 1:
        raise RehearsalError(f"{path.name}: the case {ref!r} stands there twice.")
    if script.until < script.start:
        raise RehearsalError(f"{path.name}: until lies before start.")
    return script, _framework(script, path)


class _Loader(yaml.SafeLoader):
    """Plain YAML. References within a file are refused: a few lines of them stand for more than any memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise RehearsalError(f"line {line} refers to another place by *. Write there again what is meant.")
        return super().compose_node(parent, index)


def _raw(path: Path) -> Any:
    """What stands in the file. Raises RehearsalError."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise RehearsalError(f"this is larger than {LARGEST // 1000} KB. Play its parts one by one.")
        return yaml.load(content.decode("utf-8"), _Loader)  # noqa: S506 - a SafeLoader, and stricter
    except OSError as error:
        raise RehearsalError(f"{path.name} can't be read: {error.strerror}.") from error
    except RehearsalError as error:
        raise RehearsalError(f"{path.name}: {error}") from None
    except UnicodeDecodeError as error:
        raise RehearsalError(f"{path.name} is not a text file in UTF-8.") from error
    except yaml.YAMLError as error:
        raise RehearsalError(f"{path.name} is not valid YAML: {error}.") from error
    except RecursionError:
        raise RehearsalError(f"{path.name}: lists stand too deeply in one another. Take some brackets out.") from None
    except ValueError:
        # PyYAML makes dates and numbers itself, and lets go of what Python says of them, without a line.
        raise RehearsalError(
            f"{path.name}: there is no such day or time, or a number is too long. Write times like 2026-03-30T15:00."
        ) from None


def _problem(name: str, detail: Any) -> str:
    place = [str(part) for part in detail["loc"]]
    if len(place) > 1 and place[0] == "steps":
        place[0:2] = [f"step {int(place[1]) + 1}"]
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "there is no such field"
    return f"{name}: {', '.join(place)}: {message}."


def _framework(script: Script, path: Path) -> Framework:
    if script.framework in shipped():
        found = framework_named(script.framework)
    else:
        file = path.parent / script.framework
        try:
            there = file.is_file()
        except (OSError, ValueError):
            there = False
        if not there:
            raise FrameworkError(
                [f"There is no framework {script.framework!r}. Name one of {', '.join(shipped())}, or a file's path."]
            )
        found = parse_framework(text_of(file), file.name)
    settings = {
        key: {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
        for key, value in script.settings.items()
    }
    chosen = {"decided_by": "this rehearsal", "decided_on": script.start.date()}
    for name, value in settings.items():
        if name in found.settings and not isinstance(value, dict):
            settings[name] = {"value": value, **chosen}
    return with_settings(found, settings, f"{path.name}, settings") if settings else found
