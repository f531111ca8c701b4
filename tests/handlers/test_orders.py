"""What the QA Unit orders in chat (reassign, extend, leave), and what becomes of people and cases that leave."""

from datetime import date
from pathlib import Path

import pytest

from audits.state import Audit
from cards.card import Tone
from storage.imports import read_cases
from storage.imports.storing import Stored, existing_workers, store_cases
from tests.handlers.conftest import CASE, FREE_CASE, NHS_NUMBER, OTHER_CASE, Service, kept, verbs, words


async def test_an_audit_is_reassigned_by_name(service: Service) -> None:
    await service.taken()
    reply = await service.says("Grace", f"reassign {CASE} to Leo because Carol is ill")
    assert reply.card.title == f"{CASE} is now with Leo Linnet"
    card = service.one("Leo")
    assert verbs(card) == {"accept", "decline"}
    assert service.one("Alice").title == "Someone else will audit this case"
    assert not service.unread()
    assert (await service.letter("Carol", "Someone else has this audit now")).actions == ()
    audit = await service.audit()
    assert audit.auditor_id == service.people["Leo"]
    assert audit.facts["reassign_reason"] == "Carol is ill"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"reassign {CASE}", "Write it like this: reassign K7F-204 to Priya Shah."),
        (f"reassign {CASE} to Alice", "Please choose someone whose role audits files"),
        (f"reassign {CASE} to Bob", "its practitioner is in their own line of management"),
        (f"reassign {CASE} to Carol", "Please choose someone else."),
        (f"reassign {CASE} to Nobody Known", "Please check the spelling."),
        ("reassign XX-1 to Leo", "Please check the reference"),
        (f"reassign {FREE_CASE} to Leo", "it hasn't been allocated so far"),
    ],
)
async def test_a_reassignment_that_will_not_do_is_refused_in_words(service: Service, text: str, said: str) -> None:
    before = await service.audit()
    reply = await service.says("Grace", text)
    assert reply.refused
    assert said in words(reply.card)
    assert await service.audit() == before


ORDERS_WITH_A_REASON = [
    ("reassign", {"to": "9", "reason": f"Her NHS number is {NHS_NUMBER}."}),
    ("extend", {"until": "2026-02-10", "reason": f"Her NHS number is {NHS_NUMBER}."}),
    ("withdraw", {"reason": f"Her NHS number is {NHS_NUMBER}."}),
    ("say", {"text": f"reassign {CASE} to Leo because of {NHS_NUMBER}"}),
    ("say", {"text": f"extend {CASE} until 10 February because of {NHS_NUMBER}"}),
]


@pytest.mark.parametrize(("verb", "values"), ORDERS_WITH_A_REASON)
async def test_a_reason_with_personal_data_in_it_is_refused_and_kept_nowhere(
    service: Service, tmp_path: Path, verb: str, values: dict[str, str]
) -> None:
    await service.taken()
    before = await service.audit()
    if verb == "say":
        reply = await service.says("Grace", values["text"])
    else:
        reply = await service.press("Grace", verb, **values)
    assert reply.refused
    assert reply.card.title == "The reason looks as if it has an NHS number in it"
    assert "Nothing has been changed. Please give the reason again without it." in words(reply.card)
    assert await service.audit() == before
    assert not service.unread()
    assert not kept(tmp_path, NHS_NUMBER)


def due(audit: Audit) -> date:
    (duty,) = audit.open_duties("complete_audit")
    return duty.nominal.date()


async def test_more_time_moves_the_due_day_and_the_reminders(service: Service) -> None:
    await service.talked()
    reply = await service.says("Grace", f"extend {CASE} until 10 February because of sickness")
    assert "It is now due on Tue 10 Feb 2026. It counts as overdue from Wed 11 Feb 2026." in reply.card.text
    audit = await service.audit()
    assert due(audit) == date(2026, 2, 10)
    assert audit.facts["extension"] == "sickness"
    assert service.arrived("Carol")[-1].text[0] == f"Grace Grebe has given you more time for the audit of {CASE}."
    service.forget()
    await service.until("2026-01-26T12:00")
    assert "Carol" not in service.unread(), "the reminders of the old day are gone"
    await service.until("2026-01-27T09:00")
    assert any("Tue 10 Feb 2026" in words(card) for card in service.arrived("Carol")), "ten working days before"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"extend {CASE} until 10 February", "Please give a reason"),
        (f"extend {CASE} until 20 January because of sickness", "It is due on Wed 28 Jan 2026 already."),
        (f"extend {CASE} until 2026-01-05 because of sickness", "Please choose a day after today."),
        (f"extend {CASE} until someday because of sickness", "Write it like 10 April or 2026-04-10."),
        ("extend", "Write: extend K7F-204 until 10 April because of sickness."),
    ],
)
async def test_more_time_that_will_not_do_is_refused_in_words(service: Service, text: str, said: str) -> None:
    reply = await service.says("Grace", text)
    assert reply.refused
    assert said in words(reply.card)
    assert due(await service.audit()) == date(2026, 1, 28)


