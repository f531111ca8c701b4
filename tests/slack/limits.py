"""Slack's limits on what a bot may send: every fault of blocks, views and messages, with the place where it is.

Written from Slack's reference and from what its clients report, apart from the renderer in cards. A place is a pointer
such as `/blocks/0/text/text`. Lengths are counted in UTF-16 units.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Surface = Literal["message", "modal", "home"]

MOST_BLOCKS: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
MOST_TEXT, MOST_UPDATED_TEXT = 40_000, 4_000
MOST_ATTACHMENTS, MOST_VIEW_BYTES = 100, 250_000
MOST_WEIGHT, BLOCK_WEIGHT = 13_200, 125
"""What the blocks of a message may come to: all their text, and this much more for each block. Measured, not told."""

_SELECTS = ("static_select", "external_select", "users_select", "conversations_select", "channels_select")
_MULTI = tuple(f"multi_{kind}" for kind in _SELECTS)
_PICKERS = ("datepicker", "timepicker", "datetimepicker")
_CHOOSING = (*_SELECTS, *_MULTI, *_PICKERS, "checkboxes", "radio_buttons")
_IN_ACTIONS = frozenset({*_CHOOSING, "button", "overflow", "workflow_button", "rich_text_input"})
_IN_SECTION = frozenset({*_CHOOSING, "button", "overflow", "workflow_button", "image"})
_MODAL_ONLY = frozenset({"email_text_input", "url_text_input", "number_input", "file_input"})
_IN_INPUT = frozenset({*_CHOOSING, *_MODAL_ONLY, "plain_text_input", "rich_text_input"})
_MENTION = re.compile(r"<(?:!(?:channel|here|everyone|subteam\^[^>]*)|[@#][A-Z0-9]+)(?:\|[^>]*)?>")
_CALLING = frozenset({"user", "usergroup", "broadcast", "channel"})
_DAY, _TIME = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


def length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def faults_of(blocks: Any, surface: Surface = "message") -> list[str]:
    """What Slack refuses in these blocks."""
    reader = _Reader(surface)
    reader.blocks(blocks, "/blocks")
    return reader.faults


def faults_of_view(view: Any) -> list[str]:
    """What Slack refuses in a modal or a Home tab."""
    if not isinstance(view, dict):
        return ["/view: no object"]
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [f"/view/type: {kind!r} is no type of view"]
    reader = _Reader(kind)
    reader.view(view)
    if len(json.dumps(view)) > MOST_VIEW_BYTES:
        reader.say("/view", "over 250 kB")
    return reader.faults


def faults_of_message(message: Mapping[str, Any]) -> list[str]:
    """What Slack refuses in a message, and what a reader would miss: a text for the notification."""
    reader = _Reader("message")
    blocks, attachments, text = message.get("blocks"), message.get("attachments"), message.get("text")
    if blocks:
        reader.blocks(blocks, "/blocks")
    if attachments is not None:
        reader.attachments(attachments)
    if text is not None and not isinstance(text, str):
        reader.say("/text", "no string")
    elif not (text or "").strip() and (blocks or attachments):
        reader.say("/text", "missing: notifications and screen readers need it")
    elif length(text or "") > MOST_TEXT:
        reader.say("/text", f"{length(text or '')} characters, and Slack cuts it after {MOST_TEXT}")
    return reader.faults


def weight_of(blocks: Any) -> int:
    """What the blocks come to, by the sum that Slack limits for a message."""
    listed = blocks if isinstance(blocks, list) else []
    return sum(BLOCK_WEIGHT + sum(length(text) for text in _strings(block, "text")) for block in listed)


def mentions_in(payload: Any) -> list[str]:
    """The mentions that would call somebody: in markup, in the text of a message, and as parts of rich text."""
    found = [mention for text in _marked_up(payload) for mention in _MENTION.findall(text)]
    parts = (one.get("type") for one in _objects(payload))
    return found + [f"rich text {kind}" for kind in parts if kind in _CALLING]


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(inner)


def _strings(value: Any, key: str) -> Iterator[str]:
    return (one[key] for one in _objects(value) if isinstance(one.get(key), str))


def _marked_up(payload: Any) -> Iterator[str]:
    """Every text in which Slack reads markup."""
    if isinstance(payload, dict) and isinstance(payload.get("text"), str):
        yield payload["text"]
    for one in _objects(payload):
        if one.get("type") in ("mrkdwn", "markdown"):
            yield from _strings(one, "text")
        yield from (one[name] for name in ("pretext", "fallback") if isinstance(one.get(name), str))


@dataclass
class _Reader:
    """Reads a payload and notes its faults. Each `_x` reads one kind of object at a place."""

    surface: Surface
    faults: list[str] = field(default_factory=list)

    def say(self, at: str, what: str) -> None:
        self.faults.append(f"{at}: {what}")

    def attachments(self, attachments: Any) -> None:
        if not isinstance(attachments, list):
            self.say("/attachments", "no list")
            return
        if len(attachments) > MOST_ATTACHMENTS:
            self.say("/attachments", f"{len(attachments)} attachments, at most {MOST_ATTACHMENTS}")
        for number, one in enumerate(attachments):
            if isinstance(one, dict) and "blocks" in one:
                self.blocks(one["blocks"], f"/attachments/{number}/blocks")

    def view(self, view: Json) -> None:
        keys = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
        modal = view["type"] == "modal"
        if modal:
            keys |= {"title", "close", "submit", "clear_on_close", "notify_on_close", "submit_disabled"}
        self._keys(view, "/view", ("type", "blocks", *(("title",) if modal else ())), keys)
        for name in ("title", "close", "submit"):
            if modal and name in view:
                self._text(view[name], f"/view/{name}", 24, plain=True)
        for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
            self._string(view, name, "/view", most, least=0)
        self.blocks(view.get("blocks"), "/view/blocks")
        blocks = view.get("blocks")
        asks = isinstance(blocks, list) and any(isinstance(one, dict) and one.get("type") == "input" for one in blocks)
        if modal and asks and "submit" not in view:
            self.say("/view/submit", "missing, and there are inputs")

    def blocks(self, blocks: Any, at: str) -> None:
        if not isinstance(blocks, list):
            self.say(at, "no list")
            return
        most = MOST_BLOCKS[self.surface]
        if len(blocks) > most:
            self.say(at, f"{len(blocks)} blocks, at most {most}")
        names: set[str] = set()
        tables = 0
        for number, block in enumerate(blocks):
            here = f"{at}/{number}"
            if not isinstance(block, dict):
                self.say(here, "no object")
                continue
            reads = _BLOCKS.get(str(block.get("type")))
            if reads is None:
                self.say(f"{here}/type", f"{block.get('type')!r} is no block that Slack takes here")
                continue
            self._string(block, "block_id", here, 255)
            if block.get("block_id") in names:
                self.say(f"{here}/block_id", f"{block['block_id']!r} is there twice")
            names.add(str(block.get("block_id", here)))
            tables += block["type"] == "table"
            reads(self, block, here)
            self._unique_actions(block, here)
        if tables > 1:
            self.say(at, "only one table is allowed")
        if sum(bool(one.get("focus_on_load")) for one in _objects(blocks)) > 1:
            self.say(at, "focus_on_load is there twice")
        for one in _objects(blocks):
            for name, value in one.items():
                if value is None:
                    self.say(at, f"{name} is null")

    def _unique_actions(self, block: Json, at: str) -> None:
        names = [one["action_id"] for one in _objects(block) if isinstance(one.get("action_id"), str)]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.say(at, f"action_id {name!r} is there twice")

    def _keys(self, value: Json, at: str, needed: tuple[str, ...], known: Set[str]) -> None:
        for name in needed:
            if name not in value:
                self.say(f"{at}/{name}", "missing")
        for name in value.keys() - known - set(needed):
            self.say(f"{at}/{name}", "not known here")

    def _block(self, block: Json, at: str, needed: tuple[str, ...], known: Set[str] = frozenset()) -> None:
        self._keys(block, at, ("type", *needed), {*known, "block_id"})

    def _string(self, value: Json, name: str, at: str, most: int, *, least: int = 1) -> None:
        if name not in value:
            return
        text = value[name]
        if not isinstance(text, str):
            self.say(f"{at}/{name}", "no string")
        elif not least <= length(text) <= most:
            self.say(f"{at}/{name}", f"{length(text)} characters, from {least} to {most} are taken")

    def _text(self, value: Any, at: str, most: int, *, plain: bool = False) -> None:
        """A text object, of plain text only where it must be."""
        if not isinstance(value, dict):
            self.say(at, "no text object")
            return
        kind = value.get("type")
        if kind not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
            self.say(f"{at}/type", f"{kind!r} is not taken here")
        self._keys(value, at, ("type", "text"), {"emoji"} if kind == "plain_text" else {"verbatim"})
        self._string(value, "text", at, most)
        if isinstance(value.get("text"), str) and value["text"] and not value["text"].strip():
            self.say(f"{at}/text", "nothing but space")

    def _list(self, value: Any, at: str, most: int) -> list[Any]:
        if not isinstance(value, list) or not value:
            self.say(at, "no list, or an empty one")
            return []
        if len(value) > most:
            self.say(at, f"{len(value)} items, at most {most}")
        return value

    def _section(self, block: Json, at: str) -> None:
        self._block(block, at, (), {"text", "fields", "accessory", "expand"})
        if "text" not in block and "fields" not in block:
            self.say(at, "neither text nor fields")
        if "text" in block:
            self._text(block["text"], f"{at}/text", 3000)
        if "fields" in block:
            for number, one in enumerate(self._list(block["fields"], f"{at}/fields", 10)):
                self._text(one, f"{at}/fields/{number}", 2000)
        if "accessory" in block:
            self._element(block["accessory"], f"{at}/accessory", _IN_SECTION)

    def _header(self, block: Json, at: str) -> None:
        self._block(block, at, ("text",), {"level"})
        self._text(block.get("text"), f"{at}/text", 150, plain=True)

    def _divider(self, block: Json, at: str) -> None:
        self._block(block, at, ())

    def _context(self, block: Json, at: str) -> None:
        self._block(block, at, ("elements",))
        for number, one in enumerate(self._list(block.get("elements"), f"{at}/elements", 10)):
            here = f"{at}/elements/{number}"
            if isinstance(one, dict) and one.get("type") == "image":
                self._image(one, here)
            else:
                self._text(one, here, 2000)

    def _actions(self, block: Json, at: str) -> None:
        self._block(block, at, ("elements",))
        for number, one in enumerate(self._list(block.get("elements"), f"{at}/elements", 25)):
            self._element(one, f"{at}/elements/{number}", _IN_ACTIONS)

    def _input(self, block: Json, at: str) -> None:
        self._block(block, at, ("label", "element"), {"hint", "optional", "dispatch_action"})
        self._text(block.get("label"), f"{at}/label", 2000, plain=True)
        if "hint" in block:
            self._text(block["hint"], f"{at}/hint", 2000, plain=True)
        allowed = _IN_INPUT if self.surface == "modal" else _IN_INPUT - _MODAL_ONLY
        self._element(block.get("element"), f"{at}/element", allowed)

    def _image_block(self, block: Json, at: str) -> None:
        if "title" in block:
            self._text(block["title"], f"{at}/title", 2000, plain=True)
        self._image(block, at, {"title", "block_id"})

    def _image(self, value: Json, at: str, known: Set[str] = frozenset()) -> None:
        self._keys(value, at, ("type", "alt_text"), {"image_url", "slack_file", *known})
        self._string(value, "alt_text", at, 2000)
        self._string(value, "image_url", at, 3000)
        if ("image_url" in value) == ("slack_file" in value):
            self.say(at, "one of image_url and slack_file is needed")

    def _markdown(self, block: Json, at: str) -> None:
        self._block(block, at, ("text",))
        self._string(block, "text", at, 12_000)
        self._only_in_messages(at)

    def _table(self, block: Json, at: str) -> None:
        self._block(block, at, ("rows",), {"column_settings"})
        self._only_in_messages(at)
        widths = set()
        for number, row in enumerate(self._list(block.get("rows"), f"{at}/rows", 100)):
            here = f"{at}/rows/{number}"
            cells = self._list(row, here, 20)
            widths.add(len(cells))
            for column, cell in enumerate(cells):
                self._cell(cell, f"{here}/{column}")
        if len(widths) > 1:
            self.say(f"{at}/rows", "rows of different lengths")
        if "column_settings" in block:
            self._list(block["column_settings"], f"{at}/column_settings", 20)

    def _cell(self, cell: Any, at: str) -> None:
        kind = cell.get("type") if isinstance(cell, dict) else None
        if kind == "rich_text":
            self._rich_text(cell, at)
        elif kind == "raw_text":
            self._keys(cell, at, ("type", "text"), set())
            self._string(cell, "text", at, 3000)
        elif kind == "raw_number":
            self._keys(cell, at, ("type", "value"), {"text"})
        else:
            self.say(at, "no cell")

    def _only_in_messages(self, at: str) -> None:
        if self.surface != "message":
            self.say(at, f"not taken in a {self.surface}")

    def _rich_text(self, block: Json, at: str) -> None:
        self._block(block, at, ("elements",))
        for number, one in enumerate(self._list(block.get("elements"), f"{at}/elements", 1000)):
            self._rich_part(one, f"{at}/elements/{number}")

    def _rich_part(self, part: Any, at: str) -> None:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"):
            self.say(at, f"{kind!r} is no part of rich text")
            return
        known = {"style", "indent", "offset", "border"} if kind == "rich_text_list" else {"border", "language"}
        self._keys(part, at, ("type", "elements"), known)
        if kind == "rich_text_list" and part.get("style") not in ("bullet", "ordered"):
            self.say(f"{at}/style", "bullet or ordered is needed")
        for number, one in enumerate(self._list(part.get("elements"), f"{at}/elements", 1000)):
            here = f"{at}/elements/{number}"
            if kind == "rich_text_list":
                self._rich_part(one, here)
            elif not isinstance(one, dict) or one.get("type") not in _RICH:
                self.say(here, "not known in rich text")
            elif one["type"] == "text":
                self._keys(one, here, ("type", "text"), {"style"})
                self._string(one, "text", here, MOST_WEIGHT)

    def _element(self, value: Any, at: str, allowed: frozenset[str]) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in allowed:
            self.say(at, f"{kind!r} is not taken here")
            return
        if kind == "image":
            self._image(value, at)
            return
        needed, known = _ELEMENTS[kind]
        shared = {"action_id", "confirm"} | (set() if kind in ("button", "overflow") else {"focus_on_load"})
        self._keys(value, at, ("type", *needed), {*known, *shared})
        self._string(value, "action_id", at, 255)
        if "placeholder" in value:
            self._text(value["placeholder"], f"{at}/placeholder", 150, plain=True)
        if "confirm" in value:
            self._confirm(value["confirm"], f"{at}/confirm")
        if kind in ("button", "workflow_button"):
            self._button(value, at)
        elif kind in _OPTIONS:
            self._chooser(value, at, *_OPTIONS[kind])
        elif kind == "plain_text_input":
            self._typed(value, at)
        for name, form in (("initial_date", _DAY), ("initial_time", _TIME)):
            if name in value and not (isinstance(value[name], str) and form.fullmatch(value[name])):
                self.say(f"{at}/{name}", f"{value[name]!r} is none")

    def _button(self, value: Json, at: str) -> None:
        self._text(value.get("text"), f"{at}/text", 75, plain=True)
        self._string(value, "value", at, 2000)
        self._string(value, "url", at, 3000)
        self._string(value, "accessibility_label", at, 75)
        if "style" in value and value["style"] not in ("primary", "danger"):
            self.say(f"{at}/style", "primary or danger is needed")

    def _confirm(self, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            self.say(at, "no object")
            return
        self._keys(value, at, ("title", "text", "confirm", "deny"), {"style"})
        for name, most in (("title", 100), ("confirm", 30), ("deny", 30)):
            self._text(value.get(name), f"{at}/{name}", most, plain=True)
        self._text(value.get("text"), f"{at}/text", 300)

    def _typed(self, value: Json, at: str) -> None:
        least, most = value.get("min_length", 0), value.get("max_length", 3000)
        if not (isinstance(least, int) and isinstance(most, int) and 0 <= least <= most and 1 <= most <= 3000):
            self.say(at, f"lengths from {least!r} to {most!r} are none")
        elif length(str(value.get("initial_value", ""))) > most:
            self.say(f"{at}/initial_value", "longer than the input")

    def _chooser(self, value: Json, at: str, most: int, plain: bool) -> None:
        """Whatever offers options; plain says whether their text must be."""
        offered: list[Any] = []
        if ("options" in value) == ("option_groups" in value):
            self.say(at, "one of options and option_groups is needed")
        if "options" in value:
            offered = self._list(value["options"], f"{at}/options", most)
            self._options(offered, f"{at}/options", plain)
        for number, group in enumerate(
            self._list(value["option_groups"], f"{at}/option_groups", 100) if "option_groups" in value else []
        ):
            here = f"{at}/option_groups/{number}"
            self._keys(group, here, ("label", "options"), set())
            self._text(group.get("label"), f"{here}/label", 75, plain=True)
            options = self._list(group.get("options"), f"{here}/options", most)
            self._options(options, f"{here}/options", plain)
            offered = [*offered, *options]
        values = [one.get("value") for one in offered if isinstance(one, dict)]
        if len(set(map(str, values))) < len(values):
            self.say(at, "two options have one value")
        chosen = value.get("initial_options", [])
        for one in [*(chosen if isinstance(chosen, list) else []), value.get("initial_option")]:
            if one is not None and one not in offered:
                self.say(at, "the initial option is none of the options, to the letter")
        if chosen == [] and "initial_options" in value:
            self.say(f"{at}/initial_options", "empty")

    def _options(self, options: list[Any], at: str, plain: bool) -> None:
        for number, one in enumerate(options):
            here = f"{at}/{number}"
            if not isinstance(one, dict):
                self.say(here, "no object")
                continue
            self._keys(one, here, ("text", "value"), {"description", "url"})
            self._text(one.get("text"), f"{here}/text", 75, plain=plain)
            self._string(one, "value", here, 150)
            if "description" in one:
                self._text(one["description"], f"{here}/description", 75, plain=plain)


_RICH = frozenset({"text", "link", "emoji", "date", "user", "usergroup", "channel", "broadcast", "color"})
_OPTIONS: dict[str, tuple[int, bool]] = {
    "static_select": (100, True),
    "multi_static_select": (100, True),
    "overflow": (5, True),
    "checkboxes": (10, False),
    "radio_buttons": (10, False),
}
"""How many options an element takes, and whether their text must be plain."""

_ELEMENTS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "button": (("text",), {"value", "url", "style", "accessibility_label"}),
    "workflow_button": (("text", "workflow"), {"style", "accessibility_label"}),
    "overflow": (("options",), set()),
    "checkboxes": (("options",), {"initial_options"}),
    "radio_buttons": (("options",), {"initial_option"}),
    "static_select": ((), {"options", "option_groups", "initial_option", "placeholder"}),
    "multi_static_select": ((), {"options", "option_groups", "initial_options", "placeholder", "max_selected_items"}),
    "datepicker": ((), {"initial_date", "placeholder"}),
    "timepicker": ((), {"initial_time", "placeholder", "timezone"}),
    "datetimepicker": ((), {"initial_date_time"}),
    "plain_text_input": (
        (),
        {"initial_value", "multiline", "min_length", "max_length", "dispatch_action_config", "placeholder"},
    ),
    "rich_text_input": ((), {"initial_value", "dispatch_action_config", "placeholder"}),
    "email_text_input": ((), {"initial_value", "dispatch_action_config", "placeholder"}),
    "url_text_input": ((), {"initial_value", "dispatch_action_config", "placeholder"}),
    "number_input": (
        ("is_decimal_allowed",),
        {"initial_value", "min_value", "max_value", "dispatch_action_config", "placeholder"},
    ),
    "file_input": ((), {"filetypes", "max_files"}),
    **{
        f"{many}{kind}": (
            (),
            {
                "placeholder", "max_selected_items", "min_query_length", "filter", "response_url_enabled",
                "default_to_current_conversation", f"initial_{kind.removesuffix('s_select')}{'s' if many else ''}",
            },
        )
        for many in ("", "multi_")
        for kind in ("external_select", "users_select", "conversations_select", "channels_select")
    },
}  # fmt: skip
"""What an element must have and may have, beside its type, action_id and confirm."""

_BLOCKS: dict[str, Callable[[_Reader, Json, str], None]] = {
    "section": _Reader._section,
    "header": _Reader._header,
    "divider": _Reader._divider,
    "context": _Reader._context,
    "actions": _Reader._actions,
    "input": _Reader._input,
    "image": _Reader._image_block,
    "markdown": _Reader._markdown,
    "table": _Reader._table,
    "rich_text": _Reader._rich_text,
}
