"""Views as Slack shows them and tells of them: what stands in one, and the same view put before somebody again."""

from collections.abc import Iterable, Mapping
from typing import Any

from cards.blocks.forms import answers
from cards.blocks.texts import Json, plain

SAID = "said"
"""The block of what was said on a view that was put before somebody again."""
_MADE_OF = ("type", "callback_id", "private_metadata", "title", "submit", "close", "notify_on_close")
_BEGINS_WITH = {"value": "initial_value", "selected_option": "initial_option", "selected_date": "initial_date"}


def blocks_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The block of each input in a view that Slack tells of, by the input's name."""
    return {
        str(block["element"]["action_id"]): str(block["block_id"])
        for block in content.get("blocks") or ()
        if block.get("type") == "input"
    }


def unanswered(content: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """The inputs of a view that Slack tells of which must be answered and aren't, by their names."""
    return [name for name in map(_name, _insisted(content)) if not values.get(name, "").strip()]


def unchanged(content: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """What stood from the beginning in inputs that must be answered and come empty, by their names.

    Slack sends no form with such an input empty, so nobody emptied it: some clients send only what was changed.
    """
    begun = answers({_name(one): {_name(one): _begun(one["element"])} for one in _insisted(content)})
    return {name: value for name, value in begun.items() if value and not values.get(name)}


def _insisted(content: Mapping[str, Any]) -> list[Json]:
    blocks = content.get("blocks") or ()
    return [block for block in blocks if block.get("type") == "input" and not block.get("optional")]


def _name(block: Json) -> str:
    return str(block["element"]["action_id"])


def _begun(element: Mapping[str, Any]) -> Json:
    return {state: element[first] for state, first in _BEGINS_WITH.items() if element.get(first)}


def made_anew(view: Json, names: Iterable[str], mark: str) -> Json:
    """The view with new ids for the blocks of these inputs: in the old ones Slack goes on showing what was typed."""
    wanted = set(names)
    blocks = [
        block | {"block_id": f"input/{mark[-16:]}/{block['element']['action_id']}"[:255]}
        if block["type"] == "input" and block["element"]["action_id"] in wanted
        else block
        for block in view["blocks"]
    ]
    return view | {"blocks": blocks}


def refilled(content: Mapping[str, Any], words: str) -> Json:
    """A view that Slack tells of, with all that stands in it, and `words` above it."""
    values = (content.get("state") or {}).get("values") or {}
    said = {"type": "section", "block_id": SAID, "text": plain(words, 3000).to_dict()}
    before = [block for block in content.get("blocks") or () if block.get("block_id") != SAID]
    blocks = [said, *(_refilled(block, values.get(block.get("block_id"), {})) for block in before)]
    return {name: content[name] for name in _MADE_OF if content.get(name)} | {"blocks": blocks}


def _refilled(block: Json, given: Mapping[str, Any]) -> Json:
    """The block of an input with what stands in it; any other block as it is."""
    if block.get("type") != "input":
        return block
    element = {name: value for name, value in block["element"].items() if name not in _BEGINS_WITH.values()}
    state = given.get(element["action_id"], {})
    held = {first: state[name] for name, first in _BEGINS_WITH.items() if state.get(name)}
    return block | {"element": element | held}
