"""The words behind a slash command, what may be shared with a channel, and a safety concern without its case."""

from pathlib import Path

import pytest

from cards import status
from cards.card import Card, ChoiceInput
from handlers.commands import Asked, asked, say
from handlers.own import MOST_CASES
from storage.tables import CaseRow, PersonRow
from tests.handlers.conftest import CASE, FREE_CASE, NHS_NUMBER, OTHER_CASE, Service, errors, kept, sends, typed, words

STAGE = "Waiting for the auditor's answer"


# ---- behind a slash command


@pytest.mark.parametrize(
    ("line", "text", "share"),
    [
        ("", "help", False),
        ("  ", "help", False),
        ("\u00a0", "help", False),
        ("status", "status", False),
        ("  Status  ", "Status", False),
        ("status share", "status", True),
        ("STATUS Share.", "STATUS", True),
        ("status  share", "status", True),
        ("share", "help", True),
        ("help share", "help", True),
        ("staus share", "staus", True),
        ("overdue share", "overdue", True),
        ("case K7F-204 share", "case K7F-204", True),
        ("share status", "share status", False),
        ("Tues 2pm", "Tues 2pm", False),
        ("I only have a job share", "I only have a job share", False),
        ("extend K7F-204 until 10 April because of a job share", None, False),
        ("theme Job share", None, False),
        ("reassign K7F-204 to Ann Share", None, False),
    ],
)
def test_what_stands_behind_a_slash_command_is_read(line: str, text: str | None, share: bool) -> None:
    assert asked(line) == Asked(line if text is None else text, share)


WORDS_OF_QA = (
    ("status", "How things stand: January 2026"),
    ("overdue", "Nothing is overdue"),
    (f"case {CASE}", f"Case {CASE}"),
    ("cycle 2026-01", "The cycle of January 2026"),
    ("who Carol", "Carol Crane"),
    (f"reassign {CASE} to Leo", f"{CASE} is now with Leo Linnet"),
    (f"extend {CASE} until 10 February because of sickness", f"More time for {CASE}"),
    ("leave Dan until 30 January", "Dan Dunlin is away until Fri 30 Jan 2026"),
    ("help", "What you can write to auditloop"),
    ("", "What you can write to auditloop"),
)


@pytest.mark.parametrize(("line", "title"), WORDS_OF_QA)
async def test_every_word_works_as_it_is_typed_behind_a_slash_command(service: Service, line: str, title: str) -> None:
    reply = await service.says("Grace", asked(line).text)
    assert not reply.refused, words(reply.card)
    assert reply.card.title == title


@pytest.mark.parametrize(
    ("person", "text", "hint"),
    [
        ("Grace", "overdoe", "Do you mean overdue?"),
        ("Grace", "stats", "Do you mean status?"),
        ("Grace", "what is overdue", "Do you mean overdue?"),
        ("Grace", "show me the status of a case", "Do you mean status or case?"),
        ("Grace", "what lovely weather", "Write help to see what auditloop knows."),
        ("Carol", "hlp", "Do you mean help?"),
        ("Carol", "saftey", "Do you mean safety?"),
        ("Carol", "overdoe", "Write help to see what auditloop knows."),
        ("Carol", "stats", "Write help to see what auditloop knows."),
    ],
)
async def test_wrong_words_get_the_nearest_right_ones_that_this_person_may_use(
    service: Service, person: str, text: str, hint: str
) -> None:
    for typed_text in (text, f"{text} share"):
        reply = await service.says(person, asked(typed_text).text)
        assert reply.refused
        assert hint in reply.card.text


# ---- shared


async def standing(service: Service, waiting: int, taken: int) -> None:
    """So many audits of January that wait for their auditors, and so many that were taken; two wait already."""
    for number in range(waiting + taken - 2):
        ref = f"N{number:03}"
        await service.hire(f"Auditor{number} Teal", "manager", "Dan", team=f"T{number}")
        await add_case(service, ref)
        await service.allocate(ref, f"Auditor{number}")
        if number < taken:
            await service.taken(ref)
    service.forget()


async def add_case(service: Service, ref: str) -> None:
    async with service.store.begin() as tx:
        holder = service.people["Mia"]
        tx.session.add(CaseRow(ref=ref, plan="CIN", team="Red", service_area="Assessment", holder_id=holder))


def numbers(card: Card) -> dict[str, int]:
    return dict(card.bars.bars) if card.bars is not None else {}


