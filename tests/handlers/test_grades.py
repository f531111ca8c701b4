"""The grade form: what is wrong stands beside its input, and nothing that was typed is lost."""

import pytest

from cards.card import Tone
from tests.handlers.conftest import CASE, SENT, Service, errors, sends, typed, verbs, words


async def test_a_complete_form_completes_the_audit_and_says_what_happens_next(service: Service) -> None:
    reply = await service.sent()
    assert reply.card.tone is Tone.DONE
    assert reply.card.title == f"You completed the audit: {CASE}"
    assert "Complete the audit. Done on Mon 5 Jan 2026 at 09:00." in reply.card.text
    assert any(line.startswith("Next, Dan Dunlin reads the audit, by Fri 6 Feb 2026") for line in reply.card.text)
    audit = await service.audit()
    assert audit.grade == "good"
    assert not audit.open_duties("complete_audit")
    assert audit.facts["feedback"] == {"child": "obtained", "parent_carer": "obtained"}


async def test_the_completed_audit_goes_to_those_whom_it_concerns_and_to_nobody_else(service: Service) -> None:
    await service.sent()
    copy = service.one("Dan")
    assert copy.title == f"Please read the audit of {CASE}"
    assert "● Good" in words(copy)
    shared = service.one("Alice")
    assert shared.title == f"The audit is complete: {CASE}"
    assert "If you see it differently, you can say so until Fri 6 Feb 2026." in words(shared)
    assert service.one("Judy").title == f"Good practice: {CASE}"
    assert not service.unread()


async def test_a_form_with_nothing_in_it_says_beside_each_input_what_is_missing(service: Service) -> None:
    await service.talked()
    reply = await service.press("Carol", "submit")
    assert reply.refused
    assert set(errors(reply.card)) == {"grade", "rationale", "safety", "feedback_child", "feedback_parent_carer"}
    assert reply.card.error == "5 answers need another look. Nothing that you wrote is lost."
    assert verbs(reply.card) == {"submit", "grade_sections"}
    assert reply.card.why is not None
    assert not (await service.audit()).has("submitted")
    assert not service.unread()


async def test_what_was_typed_is_kept_when_one_answer_is_wrong(service: Service) -> None:
    await service.talked()
    values = SENT | {
        "rationale": "Clear plan.",
        "action_2_what": "Update the chronology.",
        "action_2_due": "2026-01-04",
        "section_planning": "outstanding",
    }
    reply = await service.press("Carol", "submit", **values)
    assert errors(reply.card) == {"action_2_due": "Sun 4 Jan 2026 has gone by. Please choose today or a later day."}
    assert reply.card.error == "One answer needs another look. Nothing that you wrote is lost."
    assert values.items() <= typed(reply.card).items()


@pytest.mark.parametrize(
    ("change", "where", "said"),
    [
        ({"grade": "satisfactory"}, "grade", "Southampton has no grade “satisfactory”. Please choose one of: "),
        ({"action_1_due": "2026-01-20"}, "action_1_what", "Please say what is to be put right"),
        ({"action_1_what": "See the child.", "action_1_due": "soon"}, "action_1_due", "Please write the day as a date"),
        ({"action_1_what": "See the child.", "action_1_owner": "777"}, "action_1_owner", "Please choose a person"),
        ({"feedback_child": "reason"}, "feedback_child_reason", "Please give the reason in a few words."),
        ({"feedback_parent_carer": ""}, "feedback_parent_carer", "Please say whether a parent or carer gave feedback"),
        ({"section_outcomes": "superb"}, "section_outcomes", "Please choose a grade from the list"),
        ({"safety": "perhaps"}, "safety", "Please answer yes or no."),
        ({"rationale": "   "}, "rationale", "Please say in a sentence or two"),
    ],
)
async def test_an_answer_that_will_not_do_is_named_beside_its_input(
    service: Service, change: dict[str, str], where: str, said: str
) -> None:
    await service.talked()
    reply = await service.press("Carol", "submit", **(SENT | change))
    assert list(errors(reply.card)) == [where]
    assert errors(reply.card)[where].startswith(said)
    assert not (await service.audit()).has("submitted")


