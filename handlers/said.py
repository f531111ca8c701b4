"""What a few words mean as an answer to what somebody was asked: done; we have talked; yes; can't, on leave until
Monday; I am back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

LONGEST = 300
"""Longer than that is no answer in a few words."""

Kind = Literal["done", "talked", "yes", "no", "away", "back"]

_POLITE = r"(?:\W*\b(?:please|thanks|thank you|cheers|ta|sorry|now|today|already|then|all)\b)*\W*"
_BEFORE = r"\W*(?:(?:hi|hello|sorry|ok|okay|yes|yep|well|all|now)\b\W*)*"
_IT = r"(?:this one|that one|it|this|that|the (?:audit|action|time|allocation))"
_DONE = re.compile(
    rf"{_BEFORE}(?:(?:it|this|that|the action)(?:'s| is| has been| was)|i(?:'ve| have)(?: got {_IT})?|i'?m|i am)?\s*"
    rf"(?:done|finished|completed?|sorted)\b(?: {_IT})?(?:{_POLITE}|\s*[,.;:–-]\s*(?P<rest>\w.*))",
    re.IGNORECASE,
)
_TALKED = re.compile(
    r"\W*(?:(?:yes|yep|done)\b\W*)?(?:we(?:'ve| have)?(?: both)?(?: already)? (?:talked|met|spoken|spoke)"
    r"(?: about it| it through)?|(?:it|the discussion|the session)(?: has| was)?(?: already)? "
    rf"(?:held|happened|took place|taken place))\b{_POLITE}",
    re.IGNORECASE,
)
_YES = re.compile(
    r"\W*(?P<plain>(?:yes|yep|yeah|ok|okay|fine|sure|great|perfect|agreed|accept|accepted)\b\W*)?"
    rf"(?P<more>(?:(?:i'?ll|i will|i can|can|will|happy to) (?:take|do)(?: {_IT})?|"
    rf"(?:that |this |it )?(?:works|suits)(?: fine| well)?(?: for)?(?: me| us)?|(?:that's|that is|(?:looks|sounds)) "
    rf"(?:fine|good|great|perfect|ok|okay)(?: for| with)?(?: me| us)?|will do)?){_POLITE}",
    re.IGNORECASE,
)
_NO = re.compile(
    rf"{_BEFORE}(?:no\b|nope\b|i?\W*(?:can'?t|cannot|can not|won'?t|will not be able to|unable to|am unable to|"
    rf"am not able to|'m not able to|'m unable to)\b(?: (?:do|take|make|manage|come))?(?: {_IT})?){_POLITE}(?P<why>.*)",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"\W*(?:(?:i'm|i am|i'll be|i will be)\s+|(?=on\s|off\s|away\s))(?:on |off )?"
    r"(?:annual |sick |study |parental )?(?:leave|holiday|away|off|sick)\b.*",
    re.IGNORECASE,
)
_BACK = re.compile(
    rf"{_BEFORE}(?:i(?:'m| am) back|back)(?: at work| in the office| from leave)?{_POLITE}", re.IGNORECASE
)
_UNTIL = re.compile(r"\b(?:until|till|til|up to)\s+(?P<day>.+?)(?:\s+(?:and|but|so|as|because)\b|[,;!?(]|\.(?=\s|$)|$)")
_WHY_NOT = {
    "leave": re.compile(r"\b(?:leave|holiday|away|off|sick|out of office)\b", re.IGNORECASE),
    "conflict": re.compile(r"\b(?:conflict|know the (?:family|child)|worked with|related)\b", re.IGNORECASE),
    "capacity": re.compile(r"\b(?:capacity|busy|no time|too much|workload|swamped|overloaded)\b", re.IGNORECASE),
}


@dataclass(frozen=True)
class Said:
    """An answer in words. `case` is the reference of the case that it names; `note` is what was said beside "done".

    Of a no, `reason` is a key of `cards.allocation.DECLINE_REASONS`, empty where none is given. `until` is the day, as
    it was typed, until which somebody says that they are away.
    """

    kind: Kind
    case: str = ""
    note: str = ""
    reason: str = ""
    until: str = ""


def read(words: str, refs: Iterable[str]) -> Said | None:
    """What these words answer, or None where they aren't such an answer as a whole; `refs` are the cases which they
    may name."""
    text = " ".join(words.replace("’", "'").replace("‘", "'").split())
    if len(text) > LONGEST:
        return None
    case, text = _case_in(text, refs)
    if _BACK.fullmatch(text):
        return Said("back", case)
    if _TALKED.fullmatch(text):
        return Said("talked", case)
    if found := _DONE.fullmatch(text):
        return Said("done", case, note=(found["rest"] or "").strip())
    if (found := _YES.fullmatch(text)) and (found["plain"] or found["more"]):
        return Said("yes", case)
    until = _until_in(text)
    if found := _NO.fullmatch(text):
        why = found["why"].strip(" .!")
        reason = next((key for key, words_of in _WHY_NOT.items() if words_of.search(why)), "")
        return Said("no", case, reason=reason, until=until if reason == "leave" else "") if reason or not why else None
    return Said("away", case, until=until) if until and _AWAY.fullmatch(text) else None


def _case_in(text: str, refs: Iterable[str]) -> tuple[str, str]:
    """The one case that the words name, and the words without it."""
    for ref in refs:
        named = re.compile(rf"(?:\b(?:for|of|on|about|with|to)\s+)?(?<![\w-]){re.escape(ref)}(?![\w-])", re.IGNORECASE)
        if named.search(text):
            return ref, " ".join(named.sub(" ", text).split())
    return "", text


def _until_in(text: str) -> str:
    found = _UNTIL.search(text)
    return found["day"].strip(" .") if found else ""
