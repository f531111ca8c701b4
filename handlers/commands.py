"""What people type: questions, orders, dates; and the nearest right word where one is misspelt."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from audits.people import Person
from audits.permissions import is_qa
from audits.state import Audit
from cards import alert, status
from cards.card import Card, Choice, ChoiceInput, Tone
from cards.scene import Scene
from handlers import allocating, allocations, in_words, leaves, privacy, questions, safety, sessions, steps, themes
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal
from handlers.questions import find_audits, find_person, only_for
from handlers.when.day import read_day
from handlers.when.reading import read_when
from storage.queries import duties_of
from storage.store import Transaction

WORDS = (
    *("status", "overdue", "case", "cycle", "who", "reassign", "extend", "leave", "help", "mine", "safety"),
    *("allocate", "waive", "commission", "theme", "themes"),
)
FOR_EVERYONE = ("mine", "safety", "leave", "help")
"""What is suggested to those who may not ask about everyone's audits."""
GROUP_WORDS = frozenset({"status", "help"})
"""What may be answered where others read it too."""
SHARE = "share"
ENDS_FREELY = frozenset({"reassign", "extend", "allocate", "waive", "commission", "theme", "safety"})
"""Words after which people write in their own words, so that the last of them means nothing more."""
LONGEST = 2000
NOT_UNDERSTOOD = "Sorry, I didn't understand that"
NEAR, MOST_NEAR = 0.65, 3
GREETING = re.compile(
    r"\W*(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening)|morning)(?: there| auditloop)?\W*", re.I
)
THANKS = re.compile(
    r"\W*(?:(?:ok|okay|great|perfect|lovely)\W+)?(?:thanks?|thank you|cheers|ta)(?: (?:a lot|very much))?\W*", re.I
)
BOOKING = ("agree_session", "book_session", "hold_session")

Order = Callable[[Transaction, Person, str, datetime], Awaitable[Reply]]


def first_word(text: str) -> str:
    """The word by which an order is known, however it is written."""
    return text.replace("\u00a0", " ").strip().partition(" ")[0].lower().strip("/.,:;!?")


@dataclass(frozen=True)
class Asked:
    """What was typed behind a slash command; `share`, if the answer is meant for everyone in the place."""

    text: str
    share: bool = False


def asked(line: str) -> Asked:
    """Read what stands behind a slash command: nothing at all asks for help, a last word "share" is for everyone.

    Answer it with `in_group` as `share` says. A refusal is for the asker alone all the same.
    """
    words = " ".join(line.replace("\u00a0", " ").split())
    before, _, last = words.rpartition(" ")
    word = first_word(before)
    if last.lower().strip(".,:;!?") != SHARE or word in ENDS_FREELY:
        return Asked(words or "help")
    known = not before or word in ORDERS or get_close_matches(word, WORDS, 1, NEAR)
    return Asked(before or "help", share=True) if known else Asked(words)


async def say(
    tx: Transaction, person: Person, text: str, at: datetime, *, in_group: bool = False, about: int | None = None
) -> Reply:
    """Answer what a person typed; `in_group`, where others read it too. Raises Refused where it can't be done.

    `about` is the audit in whose thread they typed it, if they did. With "share" at its end it is answered as for a
    group wherever it was typed, so that it can be passed on.
    """
    if len(text) > LONGEST:
        raise refusal("That is a long message", f"I read up to {LONGEST} characters. Write help to see what I know.")
    words = " ".join(text.replace("\u00a0", " ").split())
    if not words:
        raise refusal("That was empty", "Write help to see what auditloop knows.")
    sharing = asked(words)
    if in_group or sharing.share:
        return await _in_group(tx, person, sharing.text, at)
    word, rest = first_word(words), words.partition(" ")[2]
    if word in ORDERS:
        only_for(tx, person, word)
        try:
            return await ORDERS[word](tx, person, rest.strip(" .?!"), at)
        except Refused as refused:
            raise Refused(privacy.without_personal_data(refused.card)) from refused
    found = privacy.findings(words)
    if found:
        raise refusal(
            f"This looks like {' and '.join(found)}", "Please don't write it here; the case reference is enough."
        )
    answered = await in_words.answer(tx, person, words, at, about) or await _booking(tx, person, words, at)
    if answered is not None:
        return answered
    if GREETING.fullmatch(words):
        return Reply(replace(await questions.mine(tx, person, at), title=f"Hello {person.name.split()[0]}"))
    if THANKS.fullmatch(words):
        return Reply(Card(title="You're welcome", text=("Write mine to see what waits for you.",)))
    waiting = await questions.mine(tx, person, at, _nearest(tx, person, words))
    raise Refused(replace(waiting, title=NOT_UNDERSTOOD, tone=Tone.REFUSED))


