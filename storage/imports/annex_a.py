"""List 6 (children in need) of Ofsted's Annex A: its sheet, its columns and its codes.

Codes come with or without their letter ("c) Child in need plan", "CIN"); where both stand, the words count, because
one letter is used twice and councils letter their lists differently.
"""

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from math import floor

from storage.imports.cells import is_blank, is_error, is_moment, says_date, text_of, words_of
from storage.imports.sheets import Column

COLUMNS = (
    Column(
        "ref",
        "Child Unique ID",
        (
            *("child unique id", "childs unique id", "unique child id", "child id", "unique id", "ref", "case ref"),
            *("case reference", "reference", "case id", "person id", "id"),
        ),
    ),
    Column("plan", "Case Status", ("case status", "current case status", "plan", "plan type", "case type", "status")),
    Column("team", "Allocated Team", ("allocated team", "team", "team name", "current team")),
    Column(
        "worker",
        "Allocated Worker",
        (
            *("allocated worker", "allocated social worker", "worker", "worker name", "social worker", "case holder"),
            *("practitioner", "allocated practitioner", "key worker"),
        ),
    ),
    Column("sex", "Sex", ("sex", "gender", "sex gender", "gender sex"), needed=False),
    Column("ethnicity", "Ethnicity", ("ethnicity", "ethnicity code", "ethnic origin", "ethnic group"), needed=False),
    Column(
        "age",
        "Age of Child (Years)",
        ("age of child years", "age of child", "age years", "age in years", "age", "age band", "childs age"),
        needed=False,
    ),
    Column(
        "disability",
        "Does the Child have a Disability",
        (
            "does the child have a disability",
            "does child have a disability",
            "disability",
            "disabled",
            "disability y n",
        ),
        needed=False,
    ),
    Column(
        "closure",
        "CIN Closure Date",
        (
            *("cin closure date", "cin end date", "closure date", "case closure date", "date closed", "closed date"),
            "end date",
        ),
        needed=False,
    ),
    Column("service_area", "Service area", ("service area", "service", "area", "directorate"), needed=False),
)

CLOSED = "closed"
ASSESSMENT = "assessment"
STATUSES_ACCEPTED = (
    "a) Looked after child, b) Child Protection plan, c) Child in need plan, d) Open assessment, e) Closed episode, "
    "or LAC, CP, CIN, CL, EH, FC"
)

_STATUSES = {
    "LAC": "looked after child | looked after | looked after children | child looked after | children looked after"
    " | child in care | children in care | lac | cla | cic | lac plan | a",
    "CP": "child protection plan | child protection | cp | cpp | cp plan | subject to child protection plan | b",
    "CIN": "child in need plan | child in need | children in need | children in need plan | cin | cin plan | c",
    ASSESSMENT: "open assessment | assessment | under assessment | d",
    CLOSED: "closed episode | closed | closed case | e",
    "CL": "care leaver | care leavers | leaving care | cl",
    "EH": "early help | eh",
    "FC": "foster carer | foster carers | foster carer s file | fc",
}
_SEXES = {
    "male": "male | m | 1 | boy | a",
    "female": "female | f | 2 | girl | b",
    "neither": "neither | x | 9 | indeterminate | i | d",
    "unknown": "not stated recorded | not stated recorded or unborn | not stated | not recorded | not known | unknown"
    " | unborn | u | 0 | c",
}
_DISABILITIES = {
    "yes": "yes | y | true | 1 | disabled | a",
    "no": "no | n | false | 0 | not disabled | none | b",
    "unknown": "unknown | u | not known | not recorded | not stated | c",
}
# The codes of the CIN census; any of them but NONE is a disability.
_DISABILITY_CODES = frozenset({"mob", "hand", "pc", "inc", "comm", "ld", "hear", "vis", "beh", "con", "aut", "dda"})
_ETHNIC_CODES = {
    "White": "wbri wiri wirt woth wrom",
    "Mixed": "mwbc mwba mwas moth",
    "Asian": "aind apkn aban aoth",
    "Black": "bcrb bafr both",
    "Chinese": "chne",
    "Other": "ooth",
    "Refused": "refu",
    "Unknown": "nobt",
}
# The longer codes of the common basic data set begin with the letter of their group.
_EXTENDED_CODE = re.compile(r"([WMABCO])[A-Z]{3}")
_GROUP_OF_LETTER = {"W": "White", "M": "Mixed", "A": "Asian", "B": "Black", "C": "Chinese", "O": "Other"}
# In order: "White and Asian" is Mixed before it is White, "Asian - Chinese" is Chinese before it is Asian.
_ETHNIC_WORDS = (
    ("Refused", r"refused|prefer not|declined"),
    ("Unknown", r"not (yet )?(obtained|known|stated|recorded|given)|unknown|unborn"),
    ("Mixed", r"mixed|multiple|white and"),
    ("Chinese", r"chinese"),
    ("White", r"white|gypsy|roma|traveller|irish"),
    ("Asian", r"asian|indian|pakistani|bangladeshi"),
    ("Black", r"black|caribbean|african"),
    ("Other", r"other|arab"),
)

