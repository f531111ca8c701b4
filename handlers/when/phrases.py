"""British phrases for days and times of day, written out plainly so that one short grammar can read them."""

import re
import unicodedata
from collections.abc import Callable

from handlers.when.spelling import MONTHS, SHORT_NAMES, WEEKDAYS, corrected, month_named

LONGEST = 300
"""Characters of a message that are looked at; a longer one isn't an answer to "when?"."""

_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50}
_NUMBERS = {word: n for n, word in enumerate((*_UNITS, *_TEENS), start=1)} | _TENS
_HOURS = {word: n for word, n in _NUMBERS.items() if n <= 12}
_ORDINALS = {
    word: n
    for n, word in enumerate(
        (
            *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
            *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
            *("eighteenth", "nineteenth", "twentieth"),
        ),
        start=1,
    )
} | {"thirtieth": 30}

_ANY_MONTH_WORD = "|".join(sorted({*MONTHS, *(name for name in SHORT_NAMES if month_named(name))}, key=len)[::-1])
_HOUR = rf"(?P<hour>{'|'.join(_HOURS)}|1[0-2]|0?[1-9])(?=\s?(?:am|pm)\b|(?![\w:]|\.\d))"
_HALF_DAY = r"(?:\s?(?P<half>am|pm)\b)?"

Replacement = str | Callable[[re.Match[str]], str]


def _rule(pattern: str, replacement: Replacement) -> tuple[re.Pattern[str], Replacement]:
    return re.compile(pattern, re.ASCII), replacement


def _clock(match: re.Match[str], minutes: int) -> str:
    """A spoken time as h:mm, minutes counted from the spoken hour (negative: before it)."""
    hour = int(_HOURS.get(match["hour"], match["hour"]))
    half = match["half"] or ""
    if minutes < 0:
        # "quarter to 12pm" lies in the morning: stepping back over twelve changes the half of the day.
        if half and hour == 12:
            half = "am" if half == "pm" else "pm"
        hour, minutes = (12 if hour == 1 else hour - 1), 60 + minutes
    return f" {hour}:{minutes:02d}{half} "


def _past_or_to(match: re.Match[str]) -> str:
    word = re.sub(r"[\s-]+", " ", match["minutes"])
    if word == "quarter":
        minutes = 15
    elif word.isdigit():
        minutes = int(word)
    else:
        minutes = sum(_NUMBERS[part] for part in word.split())
    if not 0 < minutes < 60:
        return match[0]
    return _clock(match, minutes if match["way"] in ("past", "gone") else -minutes)


def _half_past(match: re.Match[str]) -> str:
    return _clock(match, 30)


def _ordinal(match: re.Match[str]) -> str:
    tens = _TENS.get(match["tens"] or "", 0)
    return f"{tens + _ORDINALS[match['unit']]}th"


def _number(match: re.Match[str]) -> str:
    return str(sum(_NUMBERS[part] for part in re.split(r"[\s-]+", match[0])))


def _month_after(match: re.Match[str]) -> str:
    month = month_named(match["word"])
    return match[0] if month is None else f"{match['number']} {MONTHS[month - 1]} "


def _month_written_out(match: re.Match[str]) -> str:
    month = month_named(match["word"])
    return match[0] if month is None else f"{match['number']}{MONTHS[month - 1]}"


def _month_before(match: re.Match[str]) -> str:
    month = month_named(match["word"])
    return match[0] if month is None else f"{MONTHS[month - 1]} {match['number']}"


def _weeks(match: re.Match[str]) -> str:
    return f"{2 * int(match[1] or 1)} weeks"


def _soon(match: re.Match[str]) -> str:
    count = match["count"]
    minutes = 30 if count.startswith("half") else 90 if count.endswith("half") else int(re.sub("an?", "1", count))
    return f" minutes+{minutes * 60 if match['unit'].startswith('h') and minutes < 30 else minutes} "


def _either_hour(match: re.Match[str]) -> str:
    first, second = int(match[1]), int(match[2])
    return f"{first} or {second}{match[3]}" if 0 < second - first <= 2 else match[0]


_DURATION = r"(?:hours?|hrs?|minutes?|mins?)"
_BE_GONE = ""