def _nearest(tx: Transaction, person: Person, words: str) -> str:
    """The words of auditloop that were meant, as a question: those among what was typed, else the nearest in spelling,
    and only what this person may use."""
    known = WORDS if is_qa(tx.rules, person) else FOR_EVERYONE
    among = [one for one in dict.fromkeys(map(first_word, words.split(" "))) if one in known]
    near = among[:MOST_NEAR] or get_close_matches(first_word(words), known, MOST_NEAR, NEAR)
    return f"Do you mean {' or '.join(near)}?" if near else "Write help to see what auditloop knows."


async def _in_group(tx: Transaction, person: Person, text: str, at: datetime) -> Reply:
    word = first_word(text)
    if word not in ORDERS:
        raise refusal(NOT_UNDERSTOOD, _nearest(tx, person, text))
    if word == "help":
        return Reply(status.help_card(qa=False))
    if word == "status":
        only_for(tx, person, word)
        return Reply(await questions.how_it_stands(tx, person, at, in_group=True))
    raise refusal(
        "I answer that in our own chat",
        "What is about one person or one case stays out of groups. Ask without share, and only you read the answer.",
    )


async def _booking(tx: Transaction, person: Person, words: str, at: datetime) -> Reply | None:
    """What was typed as a time for a session, if this person has one to book; None where it is no time at all."""
    audits = await _bookable(tx, person)
    press_for = [Press(tx, person, audit, "book", {"when": words}, at) for audit in audits]
    if not press_for:
        return None
    reading = read_when(words, at, max(map(sessions.session_limit, press_for)), tx.calendar)
    if reading.refused == "not_understood":
        return None
    if len(press_for) > 1:
        choices = tuple(Choice(str(audit.id), audit.case.ref) for audit in audits)
        scene = press_for[0].scene
        raise Refused(
            Card(
                title="Which discussion do you mean?",
                text=(f"You wrote: {words}",),
                tone=Tone.ASK,
                inputs=(
                    ChoiceInput("which", "Case", choices, required=True),
                    ChoiceInput("when", "Time", (Choice(words, words),), value=words, compact=True),
                ),
                actions=scene.button("book", "Choose the case"),
                why=scene.why("book_session"),
            )
        )
    return await sessions.book(press_for[0])


async def _bookable(tx: Transaction, person: Person) -> list[Audit]:
    found: dict[int, Audit] = {}
    for key in BOOKING:
        for audit, duty in await duties_of(tx, person.id):
            if duty.key == key:
                found.setdefault(audit.id, audit)
    return list(found.values())


