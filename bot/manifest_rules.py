"""What the manifests of the apps have in common: their texts, addresses and colours, and a fault as a sentence."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from yarl import URL

from cards.limits import units

Place = tuple[str | int, ...]


def line(limit: int, platform: str) -> Callable[[str], str]:
    """A check of a text of one line with at most `limit` characters, as the platforms count them."""

    def checked(text: str) -> str:
        if not text.strip():
            raise ValueError("this is empty: write something here")
        if text != text.strip() or not text.isprintable():
            raise ValueError("write this on one line, without spaces before or after it")
        return at_most(limit, platform)(text)

    return checked


def at_most(limit: int, platform: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if units(text) > limit:
            raise ValueError(
                f"{platform} shows at most {limit} characters here, and this has {units(text)}: shorten it"
            )
        return text

    return checked


def address(limit: int, platform: str, example: str) -> Callable[[str], str]:
    """A check of an https address with at most `limit` characters."""

    def checked(text: str) -> str:
        try:
            url = URL(text)
            port = url.port
        except ValueError:
            url, port = URL(), None
        if url.scheme != "https" or not url.host or not port or not text.isprintable() or " " in text:
            raise ValueError(f"write an address that begins with https://, such as {example}")
        return at_most(limit, platform)(text)

    return checked


def is_server_name(host: str) -> bool:
    """Whether this is a name by which the internet knows a server: no address in numbers, and not this computer."""
    label = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
    return bool(re.fullmatch(rf"({label}\.)+(?!\d+$){label}", host, re.ASCII))


def colour(text: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError("write a colour as # and six hexadecimal digits, such as #12525c")
    return text


def sentence(detail: Any, file: str, settings: Mapping[Place, str], what: str) -> str:
    """A fault that pydantic found, as a sentence that names the setting to change, or else the place in `file`.

    `settings` says which entry comes from which setting; `what` is what the file belongs to, such as package.
    """
    place = tuple(detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    words = {
        "missing": "this is missing",
        "extra_forbidden": f"auditloop's {what} has no such entry: take it out",
        "too_short": "there must be at least {min_length} here",
        "too_long": "there may be at most {max_length} here, and there are {actual_length}",
        "string_too_short": "this is empty: write something here",
        "model_type": "this must be an object",
    }.get(kind)
    if words is not None:
        words = words.format(**context)
    elif kind == "literal_error":
        words = f"this must be {context['expected']}"
    else:
        words = detail["msg"].removeprefix("Value error, ").replace("Input should be", "this must be")
    if place in settings:
        return f"auditloop.toml, {settings[place]}: {words}."
    inside = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
    return f"{file}, {inside}: {words}." if inside else f"{file}: {words}."
