"""What a single cell says: blank, an Excel error, a name, a formula in disguise, and how much of it may be shown."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from functools import lru_cache

EXCEL_ERRORS = frozenset(
    {
        "#n/a",
        "#value!",
        "#ref!",
        "#name?",
        "#div/0!",
        "#null!",
        "#num!",
        "#spill!",
        "#calc!",
        "#getting_data",
        "#field!",
        "#blocked!",
        "#connect!",
    }
)
NOBODY = frozenset(
    {
        *("-", "--", "–", "—", "n/a", "na", "none", "nil", "null", "nobody", "blank", "vacant", "tbc"),
        *("unallocated", "not allocated", "not yet allocated", "unassigned", "no allocated worker", "no worker"),
    }
)
LONGEST_SHOWN = 40
LISTED = 20

# Those without a width or a shape of their own; those that change the direction of a line or, in a terminal, its
# colour; and halves of characters. White space is none of them.
_UNSEEN = dict.fromkeys(
    [
        *map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u061c"),
        *(code for code in (*range(0x20), *range(0x7F, 0xA0)) if not chr(code).isspace()),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ]
)
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u0060\u00b4\u02bc", "'"))
_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = re.compile(
    r"(?<!\d)(?:\d{1,2}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*(?:\d{4}|\d{2})|\d{4}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{1,2})(?!\d)"
    rf"|(?<!\d)\d{{1,2}}(?:st|nd|rd|th)?[\s\-/]*{_MONTH}[\s\-/,]*(?:\d{{4}}|\d{{2}})(?!\d)"
    rf"|\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}(?!\d)",
    re.IGNORECASE,
)
_WITHHELD = re.compile(
    r"(?<!\d)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?!\d)"
    r"|(?<!\d)\d{3}[\s-]?\d{3}[\s-]?\d{4}(?!\d)"
    r"|\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"[=+\-@]\s*\S")


def text_of(value: object) -> str:
    """The cell as text: white space squeezed, what can't be seen left out, whole numbers without ".0"."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _squeezed(str(value))


# The same few codes, teams and names stand in thousands of cells.
@lru_cache(maxsize=4096)
def _squeezed(text: str) -> str:
    return " ".join(text.translate(_UNSEEN).split())


def is_error(value: object) -> bool:
    return isinstance(value, str) and value.strip().casefold() in EXCEL_ERRORS


def is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not _squeezed(value))


def is_filler(value: object) -> bool:
    """What a formula leaves behind that was filled down beyond the data: nothing, an error, or 0."""
    return is_blank(value) or is_error(value) or value in (0, time(0))


def is_moment(value: object) -> bool:
    """A date or time as Excel keeps it."""
    return isinstance(value, (date, time, timedelta))


def says_date(value: object) -> bool:
    """A date or time of Excel's, or text that holds a date."""
    return is_moment(value) or (isinstance(value, str) and _DATE.search(value) is not None)


def begins_as_date(text: str) -> bool:
    return _DATE.match(text) is not None


def says_nobody(text: str) -> bool:
    """Text that stands for an empty cell where a name is expected, such as "Unallocated"."""
    return not text or text.casefold() in NOBODY


def looks_like_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None


def normal_name(name: str) -> str:
    """A person's name for comparison: case, spacing, accents' encoding and the shape of apostrophes make no difference.

    "Surname, Forename" becomes "forename surname".
    """
    text = text_of(unicodedata.normalize("NFKC", name)).translate(_APOSTROPHES).casefold()
    surname, comma, forename = (part.strip() for part in text.partition(","))
    return f"{forename} {surname}" if comma and forename and surname and "," not in forename else text.strip(" ,")


def words_of(value: object) -> str:
    """A heading or code for comparison: lower case, words and numbers parted by single spaces, nothing else."""
    return _words(text_of(value))


@lru_cache(maxsize=4096)
def _words(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    return " ".join(re.findall(r"\w+", plain.replace("'", "").replace("_", " ")))


def shown(value: object) -> str:
    """The cell as it may be shown in a message: shortened, and empty if it could be a date, NHS number or postcode."""
    text = text_of(value)
    if says_date(value) or _DATE.search(text) or _WITHHELD.search(text):
        return ""
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1].rstrip() + "…"


def listed(items: Iterable[str], most: int = LISTED) -> str:
    """The items joined by commas, with "and N more" after the first `most`."""
    every: Sequence[str] = list(items)
    tail = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + tail


def counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