async def test_what_is_shared_is_the_form_for_a_channel_wherever_it_is_typed(service: Service) -> None:
    typed_alone = (await service.says("Grace", "status share")).card
    behind = asked("status share")
    async with service.store.begin() as tx:
        officer = tx.directory.people[service.people["Grace"]]
        shared = await say(tx, officer, behind.text, service.clock.now(), in_group=behind.share)
    assert typed_alone == shared.card
    assert "Audits in this cycle: fewer than 5. Steps overdue: 0." in shared.card.text
    assert shared.card.bars is None


@pytest.mark.parametrize(
    ("waiting", "taken", "shown"),
    [
        (2, 0, {}),
        (6, 0, {STAGE: 6}),
        (6, 5, {STAGE: 6, "Taken by the auditor": 5}),
        (7, 2, {}),
    ],
)
async def test_no_small_number_is_shared_nor_can_be_worked_out(
    service: Service, waiting: int, taken: int, shown: dict[str, int]
) -> None:
    await standing(service, waiting, taken)
    card = (await service.says("Grace", "status share")).card
    assert numbers(card) == shown
    said = "fewer than 5" if waiting + taken < 5 else str(waiting + taken)
    assert f"Audits in this cycle: {said}." in words(card)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ((("a", 9), ("b", 5)), (("a", 9), ("b", 5))),
        ((("a", 9), ("b", 2), ("c", 8)), (("a", 9), (status.ELSEWHERE, 10))),
        ((("a", 9), ("b", 3), ("c", 2), ("d", 20)), (("a", 9), ("d", 20), (status.ELSEWHERE, 5))),
        ((("a", 3), ("b", 1)), ()),
        ((("a", 4), ("b", 1)), ()),
        ((), ()),
    ],
)
def test_small_numbers_are_taken_together(
    counts: tuple[tuple[str, int], ...], shown: tuple[tuple[str, int], ...]
) -> None:
    assert status._no_few(counts) == shown


@pytest.mark.parametrize("line", ["overdue", f"case {CASE}", "cycle", "who Carol", "mine", f"extend {CASE}"])
async def test_what_is_about_one_person_or_case_is_not_shared(service: Service, line: str) -> None:
    reply = await service.says("Grace", f"{line} share")
    assert reply.refused
    assert CASE not in words(reply.card)
    if not line.startswith("extend"):
        assert reply.card.title == "I answer that in our own chat"
        assert "Ask without share, and only you read the answer." in words(reply.card)


async def test_only_the_qa_unit_shares_how_things_stand(service: Service) -> None:
    reply = await service.says("Carol", "status share")
    assert reply.refused
    assert reply.card.bars is None
    assert not (await service.says("Carol", "help share")).refused


async def test_help_tells_only_those_who_may_that_they_can_share(service: Service) -> None:
    assert "Add share to status" in words((await service.says("Grace", "help")).card)
    assert "share" not in words((await service.says("Carol", "help")).card)


# ---- pictures


async def test_status_and_cycle_show_where_the_audits_stand_as_bars(service: Service) -> None:
    await service.taken()
    for word in ("status", "cycle"):
        card = (await service.says("Grace", word)).card
        assert numbers(card) == {STAGE: 1, "Taken by the auditor": 1}
        assert card.bars is not None
        assert card.bars.caption == "Audits of January 2026 by where they stand"


async def test_a_long_list_of_what_is_late_shows_by_step_what_holds_people_up(service: Service) -> None:
    await standing(service, 9, 0)
    await service.until("2026-01-09T12:00")
    assert (await service.says("Grace", "overdue")).card.bars is None, "one step alone needs no picture"
    await service.until("2026-01-30T12:00")
    card = (await service.says("Grace", "overdue")).card
    assert card.table is not None
    assert numbers(card) == {"Answer the allocation": 9, "Complete the audit": 9}
    assert sum(numbers(card).values()) == len(card.table.rows)


# ---- mine


async def test_mine_says_what_waits_what_is_next_and_where_ones_audits_stand(service: Service) -> None:
    card = (await service.says("Carol", "mine")).card
    assert card.title == "What waits for you"
    assert f"Next: Answer the allocation ({CASE}), due Thu 8 Jan 2026." in card.text
    assert f"{CASE}, you audit it: {STAGE}. Next, you: Answer the allocation, due Thu 8 Jan 2026." in words(card)
    own = (await service.says("Alice", "mine")).card
    assert (own.title, own.table) == ("Nothing waits for you", None)
    assert f"{CASE}, your case: {STAGE}. Next, Carol Crane: Answer the allocation, by Thu 8 Jan 2026." in words(own)
    await service.sent()
    done = (await service.says("Alice", "mine")).card
    assert f"{CASE}, your case: Completed. Nothing for you to do." in words(done)
    nothing = (await service.says("Kim", "mine")).card
    assert (nothing.title, nothing.facts) == ("Nothing waits for you", ())


# ---- a safety concern without its case


