"""Where to start in a demonstration: whom to be first, drawn from who has something waiting."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk.service import Desktop
from cards.wording import counted

QUALITY = ("qa ", "quality")


@dataclass(frozen=True)
class Step:
    """A step of the guide: what to do (a link) and what to look at."""

    link: str
    label: str
    text: str


def _looks_after_quality(desktop: Desktop) -> bool:
    return any(word in f"{desktop.role.lower()} " for word in QUALITY)


def steps(people: Sequence[Desktop]) -> tuple[Step, ...]:
    """Up to four steps; fewer where nobody fits."""
    answering = max((one for one in people if not _looks_after_quality(one)), key=lambda one: one.waiting, default=None)
    asking = next((one for one in people if _looks_after_quality(one)), None)
    found: list[Step] = []
    if answering is not None:
        waiting = f"{counted(answering.waiting, 'message')} {'waits' if answering.waiting == 1 else 'wait'} there"
        found.append(
            Step(
                f"/people/{answering.person.id}",
                f"Be {answering.person.name}, {answering.role}",
                f"{waiting if answering.waiting else 'Nothing waits there yet'}. "
                "Answer a card, or type a day such as “Tues 2pm” to book a session.",
            )
        )
    found.append(
        Step(
            "#clock",
            "Move the clock",
            "With the buttons above: see who is reminded, and who hears of it when nothing is done.",
        )
    )
    found.append(
        Step("/timeline", "Read the timeline", "It shows who was told what and when, and the rule that asks for it.")
    )
    if asking is not None:
        found.append(
            Step(
                f"/people/{asking.person.id}",
                f"Be {asking.person.name}, {asking.role}",
                "Type “status” to ask how the month stands.",
            )
        )
    return tuple(found)
