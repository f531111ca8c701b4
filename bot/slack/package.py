"""The manifest from which an administrator makes the Slack app."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from yarl import URL

from bot.manifest_files import NotWritten, put
from bot.settings import Settings
from bot.slack.package_rules import MANIFEST, PATH, faults

OUT = Path("auditloop-slack.json")
WHAT = "manifest"
COMMAND = "auditloop manifest slack"
YAML = {".yaml", ".yml"}


def write_manifest(settings: Settings, out: Path = OUT, *, socket_mode: bool | None = None) -> None:
    """Write the manifest of the Slack app and say what was done. Raises NotWritten, with nothing written.

    The ending of `out` says whether it is JSON or YAML; - is standard output. Left out, `socket_mode` follows from the
    settings: with slack.app_token Slack is listened to through a socket, otherwise at web.public_url if there is one.
    """
    manifest = manifest_of(settings, socket_mode=socket_mode)
    if found := faults(manifest):
        raise NotWritten(WHAT, *found)
    if out == Path("-"):
        print(written(manifest), end="")
        return
    if out.suffix not in {".json", *YAML} and not out.is_dir():
        raise NotWritten(WHAT, f"{out}: the name must end in .json or .yaml, for that is what is written.")
    text = written(manifest, as_yaml=out.suffix in YAML)
    put(text.encode(), out, what=WHAT, name=OUT.name, option=COMMAND, is_one=_is_manifest)
    print(f"Wrote {out}: {manifest['display_information']['name']} for Slack, {_way(manifest)}.")
    if manifest["settings"]["socket_mode_enabled"] and socket_mode is None and not settings.slack:
        print("That is because auditloop.toml has no web.public_url. With one, Slack would send to it over https.")
    print(f"It asks for {', '.join(manifest['oauth_config']['scopes']['bot'])}. Checked by auditloop's own rules.")
    print("Next: create the app from it at https://api.slack.com/apps (docs/slack.md).")


def manifest_of(settings: Settings, *, socket_mode: bool | None = None) -> dict[str, Any]:
    """The manifest: what is the same for every council, with the way by which Slack reaches this one put in.

    Raises NotWritten where Slack can reach it by no way.
    """
    if socket_mode is None:
        socket_mode = _listens_on_socket(settings) or not (settings.web.public_url or settings.slack)
    manifest: dict[str, Any] = json.loads(files("manifest").joinpath("slack", MANIFEST).read_bytes())
    manifest["settings"]["socket_mode_enabled"] = socket_mode
    if not socket_mode:
        url = _request_url(settings)
        manifest["settings"]["event_subscriptions"] = {
            "request_url": url,
            **manifest["settings"]["event_subscriptions"],
        }
        manifest["settings"]["interactivity"]["request_url"] = url
        manifest["features"]["slash_commands"][0]["url"] = url
    return manifest


def written(manifest: dict[str, Any], *, as_yaml: bool = False) -> str:
    """The manifest as text."""
    if as_yaml:
        return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def _listens_on_socket(settings: Settings) -> bool:
    return settings.slack is not None and settings.slack.socket_mode


def _request_url(settings: Settings) -> str:
    """The address that Slack is told. Raises NotWritten."""
    if not settings.web.public_url:
        raise NotWritten(
            WHAT,
            "auditloop.toml, web.public_url: write the https address under which Slack reaches auditloop, for example "
            f"https://auditloop.example.gov.uk. Where there is none, write: {COMMAND} --socket-mode",
        )
    public = URL(settings.web.public_url)
    return str(public.with_path(public.path.rstrip("/") + PATH))


def _way(manifest: dict[str, Any]) -> str:
    if manifest["settings"]["socket_mode_enabled"]:
        return "in Socket Mode"
    return f"at {manifest['settings']['interactivity']['request_url']}"


def _is_manifest(file: Path) -> bool:
    try:
        # JSON is YAML too.
        read = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False
    return isinstance(read, dict) and "display_information" in read
