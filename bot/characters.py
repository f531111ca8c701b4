"""Text from outside that no file and no database can hold: halves of characters, which JSON lets pass by themselves."""

import json
from collections.abc import Mapping
from typing import Any


def whole_characters(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same JSON with � in the place of each half of a character (a lone surrogate).

    A client that cuts a text in the middle of an emoji sends one. Raises RecursionError for what is nested too deeply.
    """
    written = json.dumps(told, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        whole: Mapping[str, Any] = json.loads(written.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        return whole
    return told
