"""Management oversight, the gate before the upload, and disagreement while its window is open."""

from cards.card import Tone
from tests.handlers.conftest import CASE, OTHER_CASE, SENT, Service, errors, verbs, words


async def test_the_service_lead_reads_the_audit_and_the_auditor_is_asked_to_upload_it(service: Service) -> None:
    await service.sent()
    service.forget()
    reply = await service.press("Dan", "oversee", text="Good work with the school.")
    assert reply.card.tone is Tone.DONE
    assert reply.card.title == f"You confirmed management oversight: {CASE}"
    assert "Management oversight. Done on Mon 5 Jan 2026 at 09:00." in reply.card.text
    assert "Carol Crane has been asked to upload the audit." in reply.card.text
    asked = service.one("Carol")
    assert asked.title == f"Upload the audit: {CASE}"
    assert "Comment: Good work with the school." in words(asked)
    assert verbs(asked) == {"record"}
    assert not service.unread()
    assert (await service.letter("Dan", "You confirmed management oversight")).tone is Tone.DONE


async def test_the_upload_waits_for_oversight(service: Service) -> None:
    await service.sent()
    early = await service.press("Carol", "record", where="Documents, January")
    assert early.refused
    assert "The Service Lead's oversight comes first; the audit goes on the child's file after that." in words(
        early.card
    )
    assert not (await service.audit()).has("recorded")
    await service.press("Dan", "oversee")
    done = await service.press("Carol", "record", where="Documents, January")
    assert "Thank you." in done.card.text
    assert (await service.audit()).has("recorded")


async def test_oversight_comes_after_the_audit(service: Service) -> None:
    reply = await service.press("Dan", "oversee")
    assert reply.refused
    assert "You will get a copy as soon as it is." in words(reply.card)


async def test_oversight_is_confirmed_once(service: Service) -> None:
    await service.sent()
    await service.press("Dan", "oversee")
    await service.until("2026-01-07T10:00")
    again = await service.press("Dan", "oversee", text="Another thought.")
    assert again.refused
    assert "You confirmed management oversight on Mon 5 Jan 2026 at 09:00." in words(again.card)


async def test_the_practitioner_says_what_they_see_differently_and_the_two_settle_it(service: Service) -> None:
    await service.sent(grade="requires_improvement")
    shared = service.one("Alice")
    assert verbs(shared) == {"dispute"}
    service.forget()
    reply = await service.press("Alice", "dispute", dispute_text="The visits of December are missing.")
    assert "Carol Crane has been asked to talk it through with you." in reply.card.text
    asked = service.one("Carol")
    assert asked.title == f"Alice Avocet sees the audit of {CASE} differently"
    assert "The visits of December are missing." in words(asked)
    assert verbs(asked) == {"resolve"}
    assert verbs(service.one("Gil")) == {"resolve"}, "the QA Unit helps"
    assert not service.unread()

    empty = await service.press("Carol", "resolve")
    assert errors(empty.card)["text"].startswith("Please say in a sentence")
    done = await service.press("Carol", "resolve", grade="good", text="We found the visits.")
    assert done.card.tone is Tone.DONE
    assert "The grade is Good." in words(service.one("Alice"))
    assert "The grade is Good." in words(service.one("Dan"))
    assert (await service.audit()).standing_grade == "good"
    again = await service.press("Carol", "resolve", text="Again.")
    assert "You said that this is settled on Mon 5 Jan 2026 at 09:00." in words(again.card)


async def test_a_disagreement_needs_words(service: Service) -> None:
    await service.sent()
    reply = await service.press("Alice", "dispute")
    assert reply.refused
    assert reply.card.title == f"What do you see differently about the audit of {CASE}?"
    assert verbs(reply.card) == {"dispute"}
    assert "what you see differently" in errors(reply.card)["dispute_text"]
    assert not (await service.audit()).has("disputed")


async def test_the_window_for_a_disagreement_is_open_until_the_end_of_the_sixth(service: Service) -> None:
    await service.sent()
    await service.sent(OTHER_CASE)
    await service.until("2026-02-06T23:50")
    in_time = await service.press("Alice", "dispute", dispute_text="I see the plan differently.")
    assert not in_time.refused
    await service.until("2026-02-07T00:10")
    late = await service.press("Mia", "dispute", OTHER_CASE, dispute_text="I see the plan differently.")
    assert late.refused
    assert late.card.title == "The time for this ended on Fri 6 Feb 2026"
    assert "Please talk to the auditor directly; the QA Unit will help you both if you ask." in words(late.card)


async def test_one_disagreement_at_a_time(service: Service) -> None:
    await service.sent()
    await service.press("Alice", "dispute", dispute_text="I see the plan differently.")
    reply = await service.press("Dan", "dispute", dispute_text="So do I.")
    assert reply.refused
    assert "on Mon 5 Jan 2026 at 09:00." in words(reply.card)
    assert await service.events("disputed") == 1


async def test_an_inadequate_on_which_both_agree_afterwards_is_moderated(service: Service) -> None:
    await service.sent(grade="requires_improvement")
    await service.press("Alice", "dispute", dispute_text="Nobody saw the child.")
    service.forget()
    await service.press("Carol", "resolve", grade="inadequate", text="We agree that nobody saw the child.")
    assert f"Please moderate the audit of {CASE}" in [card.title for card in service.arrived("Gil")]


async def test_several_reminders_that_fall_together_come_as_one(service: Service) -> None:
    await service.sent()
    await service.sent(OTHER_CASE)
    await service.until("2026-01-30T08:59")
    service.forget()
    await service.until("2026-01-30T09:00")
    joined = service.one("Dan")
    assert joined.title == "2 reminders for you"
    assert joined.table is not None
    assert [row[:2] for row in joined.table.rows] == [
        ("Management oversight", CASE),
        ("Management oversight", OTHER_CASE),
    ]
    assert all("due Fri 6 Feb 2026" in row[2] for row in joined.table.rows)
    assert joined.why is not None
    assert joined.why.rules == ("SOU-08",)


async def test_oversight_that_is_late_goes_to_the_next_manager_and_blames_nobody(service: Service) -> None:
    await service.talked()
    await service.until("2026-01-28T09:00")
    await service.press("Carol", "submit", **SENT)
    await service.until("2026-02-06T18:00")
    service.forget()
    await service.until("2026-02-09T09:00")
    (late,) = [card for card in service.arrived("Dan") if card.tone is Tone.LATE]
    assert "If something stands in the way, tell the QA Unit: they can help." in words(late)
    (above,) = [card for card in service.arrived("Erin") if card.tone is Tone.LATE]
    assert "Dan Dunlin was asked for this by Fri 6 Feb 2026, and it is still open." in words(above)
    assert not verbs(above) & {"oversee"}