_SPACING = (
    _rule(r"(?:(?<!\S)|(?<=\())\d\s?\)", " or "),
    _rule(r"(?:^|(?<=, ))\s*\d\.\s", " or "),
    _rule(r"<[^<>]*>", " "),
    _rule(r"@(?=[a-z])(?!noon|mid|half|quarter|lunch|ten|eleven|twelve|nine|two|three|four|one)[\w.-]+", " "),
    _rule(r"@", " at "),
    _rule(r"(\d-\d\d)t(?=\d\d:)", r"\1 "),
    _rule(r"\b([ap])\.\s?m\b\.?", r"\1m"),
    _rule(r"(\d)\s?([ap])\s?m\b", r"\1\2m"),
    _rule(r"(\d)([ap])\b", r"\1\2m"),
    _rule(r"(\d)\s?[ap]m\s?-?\s?ish\b", lambda m: m[0].split("ish")[0].rstrip(" -")),
    _rule(r"(\d)\s?-?\s?ish\b", r"\1"),
    _rule(r"\b(noon|midday|lunch)ish\b", r"\1"),
    _rule(r"\bw\s?[/.]\s?[cb]\b\.?|\bwc\b", "week commencing"),
    _rule(r"\bb/?h(?:ol)?\b", "bank holiday"),
    _rule(r"\ba/l\b", "annual leave"),
    _rule(rf"\b({'|'.join(SHORT_NAMES)})\.", r"\1 "),
    _rule(rf"\b({'|'.join(SHORT_NAMES)})(?=\d)", r"\1 "),
    _rule(rf"(\d(?:st|nd|rd|th)?)(?={'|'.join(name for name in SHORT_NAMES if len(name) > 2)})", r"\1 "),
    _rule(r"\b(at|on|by)(?=\d)", r"\1 "),
    _rule(r"(\d)\s(st|nd|rd|th)\b(?!\w)", r"\1\2"),
    _rule(rf"\b(\d{{1,2}})\s?[-/.]\s?({_ANY_MONTH_WORD})\s?[-/.]?\s?(?=\d{{2}}|\b)", r"\1 \2 "),
    _rule(r"(?<![\d/])(\d{1,2})/(\d{1,2})\s?(am|pm)\b", _either_hour),
    _rule(rf"\b(\d{{1,2}})\s?/\s?(?=\d{{1,2}}(?:st|nd|rd|th)? ?(?:of )?(?:{_ANY_MONTH_WORD})\b)", r"\1 or "),
    _rule(r"(?<=[:.]\d\d)\s?/\s?(?=\d)", " or "),
    _rule(r"(?<=[a-z])\s?/\s?(?=[a-z\d])", " or "),
    _rule(r"\s?(?:&|\+)\s?", " and "),
)

_SPOKEN_TIMES = (
    _rule(r"\b(?:(?:12|twelve)\s?)?(?:noon|mid[\s-]?day)\b", " 12:00 "),
    _rule(r"\b(?:(?:12|twelve)\s?)?(?<!12:00 )midnight\b", " 00:00 "),
    _rule(r"\ban? half an hour\b", "half an hour"),
    _rule(rf"\bhalf[\s-]?(?:past[\s-]?)?{_HOUR}(?:\s?o\s?clock)?{_HALF_DAY}", _half_past),
    _rule(
        rf"(?<!\bfrom )(?<!\bbetween )\b(?:an? )?(?P<minutes>quarter|twenty[\s-]five|five|ten|twenty|25|20|15)"
        rf"(?:\s?(?:minutes|mins))?[\s-](?P<way>past|gone|to)[\s-]{_HOUR}(?:\s?o\s?clock)?{_HALF_DAY}",
        _past_or_to,
    ),
    _rule(
        rf"\b(?P<minutes>\d{{1,2}})\s?(?:minutes|mins)\s(?P<way>past|to|till?)\s{_HOUR}{_HALF_DAY}",
        _past_or_to,
    ),
    _rule(rf"\b(?P<minutes>\d{{1,2}})\s(?P<way>past)\s{_HOUR}{_HALF_DAY}", _past_or_to),
    _rule(r"\bfirst thing\b(?! in the (?:afternoon|evening))(?:\s(?:in the morning|am))?", " firstthing "),
    _rule(r"\bfirst light\b|\bfirst[\s-]thing\b", " morning "),
)

