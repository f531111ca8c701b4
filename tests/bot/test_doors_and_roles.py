"""Every verb, sent to the desk in the name of people whom the audit is none of: a forged form does nothing.

The desk has no sign-in, since it serves one machine; the person in its address is all it goes by.
"""

from uuid import uuid4

from audits.permissions import may
from handlers.verbs import VERBS
from tests.bot.conftest import opens_desk
from tests.bot.test_desk import Visitor, visitor

__all__ = ["opens_desk", "visitor"]
MOST = 4
"""So many strangers to an audit are tried; tests/handlers/test_role_table.py tries everybody behind the doors."""


async def test_no_verb_is_let_through_to_whom_it_isnt_for(visitor: Visitor) -> None:
    desk, before = visitor.desk, await visitor.recorded()
    audit = await desk.audit()
    async with desk.program.store.begin() as tx:
        strangers = [
            person
            for person in tx.directory.people.values()
            if not any(may(tx.rules, audit, verb, person, desk.program.now()) for verb in VERBS)
        ]
    assert len(strangers) >= MOST
    for person in strangers[:MOST]:
        for verb in VERBS:
            form = {"event_id": str(uuid4()), "press": f"{verb}|{audit.id}", "grade": "good", "text": "Mine now."}
            sent = await visitor.post(f"/people/{person.id}/press", form)
            page = await visitor.get(sent.location)
            told = ("Sorry, you can", "There is nothing here to take up", "You audited", "This is the outcome")
            assert page.titles[0].startswith(told), (person.name, verb, page.titles[0])
    assert await visitor.recorded() == before
    assert await desk.audit() == audit


async def test_a_reply_is_read_back_on_the_desk_of_whom_it_was_for_alone(visitor: Visitor) -> None:
    auditor, other = await visitor.desk.auditor(), await visitor.desk.practitioner(2)
    event = str(uuid4())
    await visitor.post(f"/people/{auditor.id}/say", {"text": "mine", "event_id": event})
    assert 'id="reply"' in (await visitor.get(f"/people/{auditor.id}?reply={event}")).text
    assert other.id != auditor.id
    assert 'id="reply"' not in (await visitor.get(f"/people/{other.id}?reply={event}")).text