async def _status(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    return Reply(await questions.how_it_stands(tx, person, at))


async def _overdue(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    return Reply(await questions.overdue(tx, person, at))


async def _case(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    if not rest:
        raise refusal("Which case?", "Write it like this: case K7F-204.")
    return Reply(await questions.case(tx, person, at, rest))


async def _cycle(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    return Reply(await questions.cycle(tx, person, at, rest))


async def _who(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    if not rest:
        raise refusal("Who?", "Write it like this: who Priya Shah.")
    return Reply(await questions.who(tx, person, at, rest))


async def _help(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    return Reply(status.help_card(is_qa(tx.rules, person), themes=tx.framework.themes is not None))


async def _mine(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    return Reply(await questions.mine(tx, person, at))


async def _latest(tx: Transaction, person: Person, ref: str) -> Audit:
    audits = [audit for audit in await find_audits(tx, person, ref) if not audit.withdrawn]
    if not audits:
        raise refusal(f"The audit of {ref} was withdrawn", "There is nothing left to change on it.")
    return audits[-1]


async def _reassign(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    found = re.fullmatch(r"(\S+) to (.+?)(?: because (.+))?", rest, re.IGNORECASE)
    if not found:
        raise refusal("Which case, and to whom?", "Write it like this: reassign K7F-204 to Priya Shah.")
    audit = await _latest(tx, person, found[1])
    to = find_person(tx, found[2])
    values = {"to": str(to.id), "reason": found[3] or ""}
    return await allocations.reassign(Press(tx, person, audit, "reassign", values, at))


async def _extend(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    found = re.fullmatch(r"(\S+)(?: until| to)? (.+?)(?: because (?:of )?(.+))?", rest, re.IGNORECASE)
    if not found:
        raise refusal("Which case, until when, and why?", "Write: extend K7F-204 until 10 April because of sickness.")
    audit = await _latest(tx, person, found[1])
    until = read_day(found[2], tx.calendar.day_of(at))
    if until is None:
        raise refusal(f"“{found[2]}” is not a day that I know", "Write it like 10 April or 2026-04-10.")
    values = {"until": until.isoformat(), "reason": found[3] or ""}
    return await allocations.extend(Press(tx, person, audit, "extend", values, at))


async def _leave(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    """Someone is away: `leave PERSON until DATE` for QA officers, `leave until DATE` for oneself."""
    found = re.fullmatch(r"(?:(.+?) )??until (.+)", rest, re.IGNORECASE)
    if not found:
        raise refusal("Who is away, and until when?", "Write it like this: leave Priya Shah until 17 April.")
    away = find_person(tx, found[1]) if found[1] else person
    if away.id != person.id:
        only_for(tx, person, "leave NAME")
    until = leaves.last_day(tx, found[2], at)
    return Reply(await leaves.take(tx, person, away, until, at))


async def _safety(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    if not rest:
        return Reply(await safety.choose(tx, person, at))
    audit = await _latest(tx, person, rest.split(maxsplit=1)[0])
    press = Press(tx, person, audit, "safety", {}, at)
    press.check()
    return Reply(alert.raise_one(Scene(tx.rules, audit, person, at)))


async def _allocate(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    found = re.fullmatch(
        r"(\S+) to (.+?)(?: as (?:a |an )?(\w+)(?: audit)?(?: for (.+?))?)?(?: because (?:of )?(.+))?",
        rest,
        re.IGNORECASE,
    )
    if not found:
        raise refusal("Which case, and to whom?", "Write it like this: allocate K7F-204 to Priya Shah.")
    kind, title, reason = (found[3] or "core").lower(), found[4] or "", found[5] or ""
    return await allocating.allocate(tx, found[1], found[2], at, person, kind=kind, reason=reason, title=title)


async def _theme(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    return await themes.order(tx, person, rest, at)


async def _themes(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    return await themes.every(tx, at)


async def _waive(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    found = re.fullmatch(r"(\S+) because (?:of )?(.+)", rest, re.IGNORECASE)
    if not found:
        raise refusal("Which self-assessment, and why?", "Write: waive K7F-204 because the practitioner has left.")
    audit = await _latest(tx, person, found[1])
    return await steps.waive(Press(tx, person, audit, "waive", {"text": found[2]}, at))


async def _commission(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    found = re.fullmatch(r"(\S+)(?: because (?:of )?(.+))?", rest, re.IGNORECASE)
    if not found:
        raise refusal("An audit of which case?", "Write: commission K7F-204 because of a critical incident.")
    audit = await _latest(tx, person, found[1])
    return await steps.answer(Press(tx, person, audit, "commission", {"text": found[2] or ""}, at))


ORDERS: dict[str, Order] = {
    "status": _status,
    "overdue": _overdue,
    "case": _case,
    "cycle": _cycle,
    "who": _who,
    "help": _help,
    "mine": _mine,
    "reassign": _reassign,
    "extend": _extend,
    "leave": _leave,
    "safety": _safety,
    "allocate": _allocate,
    "waive": _waive,
    "commission": _commission,
    "theme": _theme,
    "themes": _themes,
}
