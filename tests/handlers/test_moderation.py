"""An Inadequate: moderated first, then escalated, updated after three days and a week, and audited again."""

from cards.card import Fact, Tone
from tests.handlers.conftest import CASE, FREE_CASE, SENT, Service, errors, verbs, words


async def test_an_inadequate_is_moderated_before_anyone_is_asked_for_an_urgent_review(service: Service) -> None:
    await service.sent(grade="inadequate")
    asked = service.one("Gil")
    assert asked.title == f"Please moderate the audit of {CASE}"
    assert "▲ Inadequate" in words(asked)
    assert verbs(asked) == {"moderate"}
    assert "Mon 12 Jan 2026" in words(asked)
    assert service.one("Dan").title == f"Please read the audit of {CASE}"
    service.arrived("Alice")
    assert not service.unread()


async def test_a_confirmed_inadequate_goes_to_the_service_lead_and_the_head_of_service_at_any_hour(
    service: Service,
) -> None:
    await service.sent(grade="inadequate")
    await service.until("2026-01-08T19:30")
    service.forget()
    reply = await service.press("Gil", "moderate", grade="inadequate", text="I agree with the auditor.")
    assert "Dan Dunlin and Erin Egret have been asked for an urgent review." in reply.card.text
    review = service.one("Dan")
    assert review.title == f"Urgent review of {CASE}: first update"
    assert review.tone is Tone.ASK
    assert verbs(review) == {"update"}
    assert review.why is not None
    assert review.why.rules == ("SOU-17", "SOU-18")
    assert service.one("Erin").title == review.title
    assert not service.unread()
    await service.until("2026-01-09T08:00")
    assert "The QA Unit has moderated the audit" in words(service.one("Carol"))
    further = service.one("Dan")
    assert further.title == f"Urgent review of {CASE}: further update"
    assert further.tone is Tone.INFORM
    assert not further.actions
    assert not further.inputs, "there is nothing to send while the first update is open"


async def test_the_auditors_reason_has_its_label_wherever_it_is_read(service: Service) -> None:
    await service.inadequate()
    reason = Fact("Why this grade", SENT["rationale"])
    for name, title in (
        ("Dan", f"Urgent review of {CASE}: first update"),
        ("Dan", f"Please read the audit of {CASE}"),
        ("Alice", f"The audit is complete: {CASE}"),
    ):
        card = await service.letter(name, title)
        assert reason in card.facts, title
        assert reason.value not in card.text, title


async def test_an_inadequate_moderated_to_a_better_grade_asks_for_no_urgent_review(service: Service) -> None:
    await service.sent(grade="inadequate")
    service.forget()
    reply = await service.press("Gil", "moderate", grade="requires_improvement", text="Help has begun.")
    assert not reply.refused
    assert "The grade is Requires improvement." in words(service.one("Carol"))
    assert "so no urgent review is needed" in words(service.one("Dan"))
    assert not service.unread()
    audit = await service.audit()
    assert (audit.grade, audit.standing_grade) == ("inadequate", "requires_improvement")
    assert not audit.open_duties("reaudit")
    update = await service.press("Dan", "update", text="Done.")
    assert update.refused
    assert "Only a confirmed Inadequate asks for one." in words(update.card)


async def test_nobody_moderates_the_audit_that_they_made(service: Service) -> None:
    await service.allocate(FREE_CASE, "Grace")
    await service.sent(FREE_CASE, grade="inadequate")
    reply = await service.press("Grace", "moderate", FREE_CASE, grade="good", text="I changed my mind.")
    assert reply.refused
    assert "Please ask a colleague to moderate it." in words(reply.card)
    assert not (await service.press("Gil", "moderate", FREE_CASE, grade="inadequate", text="I agree.")).refused


async def test_moderation_needs_a_grade_of_the_framework_and_a_sentence(service: Service) -> None:
    await service.sent(grade="inadequate")
    reply = await service.press("Gil", "moderate", grade="failing")
    assert set(errors(reply.card)) == {"grade", "text"}
    assert "Please say in a sentence why." in errors(reply.card)["text"]
    assert not (await service.audit()).has("moderated")


async def test_moderation_is_done_once_and_the_second_hears_by_whom(service: Service) -> None:
    await service.sent(grade="inadequate")
    await service.press("Gil", "moderate", grade="inadequate", text="I agree.")
    await service.until("2026-01-05T15:00")
    reply = await service.press("Grace", "moderate", grade="good", text="I don't.")
    assert reply.refused
    assert "Gil Goldcrest moderated the audit on Mon 5 Jan 2026 at 09:00." in words(reply.card)
    assert (await service.audit()).standing_grade == "inadequate"


async def test_moderation_comes_after_the_audit(service: Service) -> None:
    reply = await service.press("Gil", "moderate", grade="good", text="Early.")
    assert "It comes to you for moderation once the auditor has sent the grade." in words(reply.card)


