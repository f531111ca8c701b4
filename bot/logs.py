"""The log: what happened where, without what anybody wrote.

The message of a fault may repeat it: a library that can't build a card names the text that it stumbled over. So of a
fault the log has its kind and the places in the code, whoever logs it.
"""

import copy
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any

FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MOST_FAULTS = 20
"""Of faults that led to one another."""
EVENT_LOOP = "asyncio"
"""It tells of a task or a callback that failed with all that these held, the message of the fault among it."""
_LOOP_SAYS = re.compile(r"[\n(<]")
"""Where it ends to say what failed, and begins with what that held."""


class WithoutWords(logging.Formatter):
    """Formats faults without their messages."""

    def format(self, record: logging.LogRecord) -> str:
        # Another handler may have put the whole text of the fault into the record.
        record = copy.copy(record)
        record.exc_text = None
        if record.name == EVENT_LOOP and record.levelno >= logging.ERROR:
            record.msg, record.args = _LOOP_SAYS.split(record.getMessage(), maxsplit=1)[0].rstrip(), ()
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's own name
        lines: list[str] = []
        for fault in _faults(ei[1]):
            lines.append(f"{type(fault).__module__}.{type(fault).__qualname__} at:\n")
            lines.extend(traceback.format_tb(fault.__traceback__))
        return "".join(lines).rstrip()


def set_up_logs() -> None:
    """Write warnings and worse to standard error, unless whoever started the program has set something up."""
    if logging.root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(WithoutWords(FORM))
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.WARNING)


def _faults(fault: BaseException | None) -> Iterator[BaseException]:
    """A fault, what led to it, and what it holds, each once; the first is the one that was logged."""
    waiting, seen = [fault], set[int]()
    while waiting and len(seen) < MOST_FAULTS:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting.append(one.__cause__ or (None if one.__suppress_context__ else one.__context__))
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)
