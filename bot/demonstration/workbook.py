"""The case list of the demonstration: List 6 of an Annex A workbook, as untidy as they come."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

from bot.demonstration.people import ASSESSMENT, PERMANENCE, Colleague

ROWS = 300
CLOSED = 29
STILL_CALLED_OPEN = 6

HEADINGS = (
    *("Child Unique ID", "Sex", "Ethnicity", "Date of Birth", "Age of Child (Years)"),
    *("Does the Child have a Disability", "CIN Start Date", "Primary Need Code", "Date Child Was Last Seen"),
    *("CIN Closure Date", "Reason for Closure", "Case Status", "Allocated Team", "Allocated Worker"),
)

# No vowels, so that no reference spells a word, and no letter that reads as a digit.
_LETTERS = "BCDFGHJKLMNPRTVWX"
_LOOKED_AFTER, _PROTECTED = "a) Looked after child", "b) Child Protection plan"
_IN_NEED, _ASSESSED, _CLOSED = "c) Child in need plan", "d) Open assessment", "e) Closed episode"
_STATUSES = {
    ASSESSMENT: {_ASSESSED: 25, _IN_NEED: 45, _PROTECTED: 25, _LOOKED_AFTER: 5},
    PERMANENCE: {_LOOKED_AFTER: 75, _IN_NEED: 15, _PROTECTED: 10},
}
_SEXES = {"a) Male": 49, "b) Female": 49, "d) Neither": 2}
_UNBORN = "c) Not stated/recorded (or unborn)"
_ETHNICITIES = {
    "a) WBRI": 48, "b) WIRI": 2, "d) WOTH": 7, "e) WROM": 2, "f) MWBC": 5, "g) MWBA": 3, "h) MWAS": 3, "i) MOTH": 3,
    "j) AIND": 4, "k) APKN": 5, "l) ABAN": 4, "m) AOTH": 2, "n) BCRB": 3, "o) BAFR": 5, "q) CHNE": 1, "r) OOTH": 2,
    "s) NOBT": 1,
}  # fmt: skip
_DISABILITIES = {"b) No": 84, "a) Yes": 14, "c) Unknown": 2}
_NEEDS = {"N1": 55, "N2": 8, "N4": 12, "N5": 18, "N6": 7}
_REASONS = {"RC5": 2, "RC7": 5, "RC8": 3}
_NOT_AVAILABLE = "#N/A"
_YEAR = 365.25
_YOUNGEST, _OLDEST = 45, int(17.9 * _YEAR)


def write_case_list(path: Path, workers: Sequence[Colleague], today: date, seed: int) -> None:
    """Write 300 made-up children, 29 of them closed, shared among the workers; the same seed gives the same list."""
    from openpyxl import Workbook

    random = Random(seed)
    book = Workbook(write_only=True)
    front = book.create_sheet("Read me")
    front.append(["Annex A, made up for a demonstration of auditloop. No child or worker in it exists."])
    sheet = book.create_sheet("List 6")
    sheet.append(["List 6: Children in Need"])
    sheet.append(HEADINGS)
    closed = random.sample(range(ROWS), CLOSED)
    stale = set(closed[:STILL_CALLED_OPEN])
    for number, ref in enumerate(_refs(random)):
        worker = workers[number % len(workers)]
        cells = _child(random, ref, worker, today)
        if number in closed:
            _close(random, cells, today, called_open=number in stale)
        sheet.append([cells[heading] for heading in HEADINGS])
    book.save(path)


def _refs(random: Random) -> list[str]:
    """References in the style of K7F-204, in no order, each once."""
    refs: dict[str, None] = {}
    while len(refs) < ROWS:
        first, last = random.choice(_LETTERS), random.choice(_LETTERS)
        refs[f"{first}{random.randint(2, 9)}{last}-{random.randint(100, 999)}"] = None
    return list(refs)


def _child(random: Random, ref: str, worker: Colleague, today: date) -> dict[str, object]:
    status = _one_of(random, _STATUSES[worker.place.area])
    unborn = status != _LOOKED_AFTER and random.random() < 0.03
    days = random.randint(_YOUNGEST, _OLDEST)
    years = days / _YEAR
    age: object = round(years, 1) if random.random() < 0.2 else int(years)
    start = today - timedelta(days=random.randint(20, 60 if status == _ASSESSED else 900))
    seen: object = today - timedelta(days=random.randint(1, 19))
    return {
        "Child Unique ID": ref,
        "Sex": _UNBORN if unborn else _one_of(random, _SEXES),
        "Ethnicity": _one_of(random, _ETHNICITIES),
        "Date of Birth": None if unborn else today - timedelta(days=days),
        "Age of Child (Years)": -1 if unborn else age,
        "Does the Child have a Disability": "b) No" if unborn else _one_of(random, _DISABILITIES),
        "CIN Start Date": start,
        "Primary Need Code": _NOT_AVAILABLE if random.random() < 0.02 else _one_of(random, _NEEDS),
        "Date Child Was Last Seen": _NOT_AVAILABLE if unborn or random.random() < 0.02 else seen,
        "CIN Closure Date": None,
        "Reason for Closure": None,
        "Case Status": status,
        "Allocated Team": worker.place.team + (" " if random.random() < 0.1 else ""),
        "Allocated Worker": _as_typed(random, worker.name),
    }


def _close(random: Random, cells: dict[str, object], today: date, *, called_open: bool) -> None:
    cells["CIN Closure Date"] = today - timedelta(days=random.randint(5, 170))
    cells["Reason for Closure"] = _one_of(random, _REASONS)
    if not called_open:
        cells["Case Status"] = _CLOSED


def _as_typed(random: Random, name: str) -> str:
    """A worker's name as case systems give it: now and then with a non-breaking space, or the surname first."""
    forename, surname = name.split(" ", 1)
    chance = random.random()
    if chance < 0.12:
        return f"{forename}\N{NO-BREAK SPACE}{surname}"
    return f"{surname}, {forename}" if chance < 0.2 else name


def _one_of(random: Random, weights: dict[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]
