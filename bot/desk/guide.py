"""Where to start in a demonstration: whom to be first, drawn from who has something to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk.service import Desktop
from cards.wording import counted


@dataclass(frozen=True)
class Step:
    """A step of the guide: what to do (a link) and what to look at."""

    link: str
    label: str
    text: str


def steps(people: Sequence[Desktop]) -> tuple[Step, ...]:
    """Up to four steps; fewer where nobody fits."""
    answering = max((one for one in people if not one.quality), key=lambda one: one.open_steps, default=None)
    asking = next((one for one in people if one.quality), None)
    found: list[Step] = []
    if answering is not None:
        number = answering.open_steps
        there = f"{counted(number, 'step')} {'is' if number == 1 else 'are'} open" if number else "Nothing is open yet"
        found.append(
            Step(
                f"/people/{answering.person.id}",
                f"Be {answering.person.name}, {answering.role}",
                f"{there}. Answer a card, or type a day such as “Tues 2pm” to book a session.",
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
