"""Names of days and months as people type them: cut short, in the plural, or with a slip of the finger."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)

_SHORT_WEEKDAYS = {
    "mon": "monday",
    "mond": "monday",
    "tue": "tuesday",
    "tues": "tuesday",
    "teus": "tuesday",
    "tus": "tuesday",
    "tusd": "tuesday",
    "wed": "wednesday",
    "weds": "wednesday",
    "wedn": "wednesday",
    "wends": "wednesday",
    "wens": "wednesday",
    "thu": "thursday",
    "thur": "thursday",
    "thurs": "thursday",
    "thrs": "thursday",
    "thrus": "thursday",
    "thurd": "thursday",
    "fri": "friday",
    "frid": "friday",
    "sat": "saturday",
    "sats": "saturday",
    "sun": "sunday",
    "suns": "sunday",
}
_SHORT_MONTHS = {name[:3]: name for name in MONTHS} | {
    "sept": "september",
    "janu": "january",
    "febr": "february",
    "novem": "november",
    "decem": "december",
}
_OTHER_WORDS = {
    "2day": "today",
    "2moro": "tomorrow",
    "2morro": "tomorrow",
    "2morrow": "tomorrow",
    "2moz": "tomorrow",
    "2nite": "tonight",
    "aft": "afternoon",
    "arvo": "afternoon",
    "fortnite": "fortnight",
    "mornin": "morning",
    "nxt": "next",
    "qtr": "quarter",
    "tday": "today",
    "toady": "today",
    "tmoro": "tomorrow",
    "tmorrow": "tomorrow",
    "tmr": "tomorrow",
    "tmrw": "tomorrow",
    "tmw": "tomorrow",
    "todya": "today",
    "tomo": "tomorrow",
    "tomoz": "tomorrow",
    "tonite": "tonight",
    "wk": "week",
    "wks": "weeks",
    "yday": "yesterday",
    "yest": "yesterday",
}
_GUESSED = (*WEEKDAYS, "tomorrow", "yesterday", "fortnight", "afternoon")
# Real words and names that stand one slip away from a day.
_NEVER_GUESSED = frozenset({"frida", "sunda"})

SHORT_NAMES = tuple(sorted({*_SHORT_WEEKDAYS, *_SHORT_MONTHS, *WEEKDAYS, *MONTHS}, key=len, reverse=True))
"""Every name that may stand glued to a number ("tues2pm", "7dec"), longest first."""


def slips(one: str, other: str) -> int:
    """How many letters must be added, dropped, changed or swapped with a neighbour to turn one word into the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _nearest(word: str, names: tuple[str, ...]) -> list[str]:
    if len(word) < 5 or word in _NEVER_GUESSED:
        return []
    found: dict[str, int] = {}
    for name in names:
        if name[0] == word[0] and abs(len(name) - len(word)) <= 2:
            allowed = 1 if len(name) <= 6 else 2
            distance = slips(word, name)
            if distance <= allowed:
                found[name] = distance
    best = min(found.values(), default=0)
    return [name for name, distance in found.items() if distance == best]


def corrected(word: str) -> str:
    """The word with a day's name written out; two names joined by "or" where the slip fits both; else unchanged."""
    if word in _OTHER_WORDS:
        return _OTHER_WORDS[word]
    if word in _SHORT_WEEKDAYS:
        return _SHORT_WEEKDAYS[word]
    if word in _GUESSED:
        return word
    if word.endswith("s") and word[:-1] in WEEKDAYS:
        return word[:-1]
    return " or ".join(_nearest(word, _GUESSED)) or word


def month_named(word: str) -> int | None:
    """The month, 1 to 12, that a word beside a number names; None if it names none, or more than one."""
    if word in MONTHS:
        return MONTHS.index(word) + 1
    if word in _SHORT_MONTHS:
        return MONTHS.index(_SHORT_MONTHS[word]) + 1
    near = _nearest(word, MONTHS)
    return MONTHS.index(near[0]) + 1 if len(near) == 1 else None