async def test_a_finished_audit_has_nothing_to_extend(service: Service) -> None:
    await service.sent()
    reply = await service.says("Grace", f"extend {CASE} until 10 February because of sickness")
    assert "That step is not open on this audit." in words(reply.card)


async def test_leave_names_who_stands_in_and_they_get_the_requests(service: Service) -> None:
    reply = await service.says("Grace", "leave Dan Dunlin until 30 January")
    assert reply.card.title == "Dan Dunlin is away until Fri 30 Jan 2026"
    assert "Erin Egret stands in meanwhile." in reply.card.text
    await service.sent()
    assert service.one("Erin").title == f"Please read the audit of {CASE}"
    assert "Dan" not in service.unread()
    assert not (await service.press("Erin", "oversee")).refused


async def test_everyone_may_note_their_own_leave(service: Service) -> None:
    reply = await service.says("Alice", "leave until 16 January")
    assert reply.card.title == "Alice Avocet is away until Fri 16 Jan 2026"
    other = await service.says("Alice", "leave Carol until 16 January")
    assert other.refused
    assert "That question is for the QA Unit" in other.card.title


@pytest.mark.parametrize(
    ("day", "until"),
    [
        ("the 14th", "Wed 14 Jan 2026"),
        ("Saturday 17 January", "Sat 17 Jan 2026"),
    ],
)
async def test_the_last_day_away_may_be_said_as_people_say_it(service: Service, day: str, until: str) -> None:
    reply = await service.ok(await service.says("Alice", f"leave until {day}"))
    assert reply.card.title == f"Alice Avocet is away until {until}"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("next Friday", "“next Friday” could be Fri 9 Jan 2026 or Fri 16 Jan 2026"),
        ("Wed or Thu", "“Wed or Thu” could be Wed 7 Jan 2026 or Thu 8 Jan 2026"),
        ("Friday at 3pm", "“Friday at 3pm” is not a day that I know"),
        ("whenever", "“whenever” is not a day that I know"),
    ],
)
async def test_a_last_day_away_that_is_none_or_several_is_asked_again(service: Service, day: str, said: str) -> None:
    reply = await service.says("Alice", f"leave until {day}")
    assert reply.refused
    assert reply.card.title == said
    assert "Write it like 17 April or 2026-04-17." in words(reply.card)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("leave", "Write it like this: leave Priya Shah until 17 April."),
        ("leave until 2 January 2026", "Please name the last day away."),
        ("leave until whenever", "Write it like 17 April or 2026-04-17."),
        ("leave until 4 January", "If you mean that day, please write the year with it."),
    ],
)
async def test_leave_that_cannot_be_read_says_how_to_write_it(service: Service, text: str, said: str) -> None:
    reply = await service.says("Carol", text)
    assert reply.refused
    assert said in words(reply.card)


async def import_cases(service: Service, tmp_path: Path, *refs: str) -> Stored:
    path = tmp_path / "cases.csv"
    lines = [f"{ref},c) Child in need plan,Red,Alice Avocet" for ref in refs]
    path.write_text(
        "\n".join(("Child Unique ID,Case status,Allocated Team,Allocated Worker", *lines)), encoding="utf-8"
    )
    async with service.store.begin() as tx:
        file = read_cases(path, workers=await existing_workers(tx))
        return await store_cases(tx, file, service.clock.now())


async def test_a_case_that_leaves_the_list_stays_with_its_auditor_and_the_qa_officer_is_told(
    service: Service, tmp_path: Path
) -> None:
    await service.taken()
    stored = await import_cases(service, tmp_path, OTHER_CASE, FREE_CASE)
    assert stored.left == 1
    await service.program.beat()
    told = service.one("Gil")
    assert told.title == "A case has left the list"
    assert f"{CASE} is no longer on the case list, but its audit is under way." in words(told)
    assert "Please withdraw it, or leave it if the audit still serves the child." in words(told)
    assert not service.unread()
    assert not (await service.press("Carol", "hold")).refused


async def test_a_completed_audit_is_untouched_when_its_case_leaves_the_list(service: Service, tmp_path: Path) -> None:
    await service.sent()
    service.forget()
    await import_cases(service, tmp_path, OTHER_CASE, FREE_CASE)
    await service.program.beat()
    assert not service.unread()
    assert not (await service.press("Dan", "oversee")).refused


async def test_without_a_manager_the_work_still_gets_done_and_the_rest_of_the_ladder_is_told(service: Service) -> None:
    await service.hire("Nora Nuthatch", "manager", None, team="Gold")
    await service.allocate(FREE_CASE, "Nora")
    await service.taken(FREE_CASE)
    assert "none named" in words((await service.says("Grace", "who Nora")).card)
    await service.until("2026-01-29T08:59")
    service.forget()
    await service.until("2026-01-29T09:00")
    assert any(card.tone is Tone.LATE or "reminders" in card.title for card in service.arrived("Nora"))
    await service.until("2026-02-05T12:00")
    late = f"Complete the audit (with Nora Nuthatch); {FREE_CASE}; was due Wed 28 Jan 2026"
    assert any(late in words(card) for card in service.arrived("Erin"))
