"""The grammar of plain phrases: what each turn of words mentions."""

import re
from collections.abc import Callable
from typing import Literal

from handlers.when.clocks import clock_range, dotted, joined_clock, one_clock, zoned
from handlers.when.mentions import (
    Clock,
    Dated,
    Holiday,
    Item,
    Mark,
    MarkKind,
    Number,
    OfMonth,
    Part,
    Relative,
    Soon,
    Stretch,
    Weekday,
    Which,
)
from handlers.when.spelling import MONTHS, WEEKDAYS

_Maker = Callable[[re.Match[str]], list[Item]]

_DAY_NAME = f"(?P<day>{'|'.join(WEEKDAYS)})"
_MONTH = f"(?P<month>{'|'.join(MONTHS)})"
_TH = "(?:st|nd|rd|th)"
_YEAR = r"(?:,? (?P<year>20\d\d)\b|,? (?P<short>2[4-9]|3\d)\b(?!\s?(?:am|pm)|[:.]\d))?"
_NOT_CLOCK = r"(?!\d|\s?(?:am|pm)\b|[:.]\d|\s?o\s?clock)"
_NTH = {"first": 1, "1": 1, "second": 2, "2": 2, "third": 3, "3": 3, "fourth": 4, "4": 4, "last": -1}


def _year(match: re.Match[str]) -> int | None:
    if match["year"]:
        return int(match["year"])
    return 2000 + int(match["short"]) if match["short"] else None


def _numeric_date(match: re.Match[str]) -> list[Item]:
    year = int(match["year"])
    return [Dated(int(match["d"]), int(match["m"]), year if year > 99 else 2000 + year)]


def _named_date(match: re.Match[str]) -> list[Item]:
    return [Dated(int(match["d"]), MONTHS.index(match["month"]) + 1, _year(match))]


def _listed_date(match: re.Match[str]) -> list[Item]:
    return [Dated(int(match["d"]), MONTHS.index(match["month"]) + 1)]


def _weekday(match: re.Match[str]) -> int:
    return WEEKDAYS.index(match["day"])


def _on_from_day(match: re.Match[str], weeks: int, *, loose: bool = False) -> list[Item]:
    if match["day"]:
        which: Which = "next" if match["which"] == "next" else "plain"
        return [Weekday(_weekday(match), which, weeks=weeks, loose=loose)]
    return [Relative("tomorrow" if match["base"] == "tomorrow" else "today", weeks=weeks)]


def _weeks_on(match: re.Match[str]) -> list[Item]:
    return _on_from_day(match, int(match["weeks"] or 1), loose=bool(match["in"]))


_WHICH: dict[str, Which] = {
    "this": "this",
    "this coming": "coming",
    "coming": "coming",
    "the coming": "coming",
    "upcoming": "coming",
    "next": "next",
    "following": "next",
    "the following": "next",
    "after next": "after_next",
    "last": "last",
    "gone": "last",
    "just gone": "last",
}


def _plain_weekday(match: re.Match[str]) -> list[Item]:
    return [Weekday(_weekday(match), _WHICH.get(match["after"] or match["before"] or "", "plain"))]


def _count(match: re.Match[str]) -> list[Item]:
    number, unit = int(match["n"]), match["unit"].rstrip("s")
    if unit == "working day":
        return [Relative("today", working_days=number)]
    return [Relative(f"in {number} {unit}s")]


def _week(match: re.Match[str]) -> list[Item]:
    offset = {"this": 0, "the": 0, "last": -1}.get(match["which"], 1)
    return [Stretch("week", offset + (1 if match["after"] else 0))]


def _month_or_year(match: re.Match[str]) -> list[Item]:
    return [Stretch("year" if match["unit"] == "year" else "month", {"next": 1, "last": -1}.get(match["which"], 0))]


def _in_month(match: re.Match[str]) -> list[Item]:
    return [Stretch("month", month=MONTHS.index(match["month"]) + 1, year=_year(match))]


def _of_month(match: re.Match[str]) -> list[Item]:
    nth, index = _NTH[match["nth"]], _weekday(match)
    if match["month"]:
        return [OfMonth(nth, index, month=MONTHS.index(match["month"]) + 1)]
    return [OfMonth(nth, index, months=1 if match["which"] == "next" else 0)]


