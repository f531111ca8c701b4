"""Who is who: matched once by the address in the roster, then by the directory's id; strangers are told nothing."""

from functools import partial

import pytest
from sqlalchemy import delete

from storage.ledger import verify
from storage.tables import ContactRow
from tests.handlers.conftest import CASE
from tests.teams import trouble as wrong
from tests.teams.conftest import Opens, Story, says, title_of
from tests.teams.forms import buttons_of
from tests.teams.trouble import Kind


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "both at once"])
async def test_somebody_is_welcomed_once_however_often_teams_says_that_they_came(opens: Opens, at_once: bool) -> None:
    async with opens() as story:
        alice = story.person("Alice")
        await alice.installs(at_once=at_once)
        await story.teams.until(alice.chat.cards)
        await alice.installs(at_once=at_once)
        await alice.says("mine")
        await story.teams.until(lambda: len(alice.chat.now()) == 2)
        titles = [title_of(card) for card in alice.chat.cards()]
        assert titles == ["Hello Alice, this is auditloop", "Nothing waits for you"]


async def test_what_could_not_reach_somebody_comes_when_they_do(opens: Opens) -> None:
    async with opens() as story:
        await story.everyone_came("Carol")
        story.look()
        assert {row.state for row in await story.rows() if row.to_id == story.ids["Carol"]} == {"failed"}
        carol = story.person("Carol")
        await carol.installs()
        await story.teams.until(lambda: len(carol.chat.now()) == 3)
        assert title_of(carol.chat.cards()[0]) == "Hello Carol, this is auditloop"
        message = await story.asked("Carol", "accept")
        assert (await carol.presses(message, "accept")).status == 200


async def test_somebody_is_known_again_although_their_address_has_changed(story: Story) -> None:
    carol = story.person("Carol")
    async with story.store.begin() as tx:
        from storage.tables import PersonRow

        row = await tx.session.get_one(PersonRow, story.ids["Carol"])
        row.email = "carol.married@example.org"
        await tx.people_changed()
    await carol.says("mine")
    (card,) = await story.answered("Carol")
    assert title_of(card) == "What waits for you"


async def test_an_address_in_capitals_is_the_same_address(opens: Opens) -> None:
    async with opens() as story:
        loud = story.teams.person("Carol Crane", "CAROL@Example.Org", installed=False)
        await loud.installs()
        await story.teams.until(loud.chat.cards)
        assert title_of(loud.chat.cards()[0]) == "Hello Carol, this is auditloop"


async def test_a_stranger_gets_a_polite_answer_and_the_officer_hears_of_it_once_a_day(story: Story) -> None:
    eve = story.teams.person("Eve <b>Evans</b> **", "eve@example.net")
    for words in ("status", f"case {CASE}", "help"):
        await eve.says(words)
    await story.teams.until(lambda: len(eve.chat.now()) == 3)
    assert [title_of(card) for card in eve.chat.cards()] == ["Sorry, I don't know you yet"] * 3
    assert not any(CASE in says(card) for card in eve.chat.cards())
    officer = await story.officer()
    card = await story.shows(officer, "isn't among the people of this service")
    assert "(eve@example.net) wrote to auditloop in Teams" in says(card)
    assert "\\*\\*" in says(card)
    told = [one for one in story.person(officer).chat.cards() if "isn't among" in says(one)]
    assert len(told) == 1


async def test_a_stranger_who_presses_somebody_elses_button_changes_nothing(story: Story) -> None:
    eve = story.teams.person("Eve Evans", "eve@example.net")
    message = await story.asked("Carol", "accept")
    button = next(one for one in buttons_of(message.card or {}) if one["verb"] == "accept")
    reply = await eve.forged("accept", button["data"], reply_to=message.id)
    assert reply.card is not None
    assert title_of(reply.card) == "Sorry, I don't know you yet"
    assert message.history == ["sent"]


