"""What a few words mean as an answer to what somebody was asked: done; we have talked; yes; can't, on leave until
Monday; I am back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

LONGEST = 300
"""Longer than that is no answer in a few words."""

Kind = Literal["done", "talked", "yes", "willing", "no", "unable", "away", "back"]

_NOT_MEANT = re.compile(r'[?"“”👎❌🚫🙄🙃🤔]|:[a-z_]{2,}:')
"""A question, somebody else's words, or a face that says the opposite."""
_KIND_FACE = re.compile(
    r":(?:\+1|thumbsup|white_check_mark|heavy_check_mark|ballot_box_with_check|ok_hand|pray|blush|smile|smiley|"
    r"slightly_smiling_face|raised_hands|tada)(?:::skin-tone-\d)?:"
)
"""What Slack writes for a face or a thumb."""
_POLITE = r"(?:\W*\b(?:please|pls|thanks|thank you|cheers|ta|sorry|now|today|already|then|all)\b)*\W*"
_BEFORE = r"\W*(?:(?:hi|hello|sorry|ok|okay|yes|yep|yeah|thanks|now|well(?=,))\b\W*)*"
_HELLO = r"\W*(?:(?:hi|hello|sorry|ok|okay|afraid|unfortunately|i'?m afraid)\b\W*)*"
_BE = r"(?:i'?m|i am|i'?ll be|i will be)"
_IT = r"(?:th(?:e|at|is) (?:audit|action|time|day|date|allocation)|this one|that one|it|this|that)"
_WHEN = (
    r"(?:(?:on )?(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri)(?:day)?|(?:the )?\d{1,2}(?:st|nd|rd|th)?(?: [a-z]{3,9})?)|"
    r"yesterday|today|earlier|this (?:morning|afternoon|week)|last week)"
)
_DONE = re.compile(
    rf"{_BEFORE}(?:(?:it'?s|that'?s|(?:it|this|that|the action) (?:is|has|was))(?: (?:now|all|been))* |"
    rf"(?:i'?ve|i have|have)(?: (?:now|just|already))*(?: got {_IT})? |i'?m |i am |(?:just|all|action) )?"
    rf"(?:done|finished|completed?|sorted)\b(?: {_IT})?"
    rf"(?:{_POLITE}|\s*[,.;:–—-]\s*(?P<rest>\w.*)|\s(?P<when>{_WHEN}\b.*))",
    re.IGNORECASE,
)
_NOT_QUITE = re.compile(
    r"\b(?:not|no|never|nothing|except|but|bar|other than|without|unlike|apart|almost|nearly|mostly|part(?:ly|ially)?|"
    r"half|will|would|should|going to|tomorrow|next|think|hope(?:fully)?|maybe|perhaps|apparently|if|or|yet|still|only|"
    r"rest|cannot|unable|tried|attempt(?:ed)?|needs?|pending|await(?:ing|s)|waiting|tbc|ignore|cancel|undo|wrong|error|"
    r"mistake|sorry|leave)\b|n't\b|'ll\b",
    re.IGNORECASE,
)
"""Words after "done" by which it may not be done after all."""
_NO_CONCERNS = re.compile(r"\bno (?:further |new )?(?:concerns?|issues?|problems?)\b", re.IGNORECASE)
_TALK = r"(?:discussion|session|meeting|conversation|talk|chat)"
_TALKED = re.compile(
    r"\W*(?:(?:yes|yep|yeah|done)\b\W*)?(?:(?:we(?:'?ve| have)?(?: both)?(?: already)?|already) (?:talked|met|spoken|"
    rf"spoke)(?: about it| it through)?|we(?:'?ve| have)?(?: already)? had (?:our|the|a) {_TALK}|"
    rf"(?:it|(?:the )?{_TALK})(?: has| was)?(?: already)? (?:held|happened|took place|taken place|went ahead))\b"
    rf"(?: {_WHEN})?{_POLITE}",
    re.IGNORECASE,
)
_YES = re.compile(
    r"\W*(?:(?P<yes>yes|yep|yup|yeah)|(?P<ok>ok|okay|fine|sure|great|perfect|agreed|(?:i )?agree|(?:i )?accept|"
    r"accepted|of course|certainly|lovely|brilliant))?\b\W*"
    rf"(?P<more>(?:(?:i'?ll|i will|i can|can|will|happy to) (?:take|do)(?: {_IT})?|i can|i will|happy to|of course|"
    rf"(?:that |this |it |that (?:time|day) )?(?:works|suits)(?: fine| well)?(?: for)?(?: me| us)?|"
    rf"(?:that'?s|that is|that (?:time|day) is|(?:looks|sounds)) (?:fine|good|great|perfect|ok|okay)"
    rf"(?: for| with)?(?: me| us)?|will do|great|perfect|lovely)?){_POLITE}",
    re.IGNORECASE,
)
_TAKEN_NOTE_OF = re.compile(
    r"\W*(?:(?:ok|okay|great|perfect|lovely)\W+)+(?:thanks|thank you|cheers|ta)\b\W*", re.IGNORECASE
)
"""Thanks for what was told, and no answer to what was asked."""
_LEAVE = (
    r"(?:(?:on |off )?(?:annual|sick|study|parental|maternity|paternity|compassionate|special) leave|"
    r"on (?:leave|holiday|hols|a/?l)|a/l|off sick|off work|off|away|sick|out of (?:the )?office)"
)
_UNTIL = r"(?:until|till|til|up to)\s+(?P<day>[^,;!()]+?)(?:\s+(?:and|but|so|as|because)\b.*|[,;!(].*|\.(?:\s.*)?)?"
_AWAY = re.compile(rf"{_HELLO}(?:{_BE} )?(?:currently |still |now )?{_LEAVE} {_UNTIL}", re.IGNORECASE)
_TWICE = re.compile(r"\b(?:until|till|til)\b.*\b(?:until|till|til)\b|\b(?:not|cancel)\b", re.IGNORECASE)
_NO = re.compile(
    rf"{_HELLO}(?:(?P<no>no|nope|nah)\b(?! (?:conflict|annual|sick|off|away|busy)\b)\W*(?:sorry\b\W*)?)?"
    r"(?P<unable>(?:i\W*)?(?:can'?t|cannot|can not|won'?t|will not be able to|"
    r"unable to|am unable to|am not able to|'?m not able to|'?m unable to)\b(?: (?:do|take|make|manage|come))?"
    rf"(?: {_IT})?(?: on)?|(?:that |it |this )?(?:doesn't|does not|won't) (?:work|suit)(?: for)?(?: me)?)?"
    rf"{_POLITE}(?:(?:because|as|since) )?(?P<why>.*)",
    re.IGNORECASE,
)
_WHY_NOT = {
    "leave": re.compile(
        rf"(?:{_BE} )?(?:currently |still )?{_LEAVE}(?: {_UNTIL}|[,.;!(].*|"
        r" (?:from|then|today|tomorrow|now|all|this|next|that|at the moment|and|but|so)\b.*)?",
        re.IGNORECASE,
    ),
    "conflict": re.compile(
        r"(?:there'?s |there is |it'?s |i have )?(?:a )?conflict(?: of interest)?|(?:i'?m |i am )?related to\b.*|"
        r"i know (?:the|this) (?:family|child)\b(?! is\b|'s).*|"
        r"i(?:'?ve| have)? worked with (?:the|this) (?:family|child)\b.*",
        re.IGNORECASE,
    ),
    "capacity": re.compile(
        r"(?:(?:i'?m|i am) )?(?:(?:far |much )?too |very |so )?(?:busy|swamped|overloaded)\b.*|"
        r"(?:i have |i'?ve got )?(?:no (?:time|capacity)|too much(?: on)?)\b.*|"
        r"i (?:don't|do not) have (?:the |any |enough )?(?:time|capacity)\b.*|(?:my )?workload\b.*",
        re.IGNORECASE,
    ),
}
_NO_CAPACITY = re.compile(r"(?:i have )?no capacity\b[^,;]*", re.IGNORECASE)
_BACK = re.compile(
    rf"{_HELLO}(?:(?:i'?m|i am)(?: now)? back|back)(?: (?:at|in) work| in the office| at my desk|"
    rf" from (?:(?:annual |sick )?leave|holiday))?{_POLITE}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Said:
    """An answer in words. `case` is the reference of the case that it names; `note` is what was said beside "done".

    `unsure` says that the note may take the "done" back. "willing" and "unable" answer what is still to come: "I'll
    take it", "can't"; "yes" and "no" answer what has been as well. Of a no, `reason` is a key of
    `cards.allocation.DECLINE_REASONS`, empty where none is given. `until` is the day, as it was typed, until which
    somebody says that they are away.
    """

    kind: Kind
    case: str = ""
    note: str = ""
    reason: str = ""
    until: str = ""
    unsure: bool = False


def read(words: str, refs: Iterable[str]) -> Said | None:
    """What these words answer, or None where they aren't such an answer as a whole; `refs` are the cases which they
    may name. A question is no answer."""
    text = " ".join(_KIND_FACE.sub(" ", words.replace("’", "'").replace("‘", "'")).split())
    named = _case_in(text, refs) if len(text) <= LONGEST and not _NOT_MEANT.search(text) else None
    if named is None:
        return None
    case, text = named
    if _BACK.fullmatch(text):
        return Said("back", case)
    if _TALKED.fullmatch(text):
        return Said("talked", case)
    if found := _DONE.fullmatch(text):
        note = (found["rest"] or found["when"] or "").strip()
        return Said("done", case, note, unsure=bool(_NOT_QUITE.search(_NO_CONCERNS.sub(" ", note))))
    return _yes(text, case) or _no(text, case) or _away(text, case)


def _yes(text: str, case: str) -> Said | None:
    found = None if _TAKEN_NOTE_OF.fullmatch(text) else _YES.fullmatch(text)
    if found is None or not (found["yes"] or found["ok"] or found["more"]):
        return None
    return Said("yes" if found["yes"] and not found["more"] else "willing", case)


def _no(text: str, case: str) -> Said | None:
    """A no with a reason that is known, or with none at all."""
    if _NO_CAPACITY.fullmatch(text):
        return Said("unable", case, reason="capacity")
    found = _NO.fullmatch(text)
    if found is None or not (found["no"] or found["unable"]):
        return None
    kind: Kind = "unable" if found["unable"] else "no"
    why = found["why"].strip(" .!")
    if not why:
        return Said(kind, case)
    for reason, words in _WHY_NOT.items():
        if given := words.fullmatch(why):
            until = _day(given) if reason == "leave" and not _TWICE.search(why) else ""
            return Said(kind, case, reason=reason, until=until)
    return None


def _away(text: str, case: str) -> Said | None:
    found = _AWAY.fullmatch(text)
    return Said("away", case, until=_day(found)) if found and not _TWICE.search(text) else None


def _case_in(text: str, refs: Iterable[str]) -> tuple[str, str] | None:
    """The one case that the words name, and the words without it; None where they name several, or none of them."""
    found: list[tuple[str, str]] = []
    for ref in refs:
        bare = rf"(?<![\w-]){re.escape(ref)}(?![\w-])"
        if re.search(rf"\b(?:not|except|but)\s+(?:(?:for|on|with|to)\s+)?{bare}", text, re.IGNORECASE):
            return None
        named = re.compile(rf"(?:\b(?:for|of|on|about|with|to)\s+)?{bare}", re.IGNORECASE)
        if named.search(text):
            found.append((ref, " ".join(named.sub(" ", text).split())))
    if len(found) > 1:
        return None
    return found[0] if found else ("", text)


def _day(found: re.Match[str]) -> str:
    return (found["day"] or "").strip(" .")