async def test_the_first_update_is_due_after_three_days_and_the_next_after_a_week(service: Service) -> None:
    await service.inadequate()
    first, further = (
        (await service.audit()).open_duties("urgent_update"),
        (await service.audit()).open_duties("further_update"),
    )
    assert first[0].nominal == service.moment("2026-01-08T23:59")
    assert further[0].nominal == service.moment("2026-01-12T23:59")

    await service.until("2026-01-07T10:00")
    service.forget()
    empty = await service.press("Dan", "update")
    assert "Please say in a few words what has been done." in errors(empty.card)["text"]
    reply = await service.press("Dan", "update", text="The child was seen; a strategy meeting is set.")
    assert "The QA Unit has your update." in reply.card.text
    assert "Dan Dunlin has given an update" in words(service.one("Gil"))
    assert not service.unread()

    audit = await service.audit()
    assert not audit.open_duties("urgent_update")
    assert audit.open_duties("further_update"), "the first update doesn't stand for the second"
    await service.until("2026-01-12T09:00")
    assert any(
        card.title == f"Urgent review of {CASE}: further update" and verbs(card) for card in service.arrived("Dan")
    )
    await service.press("Dan", "update", text="Every action is done.")
    assert not (await service.audit()).open_duties("further_update")
    again = await service.press("Dan", "update", text="And more.")
    assert again.refused
    assert "You gave the update on Mon 12 Jan 2026 at 09:00." in words(again.card)


async def test_an_audit_that_nobody_asked_to_have_moderated_can_be_made_an_inadequate(service: Service) -> None:
    await service.sent(grade="good")
    service.forget()
    empty = await service.press("Gil", "moderate", grade="inadequate")
    assert errors(empty.card) == {"text": "Please say in a sentence why."}
    assert verbs(empty.card) == {"moderate"}
    reply = await service.press("Gil", "moderate", grade="inadequate", text="Nobody saw the child.")
    assert not reply.refused
    assert reply.card.title == f"You moderated the audit of {CASE}"
    assert reply.card.tone is Tone.DONE
    assert "Grade: ▲ Inadequate." in words(reply.card)
    for person in ("Dan", "Erin"):
        asked = service.arrived(person)
        assert f"Urgent review of {CASE}: first update" in [card.title for card in asked], person
    audit = await service.audit()
    assert (audit.grade, audit.standing_grade) == ("good", "inadequate")
    assert audit.open_duties("urgent_update")
    assert audit.open_duties("reaudit")
    await service.ok(await service.press("Dan", "update", text="The child was seen."))


async def test_a_missing_update_reaches_the_head_of_service(service: Service) -> None:
    await service.inadequate()
    await service.until("2026-01-09T08:59")
    service.forget()
    await service.until("2026-01-09T09:00")
    mine = service.one("Dan")
    assert mine.table is not None
    assert ("Urgent review: first update", CASE, "was due Thu 8 Jan 2026") in mine.table.rows
    told = service.one("Erin")
    assert "Dan Dunlin was asked for this by Thu 8 Jan 2026, and it is still open." in words(told)


async def test_a_remedial_action_of_an_inadequate_is_the_service_leads_within_a_week(service: Service) -> None:
    await service.inadequate()
    duties = (await service.audit()).open_duties("remedial_action")
    assert [(duty.owner_id, duty.nominal) for duty in duties] == [
        (service.people["Dan"], service.moment("2026-01-12T23:59"))
    ]


async def test_the_case_is_audited_again_by_someone_else_in_the_next_list_after_a_month(service: Service) -> None:
    await service.inadequate()
    await service.until("2026-03-02T12:00")
    assert (await service.audit()).kind == "core", "February's list came before the month was over"
    service.forget()
    await service.until("2026-03-03T09:00")
    again = await service.audit()
    assert again.kind == "reaudit"
    assert again.auditor_id == service.people["Leo"]
    assert f"Your audit for March 2026: {CASE}" in [card.title for card in service.arrived("Leo")]
    await service.press("Leo", "accept")
    await service.press("Leo", "hold")
    await service.ok(await service.press("Leo", "submit", **SENT))
    async with service.store.begin() as tx:
        earlier = await tx.audit(again.earlier_audit_id or 0)
    assert earlier is not None
    assert not earlier.open_duties("reaudit")


async def test_what_the_moderator_wrote_is_read_by_the_managers_and_not_by_the_practitioner(
    service: Service,
) -> None:
    await service.sent(grade="inadequate")
    await service.press("Grace", "moderate", grade="inadequate", text="The evidence is triangulated.")
    shown = "The evidence is triangulated."
    told = {who: any(shown in words(letter.card) for letter in await service.inbox(who)) for who in ("Dan", "Alice")}
    assert told == {"Dan": True, "Alice": False}
