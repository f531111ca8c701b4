"""How a manifest comes to stand in a file: whole or not at all, and never over something else."""

import secrets
from collections.abc import Callable
from pathlib import Path

from bot.faults import UserFault


class NotWritten(UserFault):
    """Nothing was written; each line says what to mend."""

    def __init__(self, what: str, *found: str) -> None:
        super().__init__("\n".join([f"No {what} was written.", *found]))


def put(data: bytes, out: Path, *, what: str, name: str, option: str, is_one: Callable[[Path], bool]) -> None:
    """Put the whole of `data` into a file, or leave what is there as it was. Raises NotWritten.

    `what` it is, such as package; `name` is that of a file in a folder; `option` is what one writes before a name in
    the command; `is_one` says whether the file that is there already is such a one, and may be replaced.
    """
    half = out.parent / f".{out.name}.{secrets.token_hex(4)}"
    try:
        if out.is_dir():
            raise NotWritten(what, f"{out} is a folder. Name a file in it: {option} {out / name}")
        if out.exists() and not is_one(out):
            raise NotWritten(what, f"{out} is there already and is no app {what}. Give another name: {option} FILE")
        try:
            half.write_bytes(data)
            half.replace(out)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise NotWritten(what, f"{out} can't be written: {error.strerror}.") from None