# "One" is a number only beside something that makes it an hour: elsewhere it is "that one".
_BARE_ONE = "|".join(
    (
        *(rf"(?<=\b{word} )one\b" for word in ("at", "around", "about", "to", "til", "till", "between")),
        r"(?<=\bin )one(?= (?:week|month|day))",
        r"(?<=\bfrom )one(?= to| til)",
        r"(?<=\band )one(?= on| pm|$)",
        r"\bone(?=\s?(?:am|pm|o\s?clock|week|month|thirty|fifteen|forty|twenty|ten)\b)",
        r"\bone(?= (?:to|til|till|or) (?:two|2)\b)",
        r"(?<=day )one(?=\W*$)",
        r"(?<=\bor )one(?=\W*$)",
    )
)
_NUMBER_WORDS = (
    _rule(
        rf"(?:(?<=\bthe )|(?<=day )|\b(?=\S+(?:\s\w+)? of\b))(?:(?P<tens>twenty|thirty)[\s-])?"
        rf"(?P<unit>{'|'.join(_ORDINALS)})\b(?=\s*(?:$|[^\w\s]|of\b|at\b|or\b|and\b|in\b|from\b|\d|{_ANY_MONTH_WORD}))",
        _ordinal,
    ),
    _rule(
        rf"\b(?:(?P<tens>twenty|thirty)[\s-])?(?P<unit>{'|'.join(_ORDINALS)})(?=\s(?:of\s)?(?:{_ANY_MONTH_WORD})\b)",
        _ordinal,
    ),
    _rule(_BARE_ONE, "1"),
    _rule(rf"\b(?:{'|'.join(_TENS)})[\s-](?:{'|'.join(_UNITS)})\b", _number),
    _rule(rf"\b(?:{'|'.join(word for word in _NUMBERS if word != 'one')})\b", _number),
    _rule(r"\b(\d{1,2}) (?:o|oh|zero)[\s-]?(\d)\b", r"\1 0\2"),
    _rule(r"\b(?:o|oh|zero) (\d) hundred\b(?:\s?(?:hours|hrs))?", r"0\g<1>00"),
    _rule(r"\b(\d{1,2}) hundred\b(?:\s?(?:hours|hrs))?", lambda m: f"{int(m[1]):02d}00"),
)

_COUNTS = (
    _rule(
        rf"\bin (?:about )?(?P<count>half an?|an?|\d{{1,3}}|\d{{1,3}} and a half|an? and a half) ?(?P<unit>{_DURATION})"
        rf"(?: and a half)?(?:s? time)?\b",
        _soon,
    ),
    _rule(
        rf"(?:\b(?:for|lasting|max) )?(?:\b(?:about|around|roughly|up to|only|just|max) )?(?<![\d:.,-])(?<!at )"
        rf"(?:\b\d{{1,2}}\s?(?:-|to|or)\s?)?"
        rf"\b(?:half an|half|an|[1-9](?:\.\d)?|1[0-2]|\d{{2,3}}(?=\s?-?min)|\d and a half)"
        rf"[\s-]?{_DURATION}\b(?: and a half)?(?! (?:past|to|from|before|after)\b)"
        r"(?: (?:or so|max|maximum|slot|long|or 2))?",
        " ",
    ),
    _rule(r"\ban? (?=(?:week|fortnight|month)s?\b)", "1 "),
    _rule(r"(?:\b(\d{1,2}) )?\bfortnights?\b(?!ly)", _weeks),
    _rule(r"\b(?:couple|few) of (?=weeks|days|months)", "few "),
    _rule(r"\ban? (?=few\b|couple\b)", _BE_GONE),
    _rule(r"\bcouple (?=weeks|days|months)", "few "),
    _rule(r"\b\d{1,2} (day|week|month)s? or (?:so|\d)\b", r"few \1s"),
    _rule(r"\b\d{1,2}\s?(?:or|to|-)\s?\d{1,2} (days|weeks|months)\b", r"few \1"),
    _rule(r"\b(?:once|twice|every|each|per) (?:1 )?(?:week|month|day|fortnight)\b", _BE_GONE),
)

_NAMED_DAYS = (
    _rule(r"\b(?:christmas|xmas) day\b", "25 december"),
    _rule(r"\b(?:christmas|xmas) eve\b", "24 december"),
    _rule(r"\bboxing day\b", "26 december"),
    _rule(r"\bnew years? eve\b|\bnye\b", "31 december"),
    _rule(r"\bnew years? day\b", "1 january"),
)