def _part(name: Literal["morning", "afternoon", "evening", "night", "vague"]) -> _Maker:
    return lambda _: [Part(name)]


def _mark(kind: MarkKind) -> _Maker:
    return lambda _: [Mark(kind)]


def _dated_on(match: re.Match[str]) -> list[Item]:
    return [Dated(int(match["d"]), int(match["m"]))]


def _rule(pattern: str, maker: _Maker) -> tuple[re.Pattern[str], _Maker]:
    return re.compile(pattern, re.ASCII), maker


_TIME = r"(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?|(?:[01]\d|2[0-3]|[1-9])[0-5]\d"
_BASE = rf"(?:(?:the |this |this coming |coming |(?P<which>next) )?{_DAY_NAME}|(?P<base>today|tomorrow|now))"
_TAIL = r"(?![\w:]|[.]\d)"
_TO = r"(?:-|to|until|till?)"

_RULES = (
    # References, telephone numbers and labels, whose numbers are no hours.
    _rule(r"\+?\d{5,}\b|0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}\b", _mark("word")),
    _rule(r"(?!minutes)[a-z]{1,4}-?\d+[-/]\d[\w/-]*", _mark("word")),
    _rule(r"(?:(?!to-|til-)[a-z]{1,4}-|#)\d+\b(?!:)", _mark("word")),
    _rule(
        r"(?:case|audit|room|rm|cp|cin|lac|team|number|ref|id|file|floor|version|part|phase|level|stage|item|section|ext|aged?"
        r"|year|q|question|action|grade|standard|week|wing|unit|house|office)s?\s\d+\b(?![:.]\d)",
        _mark("word"),
    ),
    _rule(r"\d{1,3}%", _mark("word")),
    # Days in figures.
    _rule(r"(?P<year>20\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)", _numeric_date),
    _rule(r"(?P<d>\d{1,2})\s?(?P<sep>[-/.])\s?(?P<m>\d{1,2})\s?(?P=sep)\s?(?P<year>20\d\d|\d\d)(?!\d)", _numeric_date),
    _rule(r"(?P<d>\d{1,2}) (?P<m>\d{1,2}) (?P<year>20\d\d)(?!\d)", _numeric_date),
    _rule(r"(?P<d>\d{1,2})\s?/\s?(?P<m>\d{1,2})(?![\d/])", _dated_on),
    _rule(r"on (?P<d>[012]?\d|3[01])[.-](?P<m>0?[1-9]|1[0-2])(?!\d|\s?(?:am|pm))", _dated_on),
    # Spans of days: too loose to book.
    _rule(
        rf"(?:(?:from|between) )?(?:the )?\d{{1,2}}{_TH}?\s?(?:{_TO}|and)\s?(?:the )?\d{{1,2}}{_TH}?(?: of)? {_MONTH}",
        lambda match: [Stretch("loose")] if match[0][0] in "fb" or " and " not in match[0] else _both_dates(match),
    ),
    _rule(
        rf"(?:from |between )?(?:the )?\d{{1,2}}{_TH}\s?{_TO}\s?(?:the )?\d{{1,2}}{_TH}", lambda _: [Stretch("loose")]
    ),
    _rule(rf"between (?:the )?\d{{1,2}}{_TH} and (?:the )?\d{{1,2}}{_TH}", lambda _: [Stretch("loose")]),
    _rule(
        rf"(?:from |between )?(?:{'|'.join(WEEKDAYS)})(?P<apart>\s-\s)?(?(apart)|(?:\s?(?:to|until|till?|through)\s|-))"
        rf"(?:{'|'.join(WEEKDAYS)})\b(?(apart)(?! (?:at )?\d))",
        lambda _: [Stretch("loose")],
    ),
    _rule(rf"between (?:{'|'.join(WEEKDAYS)}) and (?:{'|'.join(WEEKDAYS)})\b", lambda _: [Stretch("loose")]),
    # Days of the month by name.
    _rule(
        rf"(?:the )?(?P<nth>first|second|third|fourth|last|[1-4](?={_TH})){_TH}? {_DAY_NAME} (?:of|in) "
        rf"(?:{_MONTH}|(?:the )?(?P<which>next|this)? ?month)\b",
        _of_month,
    ),
    _rule(rf"(?P<d>\d{{1,2}}){_TH}? of the (?P<m>\d{{1,2}}){_TH}", _dated_on),
    _rule(rf"(?P<d>\d{{1,2}})(?:{_TH})?(?:\s?(?:of )?(?:the )?){_MONTH}\b{_YEAR}", _named_date),
    _rule(
        rf"(?P<d>\d{{1,2}}){_TH}?(?=(?:\s?(?:,|or|and)\s?(?:the )?\d{{1,2}}{_TH}?){{1,4}} (?:of )?{_MONTH}\b)",
        _listed_date,
    ),
    _rule(rf"{_MONTH} (?:the )?(?P<d>\d{{1,2}}){_TH}?{_NOT_CLOCK}{_YEAR}", _named_date),
    _rule(
        rf"(?:the )?(?P<d>\d{{1,2}})(?:{_TH} (?:of )?|\sof )(?P<which>next|this) month",
        lambda match: [Dated(int(match["d"]), months=1 if match["which"] == "next" else 0)],
    ),
    _rule(
        rf"(?P<which>next|this) month,? (?:on )?(?:the )?(?P<d>\d{{1,2}}){_TH}",
        lambda match: [Dated(int(match["d"]), months=1 if match["which"] == "next" else 0)],
    ),
    _rule(rf"(?:on )?(?:the )?(?P<d>\d{{1,2}}){_TH}\b", lambda match: [Dated(int(match["d"]))]),
    _rule(rf"on the (?P<d>\d{{1,2}})\b{_NOT_CLOCK}", lambda match: [Dated(int(match["d"]))]),
    # Days counted from today.
    _rule(r"minutes\+(?P<n>\d+)", lambda match: [Soon(int(match["n"]))]),
    _rule(r"(?:the )?day after tomorrow", lambda _: [Relative("in 2 days")]),
    _rule(r"(?:the )?day before yesterday", lambda _: [Relative("2 days ago")]),
    _rule(r"last (?:night|evening)", lambda _: [Relative("yesterday")]),
    _rule(
        rf"(?P<in>in )?(?P<weeks>\d{{1,2}}) weeks?,?(?: (?:time|on|from|this|the))*,? {_BASE}\b",
        _weeks_on,
    ),
    _rule(rf"(?P<in>(?!))?(?P<weeks>(?!))?week (?:on |from )?{_BASE}\b", _weeks_on),
    _rule(rf"{_BASE} (?P<in>in )?(?P<weeks>\d{{1,2}}) weeks?(?: time)?\b", _weeks_on),
    _rule(
        rf"(?P<in>(?!))?(?P<weeks>(?!))?{_BASE} week\b(?! (?:commencing|beginning|starting|of|after|before)\b)",
        _weeks_on,
    ),
    _rule(
        rf"(?:in )?\d{{1,2}} months? (?:on |from )?(?:(?:this |next )?(?:{'|'.join(WEEKDAYS)})|tomorrow)\b",
        lambda _: [Stretch("loose")],
    ),
    _rule(
        r"in (?P<n>\d{1,2}) (?P<unit>working days?|days?|weeks?|months?)\b(?: time)?(?: from (?:now|today))?",
        _count,
    ),
    _rule(
        r"(?P<n>\d{1,2}) (?P<unit>working days?|days?|weeks?|months?) (?:time|from now|from today|hence|today)\b",
        _count,
    ),
    _rule(r"(?P<n>\d{1,2}) (?P<unit>days?|weeks?|months?|years?) ago", lambda m: [Relative(m[0])]),
    _rule(
        r"(?:(?:in|over|within|during) )?(?:the )?(?:next |coming )?(?:few|couple|several) "
        r"(?:days|weeks|months)(?: time)?",
        lambda _: [Stretch("loose")],
    ),
    _rule(
        r"(?:in |within |over )?(?:the )?(?:next|within) \d{1,2} (?:working )?(?:days|weeks)",
        lambda _: [Stretch("loose")],
    ),
    _rule(r"tonight|this evening", lambda m: [Relative("today"), Part("night" if m[0] == "tonight" else "evening")]),
    _rule(
        r"(?:earlier |later )?this (?P<part>morning|am|afternoon|pm|lunchtime|lunch)\b",
        lambda m: [
            Relative("today"),
            Part("morning" if m["part"] in ("morning", "am") else "vague" if m["part"][0] == "l" else "afternoon"),
        ],
    ),
    _rule(r"today|tomorrow|yesterday", lambda match: [Relative(match[0])]),
    # Bank holidays.
    _rule(r"(?P<name>good friday|easter monday)", lambda match: [Holiday(match["name"])]),
    _rule(
        r"(?:the )?(?:(?:next|early|late|summer|spring|may|august|easter|christmas) )*bank holiday"
        r"(?: (?:monday|friday))?",
        lambda _: [Holiday("")],
    ),
    # Weeks and other stretches.
    _rule(r"(?:the )?week (?:commencing|beginning|starting|of)(?: on)?(?: the)?\b", _mark("week_of")),
    _rule(r"(?:(?P<which>the) )?week (?P<after>after) next\b", lambda _: [Stretch("week", 2)]),
    _rule(r"(?:the )?(?P<which>this|next|last|following|coming) week(?P<after> after next)?\b", _week),
    _rule(r"(?:the )?week after\b", lambda _: [Stretch("loose")]),
    _rule(
        r"(?:end|start|beginning|middle|back end|later|early|late) (?:of |in )?"
        r"(?P<which>the|this)? ?week(?P<after>(?!))?\b",
        _week,
    ),
    _rule(r"(?P<which>the) week(?P<after>(?!))?\b(?! end)", _week),
    _rule(r"(?:christmas|xmas|easter) week\b", lambda _: [Stretch("loose")]),
    _rule(r"mid[\s-]?week", lambda _: [Stretch("week")]),
    _rule(r"(?:this |next |the |at |over )*week[\s-]?ends?\b", lambda _: [Stretch("weekend")]),
    _rule(r"(?P<which>this|next|last) (?P<unit>month|year)", _month_or_year),
    _rule(r"(?:the |in )*new year", lambda _: [Stretch("year", 1)]),
    _rule(
        r"(?:the )?(?:end|start|beginning|middle|last (?:working )?day) of (?:the )?(?:month|year)",
        lambda _: [Stretch("loose")],
    ),
    _rule(rf"(?:in|during|early|mid|late|of|sometime|until|for|this|next)[\s-]+{_MONTH}\b{_YEAR}", _in_month),
    _rule(rf"^\W*{_MONTH}\b{_YEAR}\W*$", _in_month),
    _rule(
        r"(?:before |after |over |around |at )(?:the )?(?:christmas|xmas|easter|half[\s-]term|summer)",
        lambda _: [Stretch("loose")],
    ),
    _rule(r"(?:another|a different|any other|some other|any) day\b(?! but)", lambda _: [Mark("word")]),
    # Days of the week.
    _rule(
        rf"(?:(?P<before>this coming|the coming|this|coming|upcoming|next|the following|following|last) )?{_DAY_NAME}\b"
        rf"(?:,? (?P<after>after next|just gone|gone|coming|(?:next|last)(?! week| month| year| thing| \w*day)))?\b",
        _plain_weekday,
    ),
    # Times of day: ranges first, then the rest.
    _rule(
        rf"(?P<lead>from |between )?(?P<start>{_TIME})\s?(?P<half1>am|pm)?(?:\s?(?:hrs|oclock))?\s?"
        rf"(?P<way>-|to\b|until\b|till?\b|(?(lead)and\b|(?!)))\s?(?P<end>{_TIME})\s?(?P<half2>am|pm)?(?:\s?(?:hrs|oclock))?{_TAIL}",
        clock_range,
    ),
    _rule(r"(?P<h>\d{1,2}):(?P<min>\d{2})(?::\d\d)?(?:z\b|\s?[+]\d\d:?\d\d)", zoned),
    _rule(r"(?P<h>\d{1,2}):(?P<min>\d{2})(?::\d\d(?:\.\d+)?)?\s?(?P<half>am|pm|hrs|hours|h)?\b", one_clock),
    _rule(r"(?P<h>\d{1,2})[.;](?P<min>\d{2})\s?(?P<half>am|pm|hrs|hours|h)\b", one_clock),
    _rule(r"(?P<h>\d{1,2})\.(?P<min>\d{1,2})(?![\d.])", dotted),
    _rule(r"(?P<h>\d{1,2})h(?P<min>\d{2})?(?P<half>(?!))?\b", one_clock),
    _rule(r"(?P<h>\d{1,2}) (?P<min>1[5-9]|[2-5]\d) ?(?P<half>am|pm)\b", one_clock),
    _rule(
        r"(?P<h>[1-9]|1\d|2[0-3]) (?P<min>05|10|15|20|25|30|35|40|45|50|55)(?P<half>(?!))?\b(?![:.]\d|\s?(?:am|pm)\b)"
        rf"(?! (?:{'|'.join(MONTHS)}|minutes|mins|weeks|days|hours|people|cases|audits)\b)",
        one_clock,
    ),
    _rule(r"(?P<h>\d{1,2})\s?(?P<half>am|pm)(?P<min>(?!))?\b", one_clock),
    _rule(r"(?P<h>\d{1,2})(?P<min>(?!))?(?P<half>(?!))?\s?o\s?clock\b", one_clock),
    _rule(r"(?P<h>1[3-9]|2[0-3])(?P<min>(?!))?\s?(?P<half>hrs|hours)\b", one_clock),
    _rule(r"(?P<h>\d{3,4})\s?(?P<half>am|pm|hrs|hours|h)\b", joined_clock),
    _rule(r"(?P<h>(?!20[23]\d)(?:[01]\d|2[0-3])[0-5]\d)(?P<half>(?!))?\b", joined_clock),
    _rule(r"(?P<h>20[23]\d)\b", _mark("word")),
    _rule(r"\d{1,3}(?![\w:])", lambda match: [Number(int(match[0]), len(match[0]))]),
    _rule(r"firstthing", lambda _: [Clock(9, 0, "24", weak=True)]),
    # Parts of the day.
    _rule(
        r"(?:early |late |mid[\s-]?)?mornings?\b"
        r"|(?<!im )am\b(?! (?:free|able|i|in|on|not|going|happy|ok|fine|around)\b)",
        _part("morning"),
    ),
    _rule(r"(?:early |late |mid[\s-]?)?afternoons?\b|pm\b", _part("afternoon")),
    _rule(r"(?:early |late )?evenings?\b", _part("evening")),
    _rule(r"(?:at )?nights?\b", _part("night")),
    _rule(
        r"(?:(?:before|after|at|over|around|during|just after|just before) )?"
        r"(?:lunch(?:[\s-]?times?|[\s-]?break)?|dinner[\s-]?time|tea[\s-]?time|breakfast(?:[\s-]?time)?|school|work|elevenses)\b"
        r"|last thing"
        r"|(?:the )?(?:end|start|close|beginning|back end) of (?:the |my |your )?(?:working )?(?:day|play|business)\b"
        r"|cop\b|cob\b|eod\b|early doors\b|home time\b",
        _part("vague"),
    ),
    _rule(r"anytime\b", _mark("anytime")),
    # Words that rule out, part or join.
    _rule(
        r"(?:(?:not|no|cant|cannot|dont|isnt) )?(?:(?:much|any) )?(?:later|earlier) than\b"
        r"|not (?:before|after|until|till?|by|past)\b"
        r"|(?:after|before|by|until|till?|up to|upto|past|since|beyond)\b",
        _mark("bound"),
    ),
    _rule(
        r"onwards?\b|or (?:later|earlier|after|before|thereabouts)\b|at the (?:very )?(?:latest|earliest)\b",
        _mark("bound_behind"),
    ),
    _rule(r"from\b(?= (?:the |this |next )?(?:[a-z]*day\b|tomorrow|\d+(?:st|nd|rd|th)))", _mark("bound")),
    _rule(
        r"(?:is |its |are |thats )?(?:no good|no go|not good|not great|not ideal|not possible|not an option"
        r"|not available"
        r"|doesnt work|does not work|wont work|will not work|not work(?:ing)?|no can do|not suitable|not convenient)\b",
        _mark("refusal"),
    ),
    _rule(
        r"(?:isnt|is not|arent|are not|doesnt|does not|wont|will not|wouldnt|would not"
        r"|(?:is|are|its|looks?|looking) (?:really |very |too |a bit |pretty |quite |already |now )*"
        r"(?:full|busy|out|off|hectic|tricky|difficult|bad|impossible|a no|rammed|manic|packed|booked|a nightmare"
        r"|awkward|hard|chocka)|(?:my )?(?:non[\s-]?working day|day off|nwd|rest day)"
        r"|clash(?:es)?|difficult|tricky|impossible|awkward)\b",
        _mark("no_behind"),
    ),
    _rule(
        r"(?:(?:cant|can not|cannot|couldnt|could not|dont|do not|didnt|not|never|unable)"
        r"(?: (?:really|actually|be|even))?(?: (?:able|free|available|around|in|happy|keen))?(?: (?:to|with|on))?"
        r"(?: (?:make it|make|do|manage|fit|prefer|go for))?|except(?: for)?|excluding|apart from"
        r"|other than|(?:anything|anywhere|anyday|any day|anytime) but|instead of|rather than|as opposed to"
        r"|(?:better|easier|more convenient) than"
        r"|unavailable|busy|tied up"
        r"|(?:fully|already) booked|full|in court|at court|on duty|on training|away"
        r"|(?:on )?(?:annual |sick )?leave (?=on|mon|tue|wed|thu|fri|next|this|until|tom|tod)"
        r"|on (?:annual )?leave|on holiday|on hols|off sick|(?:im|am|is|are|were|be|days?) off"
        r"|out of (?:the )?office|avoid)\b",
        _mark("no"),
    ),
    _rule(r"(?:but|however|though|although|yet)\b", _mark("but")),
    _rule(r"(?:if|unless|so|then|provided|assuming)\b", _mark("if")),
    _rule(r"(?:because|cos|coz|as (?:i|im|ive|we|there|that)|since (?:i|im|ive|we)|due to|given)\b", _mark("because")),
    _rule(
        r"(?:can|could) (?:do|make|manage|fit)\b|(?:how|what) about\b"
        r"|lets\b|make it\b|prefer\b|happy with\b|id rather\b|go for\b",
        _mark("yes"),
    ),
    _rule(r"(?:or|and|maybe|perhaps|possibly)\b", _mark("or")),
    _rule(r"(?:at|around|about|approx(?:imately)?|circa|c|say|for|roughly|from|like|between)\b", _mark("at")),
    _rule(
        r"(?:hours?|hrs?|minutes?|mins?|people|of|cases?|audits?|actions?|children|kids|x|sessions?|meetings?|slots?|options?|times"
        r"|staff|workers?|days?|weeks?|months?|years?|things?|more|other|others|questions?|families|auditors?|appointments?|visits?)\b",
        _mark("unit"),
    ),
    _rule(r"(?:the|on|please|pls|plz|of|ok|okay|a|this|that|day|date|time|dated)\b", lambda _: []),
    _rule(r"[?!;]|\.(?!\d)", _mark("stop")),
    _rule(r"[,:()\[\]|-]", _mark("comma")),
)


def _both_dates(match: re.Match[str]) -> list[Item]:
    month = MONTHS.index(match["month"]) + 1
    first, second = (int(number) for number in re.findall(r"\d+", match[0]))
    return [Dated(first, month), Mark("or"), Dated(second, month)]


_CONTINUES = re.compile(r"\w|[:.,/-](?=\d)")
"""The rest of a word that says nothing; numbers that hang on to it ("x13:15") say nothing either."""


def scan(words: str) -> list[Item]:
    """The items of a plain phrase (see `phrases.plain`) in the order typed; words that say nothing become marks."""
    items: list[Item] = []
    place = 0
    while place < len(words):
        if words[place].isspace():
            place += 1
            continue
        at_start = place == 0 or not (words[place].isalnum() and words[place - 1].isalnum())
        found = None
        if at_start:
            for pattern, maker in _RULES:
                found = pattern.match(words, place)
                if found and found.end() > place:
                    items += maker(found)
                    break
                found = None
        if found:
            place = found.end()
            continue
        items.append(Mark("word"))
        place += 1
        while place < len(words) and _CONTINUES.match(words, place):
            place += 1
    return items