async def test_a_second_account_with_somebodys_address_is_a_stranger(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address can be given to somebody else; the id in the directory can't."""
    other = story.teams.person("Carol Crane", "carol.second@example.org")
    told = other.member() | {"email": "carol@example.org", "userPrincipalName": "carol@example.org"}
    monkeypatch.setattr(other, "member", lambda: told)
    await other.says("mine")
    await story.teams.until(other.chat.cards)
    assert title_of(other.chat.cards()[0]) == "Sorry, I don't know you yet"
    await story.shows(await story.officer(), "isn't among the people of this service")
    contact = await story.contact("Carol")
    assert contact is not None
    assert contact.object_id == story.person("Carol").aad_object_id


async def test_while_the_roster_cannot_be_read_nobody_is_taken_for_a_stranger(opens: Opens) -> None:
    async with opens() as story:
        carol = story.person("Carol")
        carol.installed = True
        order = story.teams.trouble.add(wrong.UNAVAILABLE, kind=Kind.MEMBER, times=None)
        await carol.says("mine")
        await story.teams.until(carol.chat.cards)
        assert title_of(carol.chat.cards()[0]) == "I can't tell who you are just now"
        order.stop()
        await carol.says("mine")
        await story.teams.until(lambda: len(carol.chat.now()) == 3)
        assert "stranger" not in {row.notice for row in await story.rows()}


async def test_somebody_who_has_left_the_service_is_told_nothing(story: Story) -> None:
    from storage.tables import PersonRow

    async with story.store.begin() as tx:
        row = await tx.session.get_one(PersonRow, story.ids["Grace"])
        row.active = False
        await tx.people_changed()
    await story.person("Grace").says("status")
    (card,) = await story.answered("Grace")
    assert title_of(card) == "Sorry, I don't know you"


async def test_a_team_that_takes_auditloop_in_makes_its_members_known(opens: Opens) -> None:
    """Nobody has opened auditloop; the team's roster is enough to write to those who have the app."""
    async with opens() as story:
        for person in story.people.values():
            person.installed = True
        quality = story.teams.channel("Quality", list(story.people.values()))
        grace = story.person("Grace")
        event = grace.mentioning("", quality) | {"type": "conversationUpdate", "text": ""}
        event["conversation"]["id"] = quality.id
        event["membersAdded"] = [{"id": event["recipient"]["id"]}]
        assert (await grace.posts(event)).status == 200
        for name in story.people:
            await story.eventually(partial(story.contact, name))
        contact = await story.contact("Carol")
        assert contact is not None
        assert contact.conversation_id == ""
        await grace.says("help")
        await story.answered("Grace", 2)
        async with story.store.begin() as tx:
            from sqlalchemy import update

            from storage.tables import OutboxRow

            await tx.session.execute(update(OutboxRow).values(state="queued", sent_at=None, attempts=0, digest=None))
        await story.program.beat()
        message = await story.asked("Carol", "accept")
        assert (await story.person("Carol").presses(message, "accept")).status == 200
        opened = [call.person for call in story.teams.sent(Kind.CREATE)]
        assert "Carol Crane" in opened
        assert len(opened) == len(set(opened))


async def test_a_newcomer_to_the_team_is_made_known_too(story: Story) -> None:
    contacts = ContactRow.table()
    async with story.store.begin() as tx:
        forgotten = await tx.execute(delete(contacts).where(contacts.c.person_id == story.ids["Bob"]))
        assert forgotten.rowcount == 1
    bob, grace = story.person("Bob"), story.person("Grace")
    quality = story.teams.channel("Quality", list(story.people.values()))
    event = grace.mentioning("", quality) | {"type": "conversationUpdate", "text": ""}
    event["conversation"]["id"] = quality.id
    event["membersAdded"] = [{"id": bob.mri, "aadObjectId": bob.aad_object_id}]
    await grace.posts(event)
    await story.eventually(lambda: story.contact("Bob"))
    async with story.store.begin() as tx:
        assert (await verify(tx))[1] == []
