"""Who is who: matched once by their address, then by the id of their account; strangers and guests are told nothing."""

import asyncio
from datetime import timedelta

import pytest

from bot.slack.acquaintance import Acquaintance, NotNow
from storage.ledger import verify
from tests.handlers.conftest import CASE
from tests.slack import trouble as wrong
from tests.slack.council import Opens, Story, reading
from tests.slack.people import Member
from tests.slack.server import TEAM_ID, Slack
from tests.slack.workspace import Account, Json

HELLO = "Hello Alice, this is auditloop"
SORRY = "Sorry, I don't know you"
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
        await story.shows("Alice", "Nothing waits for you")
        await alice.says("help")
        await story.slack.until(lambda: len(alice.messages()) == 3)
        assert [HELLO in text for text in alice.sees()] == [True, False, False]
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
    await story.shows("Carol", "What waits for you")
    await story.until("2026-01-26T10:00")
    assert "failed" not in await story.states("Carol")


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
    await story.slack.until(other.messages)
    assert SORRY in other.sees()[0]
    contact = await story.contact("Carol")
    assert contact is not None
    assert (contact.object_id, contact.closed) == (carol.id, "")


async def test_an_address_in_capitals_is_the_same_address(opens: Opens) -> None:
    async with opens() as story:
        story.slack.workspace.accounts.remove(story.people["Carol"])
        loud = story.slack.member("Carol Crane", "CAROL@Example.Org")
        await loud.says("mine")
        await story.slack.until(lambda: any("Hello Carol" in reading(one) for one in loud.messages()))
        contact = await story.contact("Carol")
        assert contact is not None
        assert (contact.tenant, contact.object_id) == (TEAM_ID, loud.id)


async def test_a_stranger_gets_a_polite_answer_and_the_officer_hears_of_it_once_a_day(story: Story) -> None:
    eve = story.slack.member("Eve <!channel> Evans", "eve@example.net")
    for words in ("status", f"case {CASE}", "help"):
        await eve.says(words)
    await story.slack.until(lambda: len(eve.messages()) == 3)
    assert all(SORRY in text and CASE not in text for text in eve.sees())
    officer = await story.officer()
    told = reading(await story.shows(officer, AMONG))
    assert "(eve@example.net) wrote to auditloop in Slack and isn't among the people of this service" in told
    assert sum(AMONG in reading(one) for one in story.people[officer].messages()) == 1
    await story.later(timedelta(days=1))
    await eve.says("status")
    await story.slack.until(lambda: sum(AMONG in reading(one) for one in story.people[officer].messages()) == 2)


async def test_a_guest_with_a_persons_address_is_told_nothing_and_that_is_said(opens: Opens) -> None:
    async with opens(begun=lambda slack: setattr(_named(slack, "Carol"), "restricted", True)) as story:
        carol = story.people["Carol"]
        await carol.says("mine")
        await story.slack.until(carol.messages)
        assert SORRY in carol.sees()[0]
        assert "and is a guest there, so they were told nothing" in reading(
            await story.shows(await story.officer(), "is a guest there")
        )
        assert await story.contact("Carol") is None


async def test_of_two_accounts_with_one_address_the_first_one_stays(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, other = story.people["Carol"], story.slack.member("Carol Crane", "carol.second@example.org")
    _readdressed(other, carol.email, monkeypatch)
    await other.says("mine")
    await story.slack.until(other.messages)
    assert SORRY in other.sees()[0]
    await story.shows(await story.officer(), AMONG)
    contact = await story.contact("Carol")
    assert contact is not None
    assert contact.object_id == carol.id


async def test_somebody_of_another_workspace_is_nobody(story: Story) -> None:
    assert await acquaintance(story).person(story.people["Carol"].id, "T0OTHER") is None
    assert await acquaintance(story).person("", TEAM_ID) is None
    assert await acquaintance(story).person("U0NOBODY", TEAM_ID) is None
    assert await acquaintance(story).person(story.slack.workspace.bot_user_id, TEAM_ID) is None
    assert await acquaintance(story).person(story.people["Carol"].id, TEAM_ID) == story.ids["Carol"]


async def test_while_slack_does_not_say_who_somebody_is_nobody_is_taken_for_a_stranger(opens: Opens) -> None:
    async with opens() as story:
        carol = story.people["Carol"]
        order = story.slack.trouble.add(wrong.UNAVAILABLE, "users.info", times=None)
        await carol.says("mine")
        await story.slack.until(carol.messages)
        assert SORRY not in carol.sees()[0]
        order.stop()
        await carol.says("mine")
        await story.shows("Carol", "Hello Carol")
        assert "stranger" not in {row.notice for row in await story.rows()}


async def test_somebody_who_has_left_the_service_is_told_nothing(story: Story) -> None:
    await story.people["Grace"].says("help")
    await story.shows("Grace", "What you can write to auditloop")
    count = len(story.people["Grace"].messages())
    await story.leaves("Grace")
    await story.people["Grace"].says("status")
    await story.slack.until(lambda: len(story.people["Grace"].messages()) > count)
    assert SORRY in reading(story.people["Grace"].messages()[-1])


async def test_who_gets_an_account_is_written_to_from_then_on(opens: Opens) -> None:
    async with opens(begun=lambda slack: slack.workspace.accounts.remove(_named(slack, "Leo"))) as story:
        await story.everyone_told()
        assert await story.states("Leo") == {"failed"}
        leo = story.people["Leo"]
        story.slack.workspace.accounts.append(leo)
        await story.slack.events.joined(leo)
        await story.shows("Leo", "Your audit for January 2026")

        async def all_sent() -> bool:
            return await story.states("Leo") == {"sent"}

        await story.eventually(all_sent)


async def test_who_gets_the_address_that_the_service_knows_is_matched_then(opens: Opens) -> None:
    async with opens() as story:
        newcomer = story.slack.member("Leo L", "leo.linnet@example.org")
        story.slack.workspace.accounts.remove(story.people["Leo"])
        await story.everyone_told()
        assert await story.states("Leo") == {"failed"}
        await story.readdressed("Leo", "leo.linnet@example.org")
        await story.slack.events.changed(newcomer)
        await story.slack.until(newcomer.messages)
        assert "Your audit for January 2026" in "".join(newcomer.sees())


async def test_a_guest_who_becomes_one_is_not_written_to_and_back_again(story: Story) -> None:
    carol = story.people["Carol"]
    count = len(carol.messages())
    carol.restricted = True
    await story.slack.events.changed(carol)
    await story.until("2026-01-26T10:00")
    assert len(carol.messages()) == count
    carol.restricted = False
    await story.slack.events.changed(carol)
    await story.slack.until(lambda: len(carol.messages()) > count)


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
    await story.slack.member("Eve Evans", "eve@example.net").says("status")
    await story.shows(await story.officer(), AMONG)
    async with story.store.begin() as tx:
        assert (await verify(tx))[1] == []
