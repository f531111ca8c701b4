"""What is kept about somebody, and its erasure once they have left and nothing asks to keep it."""

import json
import re
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from audits.messages import Message
from audits.people import Person
from storage.answers import GivenAnswer, keep_given
from storage.contacts import Whereabouts, keep_contact
from storage.drafts import keep_draft
from storage.ledger import post, verify
from storage.persons import erase_person, export_of, leaves, matching, obstacles
from storage.retention import Keeping, retire
from storage.tables import AnswerRow, CaseRow, ContactRow, DraftRow, LedgerRow, OutboxRow, PersonRow
from tests.storage.closed import WORDS, close_an_audit
from tests.storage.conftest import Service, moment, sqlite_only
from tests.storage.test_retention import everything

FOR_EVER, A_YEAR = Keeping(None, None), Keeping(12, 24)
NOW = moment("2026-05-04 09:00")
REPLY = json.dumps({"card": json.dumps({"title": "Asked by Marek", "text": [], "facts": []}), "refused": False})


async def known(service: Service, name: str) -> Person:
    async with service.store.begin() as tx:
        return tx.directory.people[service.ids[name]]


async def export(service: Service, name: str) -> dict[str, Any]:
    async with service.store.begin() as tx:
        return await export_of(tx, tx.directory.people[service.ids[name]], NOW)


async def reasons(service: Service, name: str, keeping: Keeping, at: str = "2026-05-04 09:00") -> str:
    async with service.store.begin() as tx:
        return "\n".join(await obstacles(tx, tx.directory.people[service.ids[name]], keeping, moment(at)))


async def goes(service: Service, name: str) -> None:
    """Somebody leaves, and what is theirs passes to somebody else."""
    async with service.store.begin() as tx:
        person = tx.directory.people[service.ids[name]]
        await leaves(tx, person, NOW)
        it = CaseRow.table().c.holder_id == person.id
        await tx.execute(update(CaseRow.table()).where(it).values(holder_id=service.ids["Cleo"]))


async def is_reached(service: Service, name: str) -> None:
    """Somebody has an account in a chat, a draft, and an answer to something that they pressed."""
    async with service.store.begin() as tx:
        where = Whereabouts("tenant", f"object-of-{name}", f"user-of-{name}", conversation_id=f"chat-of-{name}")
        await keep_contact(tx, "teams", service.ids[name], where, NOW)
        await keep_draft(tx, service.ids[name], "form", {"text": f"draft of {name}"}, NOW)
        await keep_given(tx, f"event-of-{name}", GivenAnswer(service.ids[name], REPLY), NOW)


async def test_an_export_has_all_about_a_person_and_nobody_elses_data(service: Service) -> None:
    audit = await close_an_audit(service)
    await is_reached(service, "Cas")
    found = await export(service, "Cas")
    text = json.dumps(found)
    assert found["person"]["name"] == "Cas"
    assert found["contacts"][0]["conversation_id"] == "chat-of-Cas"
    assert found["drafts"][0]["values"] == {"text": "draft of Cas"}
    assert found["answers_to_you"][0]["card"]["title"] == "Asked by [somebody else]"
    (one,) = [entry for entry in found["audits"] if entry["audit"] == audit]
    assert one["your_part"] == ["practitioner of the case", "asked for a step", "owner of an action", "did something"]
    assert one["grade"] == "Requires improvement"
    assert one["written_about_the_work"]["rationale"] == WORDS[0]
    assert one["your_actions"][0]["what"] == WORDS[2]
    assert {"booked", "disputed", "confirmed"} <= one["you_did"].keys()
    own = [entry for entry in found["record"] if entry["by"] == "you"]
    assert WORDS[5] in json.dumps(own)
    assert WORDS[7] in json.dumps(own)
    assert any(entry["what"] == "person_exported" for entry in (await export(service, "Cas"))["record"])

    others = [name for name in service.ids if name != "Cas" and re.search(rf"\b{name}\b", text)]
    assert others == []
    assert "N-1" not in text
    assert WORDS[4] not in text, "the family's views, written by somebody else"
    by_auditor = json.dumps(await export(service, "Marek"))
    assert WORDS[4] in by_auditor, "their own words are theirs to have"


@sqlite_only
async def test_an_outcome_that_is_held_back_is_not_told_by_an_export(service: Service) -> None:
    audit = await close_an_audit(service)
    async with service.store.begin() as tx:
        found = await tx.audit(audit)
        assert found is not None
        held = {**found.facts, "hold": True, "moderation": "Too mild by far."}
        await tx.write_audit(replace(found, facts=held, confirmed_grade="inadequate"))
    for name in ("Cas", "Marek"):
        text = json.dumps(await export(service, name))
        assert "Too mild by far." not in text
        assert "Inadequate" not in text
    assert "Requires improvement" in text