def offered(card: Card) -> list[str]:
    (choice,) = (entry for entry in card.all_inputs() if isinstance(entry, ChoiceInput))
    return [one.label for one in choice.choices]


@pytest.mark.parametrize(
    ("person", "cases"),
    [
        ("Carol", [f"{CASE}: you audit it"]),
        ("Alice", [f"{CASE}: your own case"]),
        ("Mia", [f"{OTHER_CASE}: your own case"]),
        ("Bob", [f"{OTHER_CASE}: practitioner Mia Merlin", f"{CASE}: practitioner Alice Avocet"]),
        ("Grace", [f"{OTHER_CASE}: practitioner Mia Merlin", f"{CASE}: practitioner Alice Avocet"]),
    ],
)
async def test_a_concern_without_its_case_offers_those_that_this_person_may_raise_it_for(
    service: Service, person: str, cases: list[str]
) -> None:
    card = (await service.says(person, "safety")).card
    assert offered(card) == cases
    assert "In an emergency ring 999 first." in words(card)
    assert card.why is not None
    for entry in cases:
        assert not (await service.says(person, f"safety {entry.partition(':')[0]}")).refused


@pytest.mark.parametrize("person", ["Judy", "Kim"])
async def test_without_a_case_near_one_the_reference_is_asked_for(service: Service, person: str) -> None:
    reply = await service.says(person, "safety")
    assert reply.refused
    assert "In an emergency ring 999 first." in words(reply.card)
    assert OTHER_CASE not in words(reply.card)


async def test_the_managers_of_the_chosen_case_are_alerted(service: Service) -> None:
    service.forget()
    card = (await service.says("Bob", "safety")).card
    subject, values = sends(card, "raise_safety", which=str(await service.number(OTHER_CASE)), text="Left alone.")
    reply = await service.ok(await service.press("Bob", "raise_safety", subject=subject, **values))
    assert OTHER_CASE in words(reply.card)
    assert "Left alone." in words(service.one("Dan"))
    assert (await service.audit(OTHER_CASE)).open_duties("acknowledge_alert")
    assert not (await service.audit(CASE)).open_duties("acknowledge_alert")
    again = (await service.says("Bob", "safety")).card
    assert f"{OTHER_CASE}: practitioner Mia Merlin; an alert is open already" in offered(again)


@pytest.mark.parametrize("which", ["", "x", "9999", "9" * 40, "-1"])
async def test_without_a_choice_the_form_comes_back_with_what_was_typed(service: Service, which: str) -> None:
    service.forget()
    reply = await service.press("Carol", "raise_safety", subject="", which=which, text="Left alone at night.")
    assert reply.refused
    assert errors(reply.card) == {"which": "Please choose the case, so that the right managers are told."}
    assert typed(reply.card)["text"] == "Left alone at night."
    assert not service.unread()


async def test_the_form_that_comes_back_keeps_nothing_personal(service: Service, tmp_path: Path) -> None:
    text = f"Her NHS number is {NHS_NUMBER}."
    reply = await service.press("Carol", "raise_safety", subject="", which="", text=text)
    assert typed(reply.card)["text"] == "Her NHS number is [taken out]."
    assert not kept(tmp_path, NHS_NUMBER)


async def test_a_case_that_was_not_offered_is_refused_whatever_the_card_sends(service: Service) -> None:
    service.forget()
    number = str(await service.number(CASE))
    reply = await service.press("Leo", "raise_safety", subject=number, which=number, text="Left alone.")
    assert reply.refused
    assert "Please ask Carol Crane or Alice Avocet or Bob Bittern." in words(reply.card)
    assert not service.unread()


async def test_whoever_stands_in_for_a_manager_is_offered_the_cases_of_that_team(service: Service) -> None:
    async with service.store.begin() as tx:
        (await tx.session.get_one(PersonRow, service.people["Bob"])).cover_id = service.people["Leo"]
        await tx.people_changed()
    assert offered((await service.says("Leo", "safety")).card) == [f"{OTHER_CASE}: you audit it"]
    await service.ok(await service.says("Grace", "leave Bob until 30 January"))
    assert f"{CASE}: practitioner Alice Avocet" in offered((await service.says("Leo", "safety")).card)


async def test_more_cases_than_a_choice_can_hold_are_said_to_be_there(service: Service) -> None:
    for number in range(MOST_CASES):
        await add_case(service, f"N{number:03}")
        await service.allocate(f"N{number:03}", "Carol")
    card = (await service.says("Grace", "safety")).card
    assert len(offered(card)) == MOST_CASES
    assert "For a case that isn't among these, write safety and its reference." in words(card)
    assert FREE_CASE not in words(card)
