"""Every verb, sent through Teams by people whom the audit is none of: a card of their own making gets them nowhere."""

import pytest

from handlers.verbs import VERBS
from tests.teams.conftest import Story, title_of
from tests.teams.test_bad_input import entries

OTHERS = {
    "Mia": "another case's practitioner",
    "Leo": "another case's auditor",
    "Judy": "somebody of the council whom no rule names here",
}
MAY_BE_SAID_BY = {("Judy", "offer")}
"""What the table lets one of them do; it is too early for it."""


@pytest.mark.parametrize("name", OTHERS)
async def test_no_verb_is_let_through_to_whom_it_isnt_for(story: Story, name: str) -> None:
    before, person = await entries(story), story.person(name)
    for verb in VERBS:
        for subject in ("1", "1:1"):
            reply = await person.forged(verb, {"subject": subject, "grade": "good", "text": "Mine now.", "to": "9"})
            assert reply.status == 200
            assert reply.card is not None, verb
            title = title_of(reply.card)
            early = (name, verb) in MAY_BE_SAID_BY and title == "It is a little too early for this"
            refused = title.startswith(("Sorry, you can't", "There is nothing here to take up"))
            assert refused or early, (verb, subject, title)
    assert await entries(story) == before


async def test_what_a_person_was_answered_is_for_nobody_else(story: Story) -> None:
    """The id of an event is no key to what it was answered."""
    carol, mia = story.person("Carol"), story.person("Mia")
    activity = carol.pressing({"type": "Action.Execute", "verb": "accept"}, {"subject": "1"}, "")
    first = await carol.posts(activity)
    assert first.card is not None
    assert title_of(first.card) == "When could you talk about K7F-204?"
    theirs = mia.pressing({"type": "Action.Execute", "verb": "accept"}, {"subject": "1"}, "")
    second = await mia.posts(theirs | {"id": activity["id"]})
    assert second.card is not None
    assert "K7F-204" not in str(second.card)
