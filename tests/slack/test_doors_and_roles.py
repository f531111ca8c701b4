"""Every verb, sent through Slack by people whom the audit is none of: a forged button gets them nowhere."""

import pytest

from handlers.verbs import VERBS
from tests.slack.council import Story
from tests.slack.story import at_once, entries, refusals
from tests.slack.test_bad_input import forged

__all__ = ["at_once"]
REFUSED = ("Sorry, you can't", "There is nothing here to take up")


@pytest.mark.parametrize(("name", "subject"), [("Carol", "2"), ("Leo", "1"), ("Carol", "2:1")])
async def test_no_verb_is_let_through_to_whom_it_isnt_for(story: Story, name: str, subject: str) -> None:
    before, person = await entries(story), story.people[name]
    for verb in VERBS:
        assert (await forged(story, person, "I'll take it", verb=verb, subject=subject)).status == 200
    await story.slack.until(lambda: len(person.ephemeral()) == len(VERBS))
    for said in person.ephemeral():
        assert any(words in person.reads(said) for words in REFUSED), person.reads(said)
    assert (await refusals(story))["press"] == len(VERBS)
    assert await entries(story) == before