async def test_the_refusal_of_an_unknown_grade_names_the_grades_that_there_are(service: Service) -> None:
    await service.talked()
    reply = await service.press("Carol", "submit", **(SENT | {"grade": "a"}))
    assert "Outstanding, Good, Requires improvement, Inadequate" in errors(reply.card)["grade"]


async def test_a_reason_for_missing_feedback_is_kept_with_the_audit(service: Service) -> None:
    await service.sent(feedback_child="reason", feedback_child_reason="The baby is six weeks old.")
    assert (await service.audit()).facts["feedback"]["child"] == "The baby is six weeks old."


async def test_grades_by_heading_are_optional_and_shown_in_the_copy(service: Service) -> None:
    await service.sent(section_planning="outstanding", section_supervision="requires_improvement")
    copy = words(service.arrived("Dan")[0])
    assert "Planning: ★ Outstanding" in copy
    assert "Supervision: ◐ Requires improvement" in copy
    assert "Relationship" not in copy


async def test_a_yes_to_safety_alerts_the_four_managers_at_once(service: Service) -> None:
    await service.talked()
    await service.until("2026-01-10T23:15")
    service.forget()
    reply = await service.press("Carol", "submit", **(SENT | {"safety": "yes", "safety_text": "Left alone at night."}))
    assert "Bob Bittern, Dan Dunlin, Erin Egret and Frank Finch have been alerted now." in words(reply.card)
    for person in ("Bob", "Dan", "Erin", "Frank"):
        (card,) = service.arrived(person)
        assert card.tone is Tone.ALERT
        assert card.title == f"Safety alert: {CASE}"
        assert "Left alone at night." in words(card)
        assert verbs(card) == {"acknowledge"}
    assert not service.unread(), "on a Saturday night nothing else is sent"


async def test_a_yes_to_safety_does_not_wait_until_the_form_is_right(service: Service) -> None:
    await service.talked()
    values = {"safety": "yes", "safety_text": "Left alone at night."}
    reply = await service.press("Carol", "submit", **(SENT | values | {"rationale": ""}))
    assert reply.card.error == (
        "Bob Bittern, Dan Dunlin, Erin Egret and Frank Finch have been alerted now. "
        "One answer needs another look. Nothing that you wrote is lost."
    )
    assert set(errors(reply.card)) == {"rationale"}
    for person in ("Bob", "Dan", "Erin", "Frank"):
        assert "Left alone at night." in words(service.one(person))
    assert not (await service.audit()).has("submitted")
    subject, sending = sends(reply.card, "submit", rationale="The plan is clear.")
    done = await service.ok(await service.press("Carol", "submit", subject=subject, **sending))
    assert done.card.tone is Tone.DONE
    assert await service.events("safety_raised") == 1
    assert not {"Bob", "Erin", "Frank"} & set(service.unread()), "nobody is alerted twice"


async def test_a_fuller_case_review_is_considered_where_the_auditor_suspects_neglect(service: Service) -> None:
    await service.sent(grade="requires_improvement", neglect="yes")
    asked = service.one("Gil")
    assert asked.title == f"A fuller Case Review for {CASE}?"
    assert verbs(asked) == {"consider"}
    empty = await service.press("Gil", "consider")
    assert set(errors(empty.card)) == {"decision", "text"}
    done = await service.press("Gil", "consider", decision="none", text="The audit is enough.")
    assert done.card.tone is Tone.DONE
    again = await service.press("Grace", "consider", decision="review", text="I would.")
    assert "Gil Goldcrest recorded the decision on Mon 5 Jan 2026 at 09:00." in words(again.card)


async def test_the_grade_comes_after_the_discussion(service: Service) -> None:
    await service.taken()
    reply = await service.press("Carol", "submit", **SENT)
    assert reply.refused
    assert "Please say first that the discussion was held." in words(reply.card)
    assert not (await service.audit()).has("submitted")


