"""What the stories in Slack share: who has come how far, what was counted and recorded, and a database that is busy."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import aiohttp
import pytest
from sqlalchemy import func, select

from bot.rates import Rate
from bot.slack import rates
from storage.tables import DraftRow, LedgerRow, PersonRow
from tests.handlers.conftest import CASE
from tests.slack.council import Story
from tests.slack.forms import control
from tests.slack.people import Member
from tests.slack.workspace import View

SENT = {
    "Overall grade": "good",
    "Why this grade?": "The plan is clear and life is safer for the child.",
    "Is there an immediate": "no",
    "Did the child or young person give feedback?": "obtained",
    "Did a parent or carer give feedback?": "obtained",
    "Do you suspect long-term neglect": "no",
}
"""A grade form with nothing wrong in it, by the beginnings of its labels; what is chosen, by its value."""
TYPED = ("Why this grade?",)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's pace of one message a second in a chat has tests of its own; in these stories nobody waits for it."""
    monkeypatch.setattr(rates, "PER_CHANNEL", Rate(100, 1.0))


async def entries(story: Story) -> int:
    """How many entries the ledger has."""
    async with story.store.begin() as tx:
        return await tx.session.scalar(select(func.count(LedgerRow.id))) or 0


async def refusals(story: Story) -> dict[str, int]:
    """What was refused so far, by the word for its reason."""
    async with aiohttp.ClientSession() as watch, watch.get(f"{story.address}/healthz") as answer:
        found: dict[str, int] = (await answer.json())["refused"]
        return found


async def drafts(story: Story, name: str) -> list[dict[str, str]]:
    """What somebody has typed and not sent."""
    async with story.store.begin() as tx:
        return list(await tx.session.scalars(select(DraftRow.values).where(DraftRow.person_id == story.ids[name])))


async def hired(story: Story, count: int) -> list[tuple[Member, int]]:
    """So many more managers, each with an account in Slack and their id."""
    found = []
    async with story.store.begin() as tx:
        for number in range(count):
            person = story.slack.member(f"Person {number}", f"p{number}@example.org")
            row = PersonRow(name=person.name, email=person.email, role="manager", active=True)
            tx.session.add(row)
            await tx.session.flush()
            found.append((person, row.id))
        await tx.people_changed()
    return found


async def unread(story: Story) -> dict[str, list[str]]:
    """The titles of what has come to each person, or changed before them, since the story last looked."""
    await story.settled()
    found: dict[str, list[str]] = {}
    for name, person in story.people.items():
        new = [one for one in person.messages() if not one.seen]
        if new:
            found[name] = [person.reads(one).partition("\n")[0] for one in new]
    return found


@contextmanager
def busy(story: Story) -> Iterator[None]:
    """Another process writes into the database: nothing else can be written, or read by auditloop, until it is done."""
    file = story.store.database.url.database
    assert file
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("COMMIT")


async def modal(story: Story, person: Member, words: str) -> View:
    """The modal that somebody has open, once it says this."""
    await story.slack.until(lambda: person.modal is not None and words in person.reads(person.modal))
    assert person.modal is not None
    return person.modal


async def asked(story: Story, button: str) -> str:
    """The first name of somebody who has a message with this button; waited for."""

    def found() -> str | None:
        for name, person in story.people.items():
            if any(control(one.blocks, button, pressed=True) for one in person.messages()):
                return name
        return None

    await story.slack.until(found)
    name = found()
    assert name is not None
    return name


async def taken(story: Story) -> None:
    """Carol has taken her audit."""
    await story.people["Carol"].presses("I'll take it")
    await story.shows("Carol", "You took this audit")
    await story.shows("Carol", "When could you talk about")


async def taken_and_told(story: Story) -> None:
    """Carol has taken her audit, and whoever that concerns was told of it."""
    await taken(story)
    told = await unread(story)
    assert told == {"Alice": ["An audit of your work with this child"], "Carol": [f"The audit of {CASE}"]}, told


async def booked(story: Story) -> None:
    """Carol has taken her audit, and she and Alice have agreed a time."""
    await taken(story)
    await story.people["Carol"].says("Tues 2pm")
    await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    await story.people["Alice"].presses("Yes, that suits me")
    await story.shows("Alice", "Your discussion is on Tue 6 Jan 2026 at 14:00")
    await story.shows("Carol", "Your discussion is on Tue 6 Jan 2026 at 14:00")


async def talked(story: Story) -> None:
    """Carol and Alice have talked, and Carol has the grade form before her."""
    await taken(story)
    await story.people["Carol"].presses("We have already talked")
    await story.shows("Carol", "Your grade for")


async def talked_and_told(story: Story) -> None:
    """Carol and Alice have talked, Carol has the grade form before her, and whoever that concerns was told of it."""
    await talked(story)
    told = await unread(story)
    assert told == {
        "Alice": ["An audit of your work with this child"],
        "Carol": [f"Complete the audit: {CASE}", f"You said that the discussion was held: {CASE}"],
    }, told


def at_modal(person: Member) -> View | None:
    """The modal that somebody has open now. What they do changes it, which a type checker doesn't see."""
    return person.modal


async def fills(person: Member, *but: str, **otherwise: str) -> None:
    """Fill in what the open step of the grade form asks, `but` what begins so."""
    assert person.modal is not None
    words = person.reads(person.modal)
    for label, value in (SENT | otherwise).items():
        if label not in but and label in words:
            await (person.types(label, value) if label in TYPED else person.chooses(label, value))


async def graded(story: Story, **otherwise: str) -> None:
    """Carol opens the grade form and fills it in to its last step, which she doesn't send."""
    carol = story.people["Carol"]
    await carol.presses("Send the audit")
    await modal(story, carol, "Overall grade")
    while True:
        await fills(carol, **otherwise)
        assert carol.modal is not None
        if carol.modal.content["submit"]["text"] != "Next":
            return
        await carol.submits()
