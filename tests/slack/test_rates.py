"""A month's list for hundreds of people, at the pace that Slack allows: measured by real seconds."""

from datetime import timedelta
from time import monotonic

from audits.messages import Message
from storage.ledger import post
from tests.slack.council import Opens
from tests.slack.story import hired


async def test_a_months_list_for_hundreds_stays_within_slacks_rates(opens: Opens) -> None:
    async with opens() as story:
        slack = story.slack
        slack.rates.now, slack.api.enforces_rates = monotonic, True
        now = story.clock.now()
        crowd = await hired(story, 120)
        async with story.store.begin() as tx:
            few = crowd[0][1]
            texts = [(row_id, f"Part {part}") for _, row_id in crowd for part in range(2)]
            texts += [(few, f"More {part}") for part in range(3)]
            await post(
                tx,
                [
                    Message(f"m/{place}", "message", to_id, "manager", "", now, notice="told", text=text)
                    for place, (to_id, text) in enumerate(texts)
                ],
            )
        await story.program.beat()
        for _ in range(30):
            if all(row.state == "sent" for row in await story.rows() if row.notice == "told"):
                break
            await story.later(timedelta(minutes=1))
        assert slack.breaches == []
        assert not [call for call in slack.calls if call.status == 429]
        assert [len(person.sees()) for person, _ in crowd] == [5] + [2] * 119
        assert len(slack.sent("conversations.open")) == 0