async def test_a_question_about_personal_data_is_answered_with_a_tick(service: Service) -> None:
    await service.talked()
    values = SENT | {"rationale": "The team can be reached on 023 8083 3000."}
    reply = await service.press("Carol", "submit", **values)
    assert "This looks like a phone number" in errors(reply.card)["rationale"]
    assert typed(reply.card)["rationale"] == "The team can be reached on [taken out]."
    (tick,) = (entry for entry in reply.card.all_inputs() if entry.name == "privacy_checked")
    assert tick.label
    assert not (await service.audit()).has("submitted")
    subject, sending = sends(reply.card, "submit", rationale=values["rationale"], privacy_checked="yes")
    again = await service.press("Carol", "submit", subject=subject, **sending)
    assert not again.refused
    assert (await service.audit()).facts["rationale"] == values["rationale"]


async def test_an_audit_is_sent_once(service: Service) -> None:
    await service.sent()
    await service.until("2026-01-06T09:00")
    reply = await service.press("Carol", "submit", **(SENT | {"grade": "inadequate"}))
    assert reply.refused
    assert "You completed the audit on Mon 5 Jan 2026 at 09:00." in words(reply.card)
    assert (await service.audit()).grade == "good"


async def test_an_audit_that_was_sent_is_neither_handed_back_nor_withdrawn(service: Service) -> None:
    await service.sent()
    for person, verb, who in (
        ("Carol", "decline", "You"),
        ("Gil", "withdraw", "Carol Crane"),
        ("Gil", "reassign", "Carol Crane"),
    ):
        reply = await service.press(person, verb, reason="capacity", to=str(service.people["Leo"]))
        assert reply.refused
        assert f"{who} completed the audit" in words(reply.card)


async def test_grades_by_heading_have_a_card_of_their_own_and_are_kept_until_the_audit_is_sent(
    service: Service,
) -> None:
    await service.talked()
    asked = await service.press("Carol", "grade_sections")
    assert verbs(asked.card) == {"grade_sections"}
    assert len(asked.card.all_inputs()) == 7
    kept_so_far = await service.press("Carol", "grade_sections", section_planning="good", section_outcomes="")
    assert "2 of 7" not in words(kept_so_far.card)
    assert "1 of 7 given" in words(kept_so_far.card)
    again = await service.press("Carol", "grade_sections")
    assert typed(again.card) == {"section_planning": "good"}
    await service.press("Carol", "submit", **SENT)
    assert (await service.audit()).facts["sections"] == {"planning": "good"}


async def test_a_heading_that_will_not_do_keeps_the_others_as_they_were_typed(service: Service) -> None:
    await service.talked()
    values = {"section_planning": "good", "section_outcomes": "superb"}
    reply = await service.press("Carol", "grade_sections", **values)
    assert reply.refused
    assert set(errors(reply.card)) == {"section_outcomes"}
    assert typed(reply.card)["section_planning"] == "good"
    assert not (await service.audit()).facts.get("sections")


async def test_an_action_goes_only_to_somebody_whom_the_form_offers(service: Service) -> None:
    await service.talked()
    form = await service.letter("Carol", f"Your grade for {CASE}")
    (owner,) = (entry for entry in form.all_inputs() if entry.name == "action_1_owner")
    assert owner.kind == "choice"
    assert [choice.value for choice in owner.choices] == [
        f"{service.people[name]}" for name in ("Alice", "Bob", "Dan", "Erin")
    ]
    action = {"action_1_what": "See the child alone this week."}
    for name in ("Leo", "Mia", "Frank"):
        reply = await service.press("Carol", "submit", **SENT, **action, action_1_owner=f"{service.people[name]}")
        assert errors(reply.card) == {"action_1_owner": "Please choose a person from the list."}
    assert not (await service.audit()).has("submitted")
    await service.ok(
        await service.press("Carol", "submit", **SENT, **action, action_1_owner=f"{service.people['Erin']}")
    )
    assert [one.owner_id for one in (await service.audit()).actions] == [service.people["Erin"]]


async def test_only_the_auditor_grades_by_heading(service: Service) -> None:
    await service.talked()
    assert (await service.press("Alice", "grade_sections", section_planning="good")).refused
