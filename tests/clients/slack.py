"""What Slack's own types (npm `@slack/types`) say of a message, a modal or a Home tab.

They know every key and every kind of text; of lengths and numbers they know nothing (tests/slack/limits.py does).
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Literal

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from tests.clients.schemas import schema_of

Kind = Literal["Message", "Modal", "Home"]

_SOURCE = """
import type { HomeView, KnownBlock, ModalView } from "@slack/types";
type Known<View> = Omit<View, "blocks"> & { blocks: KnownBlock[] };
export interface Message { text: string; blocks: KnownBlock[] }
export type Modal = Known<ModalView>;
export type Home = Known<HomeView>;
"""
"""Their views take blocks of any type that nobody knows; ours may have only those that they know."""


def faults_by_type(kind: Kind, payload: Mapping[str, Any]) -> list[str]:
    """What the types have against it, each with its place. For tests marked `clients`."""
    blocks = payload.get("blocks")
    found = [_words(error) for error in _validator(kind).iter_errors({**payload, "blocks": []})]
    if isinstance(blocks, list):
        for place, block in enumerate(blocks):
            found.extend(f"/blocks/{place}{fault}" for fault in _faults_of_block(json.dumps(block, sort_keys=True)))
    return found


@cache
def _definitions() -> dict[str, Any]:
    found: dict[str, Any] = schema_of(_SOURCE)["definitions"]
    return found


@cache
def _validator(name: str) -> Draft7Validator:
    return Draft7Validator({"definitions": _definitions(), "$ref": f"#/definitions/{name}"})


@lru_cache(maxsize=20_000)
def _faults_of_block(text: str) -> tuple[str, ...]:
    """The faults of a block, given as JSON: many are in many messages."""
    block = json.loads(text)
    kind = block.get("type") if isinstance(block, dict) else None
    name = _blocks_by_type().get(str(kind))
    if name is None:
        return (f": {kind!r} is no block that Slack's types know",)
    return tuple(_words(inner) for error in _validator(name).iter_errors(block) for inner in _nearest(error))


@cache
def _blocks_by_type() -> dict[str, str]:
    """The name of the type of each kind of block."""
    names = [one["$ref"].rpartition("/")[2] for one in _definitions()["KnownBlock"]["anyOf"]]
    return {kind: name for name in names for kind in _kinds(_definitions()[name])}


def _kinds(definition: Mapping[str, Any]) -> Iterator[str]:
    """The values that `type` may have in objects of this definition."""
    if "$ref" in definition:
        yield from _kinds(_definitions()[definition["$ref"].rpartition("/")[2]])
    for one in definition.get("anyOf", ()):
        yield from _kinds(one)
    if kind := definition.get("properties", {}).get("type", {}).get("const"):
        yield kind


def _nearest(error: ValidationError) -> list[ValidationError]:
    """Where an object may be of several types, what is wrong with it as the type that it says it is."""
    return _read(error)[0]


def _read(error: ValidationError) -> tuple[list[ValidationError], bool]:
    """The nearest errors, and whether they are those of a type that the object doesn't claim to be."""
    if error.validator != "anyOf" or not error.context:
        return [error], error.validator == "const" and list(error.path) == ["type"]
    branches: dict[Any, tuple[list[ValidationError], bool]] = {}
    for inner in error.context:
        errors, other = _read(inner)
        found, foreign = branches.get(inner.schema_path[0], ([], False))
        # An error deeper down says nothing of which type this object is.
        here = not inner.path or inner.validator == "const"
        branches[inner.schema_path[0]] = [*found, *errors], foreign or (other and here)
    return next((one for one in branches.values() if not one[1]), next(iter(branches.values())))


def _words(error: ValidationError) -> str:
    return f"{''.join(f'/{part}' for part in error.absolute_path)}: {error.message[:300]}"