_LIST_SIX = re.compile(r"(^| )list 0*6( |$)|^l 6( |$)|^0*6($| cin| child)|^(cin|child in need|children in need)( |$)")
_LETTERED = re.compile(r"\s*([a-z])\s*[).:\]–-]+\s*(.*)", re.IGNORECASE | re.DOTALL)
_AGE = re.compile(
    r"(-?\d+(?:\.\d+)?)\s*(?:years?|yrs?|y)?(?:,?\s*\d+\s*(?:months?|mths?|m))?(?:\s+old)?", re.IGNORECASE
)
_YOUNG = re.compile(
    r"(?:<|under)\s*1(?:\s*years?)?|\d+\s*(?:months?|mths?|weeks?|wks?|days?)(?:\s+old)?", re.IGNORECASE
)
_SERIAL_DAY = re.compile(r"\d{5}(?:\.\d+)?|(?:19|20)\d{6}")
_NO_CLOSURE = frozenset({"n a", "na", "none", "nil", "null", "open", "not closed", "ongoing", "current", "0", ""})
_OLDEST = 120


def _looked_up(table: Mapping[str, str], separator: str = " | ") -> dict[str, str]:
    return {name: meant for meant, names in table.items() for name in names.split(separator)}


_STATUS_OF = _looked_up(_STATUSES)
_SEX_OF = _looked_up(_SEXES)
_DISABILITY_OF = _looked_up(_DISABILITIES)
_GROUP_OF_CODE = _looked_up(_ETHNIC_CODES, " ") | {group.casefold(): group for group in _ETHNIC_CODES}


def is_list_six(title: str) -> bool:
    """Whether a sheet's name says List 6, in any of the ways councils write it."""
    return _LIST_SIX.search(words_of(re.sub(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", title))) is not None


def case_status(value: object) -> str | None:
    """LAC, CP, CIN, `assessment`, `closed`, CL or EH; None if the words are no status."""
    return _coded(value, _STATUS_OF)


def sex(value: object) -> str | None:
    """male, female, neither or unknown; None if the cell says something else."""
    return "unknown" if is_blank(value) else _coded(value, _SEX_OF)


def disability(value: object) -> str | None:
    """yes, no or unknown; None if the cell says something else."""
    if is_blank(value):
        return "unknown"
    words = words_of(value).split()
    return "yes" if words and set(words) <= _DISABILITY_CODES else _coded(value, _DISABILITY_OF)


def ethnicity_group(value: object) -> str | None:
    """White, Mixed, Asian, Black, Chinese, Other, Refused or Unknown; None if the cell says something else."""
    if is_blank(value):
        return "Unknown"
    if is_error(value) or says_date(value):
        return None
    said = _without_letter(text_of(value))
    words = words_of(said)
    code = words.partition(" ")[0]
    if words in _GROUP_OF_CODE or (len(code) == 4 and code in _GROUP_OF_CODE):
        return _GROUP_OF_CODE.get(words) or _GROUP_OF_CODE[code]
    if extended := _EXTENDED_CODE.fullmatch(said):
        return _GROUP_OF_LETTER[extended.group(1)]
    return next((group for group, pattern in _ETHNIC_WORDS if re.search(rf"\b({pattern})", words)), None)


def age_band(value: object) -> str | None:
    """unborn, 0-4, 5-9, 10-15, 16-17, 18+ or unknown; None if the cell is no age in years."""
    if isinstance(value, bool) or is_moment(value) or is_error(value):
        return None
    if is_blank(value) or words_of(value) in {"unknown", "not known", "n a", "na"}:
        return "unknown"
    text = text_of(value).replace("\u2013", "-").replace("\u2212", "-")
    if text.casefold() in {"unborn", "0-4", "5-9", "10-15", "16-17", "18+"}:
        return text.casefold()
    if _YOUNG.fullmatch(text):
        return "0-4"
    number = _AGE.fullmatch(text)
    return _band(float(number.group(1))) if number else None


def _band(years: float) -> str | None:
    if not -1 <= years <= _OLDEST:
        return None
    if years < 0:
        return "unborn"
    bands = ((4, "0-4"), (9, "5-9"), (15, "10-15"), (17, "16-17"))
    return next((band for last, band in bands if floor(years) <= last), "18+")


def is_closed(value: object) -> bool | None:
    """Whether a closure date stands in the cell; None if it can't be told.

    Excel's day 0 and the year 9999 are what systems write for "not closed".
    """
    if is_error(value) or isinstance(value, bool):
        return None
    if is_blank(value) or value in (0, time(0)) or words_of(value) in _NO_CLOSURE:
        return False
    if isinstance(value, (time, timedelta)):
        return None
    if isinstance(value, date):
        return 1900 < value.year < 9999
    text = text_of(value)
    if says_date(text):
        return re.search(r"9999|\b(1900|1899)\b", text) is None
    return True if _SERIAL_DAY.fullmatch(text) else None


def _without_letter(text: str) -> str:
    lettered = _LETTERED.fullmatch(text)
    return (lettered.group(2) or lettered.group(1)) if lettered else text


def _coded(value: object, meant: Mapping[str, str]) -> str | None:
    if is_error(value) or is_moment(value):
        return None
    text = text_of(value)
    if found := meant.get(words_of(_without_letter(text))):
        return found
    # "CIN - Child in need (CIN)": the same thing said twice.
    said = {meant.get(words) for part in re.split(r"[()\[\]/–-]", text) if (words := words_of(part))}
    return next(iter(said)) if len(said) == 1 else None
