"""What January's list tells people, by the titles of their messages, and whom it reaches for one who can't be had."""

from tests.handlers.conftest import CASE, OTHER_CASE
from tests.slack.council import Story
from tests.slack.story import unread

ALLOCATED = {"Carol": f"Your audit for January 2026: {CASE}", "Leo": f"Your audit for January 2026: {OTHER_CASE}"}
"""What an auditor is asked first, and reminded of two days later."""
LISTED = {
    "Carol": [ALLOCATED["Carol"], f"The audit of {CASE}"],
    "Leo": [ALLOCATED["Leo"], f"The audit of {OTHER_CASE}"],
}
"""All that goes out, in the order in which people get it where nothing goes wrong."""
REMINDED, OVERDUE = "2026-01-07T10:00", "2026-01-09T10:00"
"""When whoever hasn't answered has been reminded, and told that their answer is overdue."""
UNDELIVERED = "A message could not be delivered"
KNOWN_WORDS = "What you can write to auditloop"


def hello(name: str) -> str:
    return f"Hello {name}, this is auditloop"


def in_any_order(told: dict[str, list[str]]) -> dict[str, list[str]]:
    """What failed and went later may have been overtaken by what didn't."""
    return {name: sorted(titles) for name, titles in told.items()}


async def reached_instead(story: Story, name: str) -> str:
    """The list went out, and Dan got what was for this auditor, whom he manages; why, as the officer was told."""
    (other,) = LISTED.keys() - {name}
    officer = await story.officer()
    told = await unread(story)
    theirs = [f"For {story.whole_name(name)}: {title}" for title in LISTED[name]]
    assert told == {other: LISTED[other], "Dan": theirs, officer: [UNDELIVERED]}, told
    return story.people[officer].sees()[0]


async def reminded_instead(story: Story) -> None:
    """Time goes by until both are reminded, and Dan gets what was for Carol, whom he manages."""
    await story.until(REMINDED)
    told = await unread(story)
    assert told == {
        "Leo": [ALLOCATED["Leo"]],
        "Dan": [f"For Carol Crane: {ALLOCATED['Carol']}"],
        await story.officer(): [UNDELIVERED],
    }, told