@sqlite_only
async def test_names_and_references_in_a_text_are_made_unknown_as_whole_words(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    async with service.store.begin() as tx:
        row = await tx.session.get_one(OutboxRow, 1)
        assert row.to_id == service.ids["Marek"]
        row.text = "pat and MO talked; Moreover N-1, n-10 and marek@example.gov.uk, pat@example.gov.uk; Marek knows."
    found = await export(service, "Marek")
    assert found["messages_to_you"][0]["text"] == (
        "[somebody else] and [somebody else] talked; Moreover [case 1], n-10 and marek@example.gov.uk, "
        "[somebody else]; Marek knows."
    )


@sqlite_only
async def test_who_is_at_work_or_still_needed_is_not_erased_and_every_reason_is_said(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    said = await reasons(service, "Marek", FOR_EVER)
    assert "They work here." in said
    assert "steps that wait for them (2)" in said
    assert "Open cases are theirs (2)" in await reasons(service, "Cas", FOR_EVER)
    assert "the manager or the cover of Cas, Cleo" in await reasons(service, "Pat", FOR_EVER)
    assert "the last to hold the role Head of Service" in await reasons(service, "Hana", FOR_EVER)
    assert "the last to hold" not in await reasons(service, "Marek", FOR_EVER)
    await service.happens(audit, "withdrawn", "2026-03-04 09:00", "Quinn", reason="Not needed.")
    assert "They work here." in await reasons(service, "Marek", FOR_EVER)
    await goes(service, "Marek")
    assert await reasons(service, "Marek", FOR_EVER) == "", "with nothing kept for a time there is no obstacle left"


async def test_audits_within_their_time_and_safeguarding_records_are_kept_and_it_is_said_until_when(
    service: Service,
) -> None:
    await close_an_audit(service)
    await goes(service, "Cas")
    said = await reasons(service, "Cas", A_YEAR)
    assert "(1) are kept until Sun 4 Apr 2027" in said
    assert await reasons(service, "Cas", A_YEAR, "2027-04-03 23:00") == said
    assert await reasons(service, "Cas", A_YEAR, "2027-04-04 00:00") == ""

    alert = await close_an_audit(service, ref="N-3", safety=True)
    await goes(service, "Marek")
    said = await reasons(service, "Marek", A_YEAR)
    assert "safeguarding record" in said
    assert "keep it until Tue 4 Apr 2028" in said
    assert "keep it without an end" in await reasons(service, "Marek", FOR_EVER)
    async with service.store.begin() as tx:
        assert await retire(tx, alert, A_YEAR, moment("2028-04-04 09:00"))
    assert await reasons(service, "Marek", FOR_EVER) == "", "what is left of an audit says no more of them"


async def test_an_erasure_takes_everything_of_one_person_and_nothing_of_another(service: Service) -> None:
    audit = await close_an_audit(service)
    for name in ("Cas", "Marek"):
        await is_reached(service, name)
    async with service.store.begin() as tx:
        row = await tx.session.get_one(OutboxRow, 1)
        row.text = "Marek has asked you."
        await keep_given(tx, "of Quinn", GivenAnswer(service.ids["Quinn"], REPLY), NOW)
    await goes(service, "Marek")
    person = await known(service, "Marek")
    async with service.store.begin() as tx:
        done = await erase_person(tx, person, NOW)
    assert (done.audits, done.replies, done.contacts, done.drafts) == (1, 1, 1, 1)
    assert done.entries > 3

    stored = await everything(service)
    for gone in ("Marek", "marek@", WORDS[0], WORDS[1], WORDS[2], WORDS[4], WORDS[6]):
        assert gone not in stored, gone
    for kept in ("Cas", "cas@", "chat-of-Cas", "draft of Cas", WORDS[3], WORDS[5], WORDS[7]):
        assert kept in stored, kept
    number = service.ids["Marek"]
    (row_,) = await service.rows(PersonRow, PersonRow.id == number)
    assert (row_.name, row_.active, row_.manager_id) == (f"Someone who has left ({number})", False, None)
    assert f"Asked by Someone who has left ({number})" in stored
    assert len(await service.rows(ContactRow)) == len(await service.rows(DraftRow)) == 1
    assert {one.event_id for one in await service.rows(AnswerRow)} == {"event-of-Cas", "of Quinn"}
    left = await service.audit(audit)
    assert (left.auditor_id, left.grade) == (number, "requires_improvement")
    assert left.facts["disputed"] == WORDS[5]
    entries = await service.rows(LedgerRow, LedgerRow.audit_id == audit)
    sent = next(one for one in entries if one.kind == "submitted")
    assert (sent.actor_id, sent.values["grade"]) == (number, "requires_improvement")
    async with service.store.begin() as tx:
        assert (await verify(tx))[1] == []
        assert matching(tx.directory.people.values(), "Marek") == []
        assert await obstacles(tx, tx.directory.people[number], FOR_EVER, NOW) == ["That was done on Mon 4 May 2026."]
    async with service.store.begin() as tx:
        assert await retire(tx, audit, A_YEAR, moment("2027-06-01 09:00"))
        assert (await verify(tx))[1] == []


async def test_a_name_that_is_part_of_somebody_elses_is_erased_where_it_stands_by_itself(service: Service) -> None:
    card = {"title": "Zoë Ash, and Zoë Ashby", "text": ["For:\nZoë Ash", "“Zoë Ash”"], "facts": []}
    said = json.dumps({"card": json.dumps(card, ensure_ascii=False), "refused": False})
    async with service.store.begin() as tx:
        row = await tx.session.get_one(PersonRow, service.ids["Marek"])
        row.name = "Zoë Ash"
        await tx.people_changed()
        message = Message("1", "message", service.ids["Quinn"], "qa_officer", "", NOW, text="Zoë Ashby thanks Zoë Ash.")
        await post(tx, [message])
        await keep_given(tx, "of Quinn", GivenAnswer(service.ids["Quinn"], said), NOW)
    await goes(service, "Marek")
    person = await known(service, "Marek")
    async with service.store.begin() as tx:
        await erase_person(tx, person, NOW)
    gone = f"Someone who has left ({service.ids['Marek']})"
    (told,) = await service.rows(OutboxRow, OutboxRow.key == "1")
    assert told.text == f"Zoë Ashby thanks {gone}."
    (reply,) = await service.rows(AnswerRow)
    anew = json.loads(json.loads(reply.reply)["card"])
    assert (anew["title"], anew["text"]) == (f"{gone}, and Zoë Ashby", [f"For:\n{gone}", f"“{gone}”"])