# Turns of phrase with a "not" or a day's word in them that rule nothing out and name no day.
_HARMLESS = (
    _rule(r"\b(?:why|should|shall|would|could|can|cant|couldnt|wouldnt|dont|shouldnt) (?:not we|we not)\b", _BE_GONE),
    _rule(r"\bwhy (?:dont|not)(?: (?:we|you|i))?\b|\b(?:cant|couldnt) (?:we|you)\b(?=.*\?)", _BE_GONE),
    _rule(
        r"\b(?:no|not a|not any|isnt a|wont be a|shouldnt be a) (?:problem|probs?|worries|issue|bother)s?\b", _BE_GONE
    ),
    _rule(r"\b(?:not (?:too )?bad|dont mind|do not mind|wouldnt mind|cant wait|not at all)\b", _BE_GONE),
    _rule(
        r"\b(?:not (?:entirely |quite |really )?sure|dont know|not certain|cant remember|if im not mistaken)\b",
        _BE_GONE,
    ),
    _rule(r"\b(?:dont|do not) (?:worry|forget|be late|hesitate)\b|\bcant complain\b|\bnot forgetting\b", _BE_GONE),
    _rule(r"\bif (?:its |thats |it is |that is )?(?:not|isnt) (?:too )?(?:late|much|soon|early|trouble)\b", _BE_GONE),
    _rule(
        r"\bif (?:that |this |it |its |thats |neither |none )?(?:doesnt|does not|isnt|is not|wont|cant|not)"
        r"(?: (?:work|suit|good|ok|okay|possible|convenient|do|any good|suitable|then))*(?: for (?:you|them))?\b",
        " or ",
    ),
    _rule(
        r"\b(?:failing that|otherwise|alternatively|or else|else|and or|either|or if not|or maybe|or even)\b", " or "
    ),
    _rule(r"\bgood (?:morning|afternoon|evening|night|day|weekend)\b", ", "),
    _rule(
        r"^\W*(?:morning|afternoon|evening)\b(?=\s*(?:$|[,.!-]|all\b|team\b|everyone\b|both\b|there\b|\w+\s?[,!]))", " "
    ),
    _rule(
        r"\b(?:have a|enjoy your|enjoy the|after a|hope you had a|hope you have a) "
        r"(?:\w+ )?(?:weekend|week|day|evening)\b",
        " ",
    ),
    _rule(
        r"\bmay (?=be\b|well\b|work|suit|not\b|have\b|need|i\b|we\b|do\b|also\b|still\b|just\b|struggle|or may)",
        _BE_GONE,
    ),
    _rule(r"(?<=\bat )(\d{1,2}) may\b", r"\1"),
    _rule(r"\b(?:any|some)[\s-]?(?:time|point)s?\b|\bwhenever\b|\ball day\b", " anytime "),
    _rule(r"\bpm me\b|\bsun is\b|\bin 1 sec\b", _BE_GONE),
    _rule(r"\bi (?:was|am|will|m)\b", "im "),
    _rule(rf"\b(?:this )?({'|'.join(WEEKDAYS)}) or (?:the )?next\b(?! \w*day| week| month)", r"\1 or \1 1 week"),
    _rule(r"\btomorrow(,? (?:or |and |but )?)(?:the )?day after\b(?! tomorrow)", r"tomorrow\1day after tomorrow"),
    _rule(r"\bthe day after (?!tomorrow)(?:that )?", "after "),
    _rule(r"\b(?:as well|as soon as|as long as|same as|as usual)\b", _BE_GONE),
    _rule(r"\b(?:later|earlier) (?=today|tomorrow)", _BE_GONE),
)

_MOVES = _rule(
    r"\b(move|moved|moving|change|changing|swap|switch|rearrange|reschedule|push|shift)\b"
    r"((?:(?!\. )[^?!;])*?)\b(?:to|for)"
    r"(?= (?:the |this |next |a |[a-z]+day|tomorrow|\d))",
    r" \1 , ",
)

_MONTH_NAMED = (
    _rule(
        rf"(?P<number>\b(?:in|during|early|mid|late|of|until|next|this)[\s-]+|^\W*)(?P<word>{_ANY_MONTH_WORD})(?=\W*$|[\s,])",
        _month_written_out,
    ),
    _rule(
        r"\b(?P<number>\d{1,2}(?:st|nd|rd|th)?(?: of)?(?: the)?)[\s-]+(?P<word>[a-z]{3,11})\b",
        _month_after,
    ),
    _rule(
        r"\b(?P<word>[a-z]{3,11})(?:[\s-]+the)?[\s-]+(?P<number>\d{1,2}(?:st|nd|rd|th)?)\b(?!\s?(?:am|pm)\b|:|\.\d)",
        _month_before,
    ),
)


def _cleaned(text: str) -> str:
    letters: list[str] = []
    text = text.replace("½", " and a half").replace("´", "'")
    for character in unicodedata.normalize("NFKC", text).lower():
        kind = unicodedata.category(character)
        if character in "\r\n\v\f\u2028\u2029•·" or kind in ("So", "Sk"):
            letters.append(" , ")
        elif kind == "Pd" or character == "\N{MINUS SIGN}":
            letters.append("-")
        elif kind in ("Pi", "Pf") or character in "'`":
            continue
        elif kind in ("Cc", "Zs", "Zl", "Zp") or character in '"*_~':
            letters.append(" ")
        elif kind not in ("Cf", "Mn", "Me"):
            letters.append(character)
    return "".join(letters)


def _apply(text: str, rules: tuple[tuple[re.Pattern[str], Replacement], ...]) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return re.sub(r"\s+", " ", text).strip()


def plain(text: str) -> str | None:
    """What was typed, in lower case and plain words and figures; None if it is too long to be an answer."""
    if len(text) > LONGEST:
        return None
    words = _apply(_cleaned(text), _SPACING)
    words = re.sub(r"(?<![a-z\d])\d?[a-z]+(?![a-z\d])", lambda match: corrected(match[0]), words)
    for rules in (_SPOKEN_TIMES, _NUMBER_WORDS, _COUNTS, _NAMED_DAYS, _HARMLESS, (_MOVES,), _MONTH_NAMED):
        words = _apply(words, rules)
    return words
