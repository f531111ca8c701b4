"""Who is who: matched once by their address, then by the id of their account; strangers and guests are told nothing."""

import asyncio
from datetime import timedelta

import pytest

from bot.slack.acquaintance import Acquaintance, NotNow
from storage.ledger import verify
from tests.handlers.conftest import CASE
from tests.slack import trouble as wrong
from tests.slack.council import Opens, Story, reading
from tests.slack.january import (
    ALLOCATED,
    KNOWN_WORDS,
    LISTED,
    REMINDED,
    hello,
    reached_instead,
    reminded_instead,
)
from tests.slack.people import Member
from tests.slack.server import TEAM_ID, Slack
from tests.slack.story import unread
from tests.slack.workspace import Account, Json

MINE = "What waits for you"
SOMEBODY_UNKNOWN = "Somebody unknown wrote to auditloop"
SORRY = "Sorry, I don't know you"
SORRY_YET = "Sorry, I don't know you yet"
AMONG = "isn't among the people of this service"


def _named(slack: Slack, name: str) -> Account:
    return next(one for one in slack.workspace.accounts if one.name.startswith(name))


def _readdressed(person: Member, email: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's account has another address; its id, which the fake makes of the first one, stays."""
    profile = person.profile

    def told(*, with_email: bool) -> Json:
        found = profile(with_email=with_email)
        return found | {"profile": found["profile"] | ({"email": email} if with_email else {})}

    monkeypatch.setattr(person, "profile", told)


def acquaintance(story: Story) -> Acquaintance:
    return story.door.acquaintance


async def test_somebody_is_welcomed_once_however_often_they_write(opens: Opens) -> None:
    async with opens() as story:
        alice = story.people["Alice"]
        await alice.says("mine")
        assert await unread(story) == {"Alice": [hello("Alice"), "Nothing waits for you"]}
        await alice.says("help")
        assert await unread(story) == {"Alice": [KNOWN_WORDS]}
        assert len(story.slack.sent("users.info")) == 1


async def test_whoever_begins_with_several_things_at_once_is_one_person_and_no_stranger(opens: Opens) -> None:
    async with opens() as story:
        alice, door = story.people["Alice"], acquaintance(story)
        found = await asyncio.gather(*(door.person(alice.id, TEAM_ID) for _ in range(4)))
        assert set(found) == {story.ids["Alice"]}
        assert await door.person(alice.id, "T0ANOTHER") is None
        assert not [row for row in await story.rows() if AMONG in row.text]


async def test_somebody_is_known_again_although_their_address_has_changed_in_both_places(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = story.people["Carol"]
    await story.readdressed("Carol", "carol.crane@example.org")
    _readdressed(carol, "carol.married@example.org", monkeypatch)
    await story.slack.events.changed(carol)
    await carol.says("mine")
    assert await unread(story) == {"Carol": [hello("Carol"), MINE]}
    await story.until(REMINDED)
    assert await unread(story) == {name: [title] for name, title in ALLOCATED.items()}


async def test_an_address_that_moves_to_another_account_takes_nobody_along(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Carol's account has a new address, and somebody else's account has her old one."""
    carol, other = story.people["Carol"], story.slack.member("Chris Crow", "chris@example.org")
    old = carol.email
    _readdressed(carol, "carol.married@example.org", monkeypatch)
    _readdressed(other, old, monkeypatch)
    for person in (carol, other):
        await story.slack.events.changed(person)
    await other.says("mine")
    story.people["Chris"] = other
    assert await unread(story) == {"Chris": [SORRY_YET], await story.officer(): [SOMEBODY_UNKNOWN]}
    contact = await story.contact("Carol")
    assert contact is not None
    assert (contact.object_id, contact.closed) == (carol.id, "")


async def test_an_address_in_capitals_is_the_same_address(opens: Opens) -> None:
    async with opens() as story:
        story.slack.workspace.accounts.remove(story.people["Carol"])
        loud = story.slack.member("Carol Crane", "CAROL@Example.Org")
        await loud.says("mine")
        story.people["Carol"] = loud
        assert await unread(story) == {"Carol": [hello("Carol"), MINE]}
        contact = await story.contact("Carol")
        assert contact is not None
        assert (contact.tenant, contact.object_id) == (TEAM_ID, loud.id)


async def test_a_stranger_gets_a_polite_answer_and_the_officer_hears_of_it_once_a_day(story: Story) -> None:
    eve = story.people["Eve"] = story.slack.member("Eve <!channel> Evans", "eve@example.net")
    officer = await story.officer()
    for words in ("status", f"case {CASE}", "help"):
        await eve.says(words)
    assert await unread(story) == {"Eve": [SORRY_YET] * 3, officer: [SOMEBODY_UNKNOWN]}
    assert not any(CASE in text for text in eve.sees())
    told = story.people[officer].sees()[-1]
    assert "(eve@example.net) wrote to auditloop in Slack and isn't among the people of this service" in told
    await story.later(timedelta(days=1))
    await eve.says("status")
    assert await unread(story) == {"Eve": [SORRY_YET], officer: [SOMEBODY_UNKNOWN]}
    assert all(AMONG in text for text in story.people[officer].sees())


async def test_a_guest_with_a_persons_address_is_told_nothing_and_that_is_said(opens: Opens) -> None:
    async with opens(begun=lambda slack: setattr(_named(slack, "Carol"), "restricted", True)) as story:
        carol = story.people["Carol"]
        await carol.says("mine")
        told = reading(await story.shows(await story.officer(), "is a guest there"))
        assert "and is a guest there, so they were told nothing" in told
        assert await unread(story) == {"Carol": [SORRY_YET]}
        assert await story.contact("Carol") is None


async def test_of_two_accounts_with_one_address_the_first_one_stays(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, other = story.people["Carol"], story.slack.member("Carol Crane", "carol.second@example.org")
    _readdressed(other, carol.email, monkeypatch)
    await other.says("mine")
    story.people["Carol the second"] = other
    assert await unread(story) == {"Carol the second": [SORRY_YET], await story.officer(): [SOMEBODY_UNKNOWN]}
    contact = await story.contact("Carol")
    assert contact is not None
    assert contact.object_id == carol.id


async def test_somebody_of_another_workspace_is_nobody(story: Story) -> None:
    assert await acquaintance(story).person(story.people["Carol"].id, "T0OTHER") is None
    assert await acquaintance(story).person("", TEAM_ID) is None
    assert await acquaintance(story).person("U0NOBODY", TEAM_ID) is None
    assert await acquaintance(story).person(story.slack.workspace.bot_user_id, TEAM_ID) is None
    assert await acquaintance(story).person(story.people["Carol"].id, TEAM_ID) == story.ids["Carol"]
    assert await unread(story) == {}


async def test_while_slack_does_not_say_who_somebody_is_nobody_is_taken_for_a_stranger(opens: Opens) -> None:
    async with opens() as story:
        carol = story.people["Carol"]
        order = story.slack.trouble.add(wrong.UNAVAILABLE, "users.info", times=None)
        await carol.says("mine")
        assert await unread(story) == {"Carol": ["I can't tell who you are just now"]}
        order.stop()
        await carol.says("mine")
        assert await unread(story) == {"Carol": [hello("Carol"), MINE]}
        assert "stranger" not in {row.notice for row in await story.rows()}


async def test_somebody_who_has_left_the_service_is_told_nothing(story: Story) -> None:
    await story.people["Grace"].says("help")
    assert await unread(story) == {"Grace": [hello("Grace"), KNOWN_WORDS]}
    await story.leaves("Grace")
    await story.people["Grace"].says("status")
    assert await unread(story) == {"Grace": [SORRY]}


async def test_who_gets_an_account_is_written_to_from_then_on(opens: Opens) -> None:
    async with opens(begun=lambda slack: slack.workspace.accounts.remove(_named(slack, "Leo"))) as story:
        await story.everyone_told()
        await reached_instead(story, "Leo")
        leo = story.people["Leo"]
        story.slack.workspace.accounts.append(leo)
        await story.slack.events.joined(leo)
        assert await unread(story) == {"Leo": LISTED["Leo"]}
        assert await story.states("Leo") == {"sent"}


async def test_who_gets_the_address_that_the_service_knows_is_matched_then(opens: Opens) -> None:
    async with opens() as story:
        newcomer = story.slack.member("Leo L", "leo.linnet@example.org")
        story.slack.workspace.accounts.remove(story.people["Leo"])
        await story.everyone_told()
        await reached_instead(story, "Leo")
        await story.readdressed("Leo", "leo.linnet@example.org")
        story.people["Leo"] = newcomer
        await story.slack.events.changed(newcomer)
        assert await unread(story) == {"Leo": LISTED["Leo"]}


async def test_a_guest_who_becomes_one_is_not_written_to_and_back_again(story: Story) -> None:
    carol = story.people["Carol"]
    carol.restricted = True
    await story.slack.events.changed(carol)
    await reminded_instead(story)
    carol.restricted = False
    await story.slack.events.changed(carol)
    assert await unread(story) == {"Carol": [ALLOCATED["Carol"]]}


async def test_an_event_about_an_account_of_another_workspace_changes_nothing(story: Story) -> None:
    user = story.people["Carol"].profile(with_email=True) | {"deleted": True, "team_id": "T0OTHER"}
    await acquaintance(story).changed(user)
    contact = await story.contact("Carol")
    assert contact is not None
    assert contact.closed == ""


async def test_what_is_no_account_is_refused(story: Story) -> None:
    with pytest.raises(NotNow):
        await acquaintance(story).changed({"deleted": True})


async def test_many_are_looked_up_at_once_and_few_one_by_one(opens: Opens) -> None:
    async with opens() as story:
        roster = acquaintance(story).roster
        crowd = [story.slack.member(f"Person {number}") for number in range(60)]
        for person in crowd:
            assert await roster.with_email(person.email) is not None
        assert len(story.slack.sent("users.lookupByEmail")) == 10
        assert len(story.slack.sent("users.list")) == 1
        for person in crowd:
            assert (await roster.member(person.id)) is not None
        assert len(story.slack.sent("users.info")) == 0
        await story.later(timedelta(hours=2))
        assert (await roster.member(crowd[0].id)) is not None
        assert len(story.slack.sent("users.info")) == 1


async def test_nothing_of_all_this_harms_the_ledger(story: Story) -> None:
    eve = story.people["Eve"] = story.slack.member("Eve Evans", "eve@example.net")
    await eve.says("status")
    await story.shows(await story.officer(), AMONG)
    assert await unread(story) == {"Eve": [SORRY_YET]}
    async with story.store.begin() as tx:
        assert (await verify(tx))[1] == []
