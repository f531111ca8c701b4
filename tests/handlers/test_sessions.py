"""The discussion: booked in a few words, agreed, reminded of, moved, held or not."""

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar, Event

from cards.card import Card, ChoiceInput, Tone
from tests.handlers.conftest import CASE, FREE_CASE, OTHER_CASE, Service, errors, typed, verbs, words


def choices(card: Card, name: str) -> ChoiceInput:
    (found,) = (entry for entry in card.all_inputs() if entry.name == name)
    assert isinstance(found, ChoiceInput)
    return found


def invitation(card: Card) -> Event:
    (download,) = card.downloads
    assert download.media_type == "text/calendar"
    assert download.filename == f"audit-{CASE}.ics"
    (event,) = Calendar.from_ical(download.content).walk("VEVENT")
    assert isinstance(event, Event)
    return event


async def booked(service: Service, when: str) -> None:
    """Carol suggests a time and Alice agrees to it; the post about it is still unread."""
    await service.taken()
    await service.ok(await service.press("Carol", "book", when=when))
    service.forget()
    await service.ok(await service.press("Alice", "agree"))


async def test_a_clear_time_goes_to_the_practitioner_as_a_question(service: Service) -> None:
    await service.taken()
    reply = await service.says("Carol", "Tues 2pm")
    assert not reply.refused
    assert reply.card.title == f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}"
    assert "We have asked Alice Avocet" in words(reply.card)
    asked = service.one("Alice")
    assert asked.title == "Does Tue 6 Jan 2026 at 14:00 suit you?"
    assert verbs(asked) == {"agree", "book"}
    assert asked.why is not None
    assert not service.unread()


async def test_two_readings_are_asked_back_and_one_is_chosen(service: Service) -> None:
    await service.taken()
    reply = await service.says("Carol", "next Tuesday at 2pm")
    assert reply.refused
    assert reply.card.title == "Do you mean Tue 6 Jan 2026 at 14:00 or Tue 13 Jan 2026 at 14:00?"
    asked = choices(reply.card, "at")
    assert [choice.label for choice in asked.choices] == ["Tue 6 Jan 2026 at 14:00", "Tue 13 Jan 2026 at 14:00"]
    assert reply.card.why is not None
    assert not service.unread(), "nobody is asked before it is clear"

    (button,) = reply.card.actions
    chosen = await service.press("Carol", button.verb, subject=button.subject, at=asked.choices[1].value)
    assert not chosen.refused
    assert service.one("Alice").title == "Does Tue 13 Jan 2026 at 14:00 suit you?"


async def test_a_day_without_an_hour_is_asked_for_its_hour(service: Service) -> None:
    await service.taken()
    reply = await service.says("Carol", "Thursday")
    assert reply.card.title == "Thu 8 Jan 2026: at what time?"
    asked = choices(reply.card, "at")
    assert asked.choices[0].label == "Thu 8 Jan 2026 at 09:00"
    (button,) = reply.card.actions
    await service.ok(await service.press("Carol", button.verb, subject=button.subject, at=asked.choices[2].value))
    assert service.one("Alice").title == "Does Thu 8 Jan 2026 at 11:00 suit you?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Saturday at 10", "That falls on a weekend. Please choose a day from Monday to Friday"),
        ("Good Friday, 3 April at 10", "That is a bank holiday. Please choose another working day"),
        ("2 January at 10", "That time has already gone by. Please choose a later one"),
        ("Thu 5 Feb at 10", "That is after Wed 28 Jan 2026 at 23:59, when this is due. Please choose an earlier time"),
        ("tomorrow 19:30", "Sessions start between 08:00 and 18:00. Please choose a time in those hours."),
        ("next week", "Which day would that be, please?"),
    ],
)
async def test_a_time_that_will_not_do_is_refused_in_words(service: Service, text: str, said: str) -> None:
    await service.taken()
    reply = await service.says("Carol", text)
    assert reply.refused
    assert errors(reply.card)["when"].startswith(said)
    assert typed(reply.card)["when"] == text
    assert verbs(reply.card) == {"book"}
    assert (await service.audit()).proposed_at is None
    assert not service.unread()


async def test_what_cannot_be_read_as_a_time_on_the_card_is_asked_again_there(service: Service) -> None:
    await service.taken()
    reply = await service.press("Carol", "book", when="when the cows come home")
    assert "couldn't read a date" in errors(reply.card)["when"]
    empty = await service.press("Carol", "book")
    assert "Please write a time" in errors(empty.card)["when"]


async def test_the_practitioner_may_suggest_another_time_and_the_auditor_types_yes(service: Service) -> None:
    await service.taken()
    await service.says("Carol", "Tues 2pm")
    await service.until("2026-01-05T09:20")
    reply = await service.says("Alice", "sorry, can't do that, Wed at 10?")
    assert not reply.refused, words(reply.card)
    assert reply.card.title == "We have asked Carol Crane"
    assert "Wed 7 Jan 2026 at 10:00" in words(reply.card)
    service.arrived("Alice")
    assert service.one("Carol").title == "Does Wed 7 Jan 2026 at 10:00 suit you?"

    yes = await service.says("Carol", "yes, that works")
    assert not yes.refused
    audit = await service.audit()
    assert audit.session_at == service.moment("2026-01-07T10:00")
    assert invitation(service.one("Alice")) is not None
    old = await service.letter("Alice", f"You suggested a time: {CASE}")
    assert old.text == ("Answer the suggested time. Done on Mon 5 Jan 2026 at 09:20.",)


async def test_the_request_to_book_says_what_was_suggested_until_it_is_answered(service: Service) -> None:
    await service.taken()
    await service.says("Carol", "Tues 2pm")
    waiting = await service.letter("Carol", f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}")
    assert "We have asked Alice Avocet, and tell you as soon as they answer." in words(waiting)
    assert verbs(waiting) == {"book", "hold"}
    await service.says("Alice", "Wed at 10")
    await service.letter("Carol", f"When could you talk about {CASE}?")


async def test_suggesting_the_very_time_that_was_suggested_is_a_yes(service: Service) -> None:
    await service.taken()
    await service.says("Carol", "Tues 2pm")
    await service.says("Alice", "6 January at 14:00")
    assert (await service.audit()).session_at == service.moment("2026-01-06T14:00")


async def test_nobody_says_yes_to_their_own_suggestion(service: Service) -> None:
    await service.taken()
    await service.says("Carol", "Tues 2pm")
    reply = await service.press("Carol", "agree")
    assert reply.card.title == "This is your own suggestion"
    assert "We are waiting for Alice Avocet to answer." in words(reply.card)
    assert (await service.audit()).session_at is None


async def test_a_suggestion_that_has_gone_by_is_not_agreed_to(service: Service) -> None:
    await service.taken()
    await service.says("Carol", "Tues 2pm")
    await service.until("2026-01-06T14:30")
    reply = await service.press("Alice", "agree")
    assert reply.card.title == "That time has gone by"
    assert "Please suggest another one." in words(reply.card)


async def test_the_invitation_is_in_utc_for_both_and_says_nothing_of_the_child(service: Service) -> None:
    await booked(service, "Mon 26 Jan at 15:00")
    for person in ("Carol", "Alice"):
        event = invitation(service.one(person))
        assert event.start == datetime(2026, 1, 26, 15, tzinfo=UTC)
        assert event.end - event.start == timedelta(hours=1)
        assert b"DTSTART:20260126T150000Z" in event.to_ical()
        attendees = {str(address).lower() for address in event.attendees}
        assert attendees == {"mailto:carol@example.org", "mailto:alice@example.org"}
        assert str(event["summary"]) == f"Collaborative audit: {CASE}"
        content = event.to_ical().decode()
        assert "CP" not in content
        assert "child" not in content
    assert not service.unread()


async def test_an_invitation_in_summer_time_is_an_hour_earlier_in_utc(service: Service) -> None:
    await service.taken()
    await service.ok(await service.press("Heidi", "extend", until="2026-04-10", reason="Carol is ill."))
    await service.until("2026-03-25T10:00")
    await service.ok(await service.press("Carol", "book", when="Tue 31 March at 10:00"))
    service.forget()
    await service.ok(await service.press("Alice", "agree"))
    assert invitation(service.one("Alice")).start == datetime(2026, 3, 31, 9, tzinfo=UTC)


async def test_both_are_reminded_on_the_working_day_before_and_the_auditor_is_asked_afterwards(
    service: Service,
) -> None:
    await service.press("Leo", "accept", OTHER_CASE)
    await service.press("Leo", "hold", OTHER_CASE)
    await booked(service, "Mon 26 Jan at 15:00")
    await service.until("2026-01-23T08:59")
    service.forget()
    await service.until("2026-01-23T09:00")
    reminder = service.one("Alice")
    assert reminder.title == "Your discussion is on Mon 26 Jan 2026 at 15:00"
    assert reminder.downloads
    assert "hold" not in verbs(reminder)
    assert service.one("Carol").title == reminder.title

    await service.until("2026-01-26T15:59")
    service.forget()
    await service.until("2026-01-26T16:00")
    question = service.one("Carol")
    assert question.title == f"Was the discussion about {CASE} held?"
    assert {"hold", "not_hold"} <= verbs(question)
    assert not service.unread(), "the practitioner isn't asked as well"


async def test_a_discussion_that_was_held_opens_the_grade_form(service: Service) -> None:
    await booked(service, "Tues 2pm")
    await service.until("2026-01-06T15:00")
    reply = await service.press("Carol", "hold")
    assert not reply.refused
    assert reply.card.title == f"Your grade for {CASE}"
    again = await service.press("Carol", "not_hold")
    assert "already done" in words(again.card)


async def test_a_discussion_still_to_come_was_not_held(service: Service) -> None:
    await booked(service, "Tues 2pm")
    reply = await service.press("Carol", "hold")
    assert reply.refused
    assert "It is on Tue 6 Jan 2026 at 14:00. If you have talked already, suggest that time." in words(reply.card)


async def test_a_discussion_that_was_not_held_is_booked_again_without_blame(service: Service) -> None:
    await booked(service, "Tues 2pm")
    await service.until("2026-01-06T15:10")
    service.forget()
    reply = await service.press("Carol", "not_hold")
    assert not reply.refused
    assert "No matter. When would suit you both now?" in words(reply.card)
    service.forget()
    await service.ok(await service.says("Carol", "Thursday at 11"))
    await service.ok(await service.press("Alice", "agree"))
    assert (await service.audit()).session_at == service.moment("2026-01-08T11:00")


async def test_a_moved_discussion_is_agreed_anew_and_the_old_time_is_forgotten(service: Service) -> None:
    await booked(service, "Tues 2pm")
    first = invitation(service.one("Alice"))
    service.forget()
    await service.until("2026-01-05T12:00")
    await service.ok(await service.says("Carol", "Mon 19 Jan at 11"))
    assert service.one("Alice").title == "Does Mon 19 Jan 2026 at 11:00 suit you?"
    await service.ok(await service.press("Alice", "agree"))
    moved = invitation(service.one("Alice"))
    assert moved.uid == first.uid
    assert moved.sequence > first.sequence
    assert moved.start == datetime(2026, 1, 19, 11, tzinfo=UTC)
    service.forget()
    await service.until("2026-01-06T16:00")
    assert [card.title for card in service.arrived("Carol") if "discussion" in card.title] == []
    await service.until("2026-01-16T09:00")
    assert "Your discussion is on Mon 19 Jan 2026 at 11:00" in [card.title for card in service.arrived("Alice")]


async def test_a_proposal_to_move_a_discussion_keeps_the_agreed_time_until_both_agree(service: Service) -> None:
    await service.press("Leo", "accept", OTHER_CASE)
    await service.press("Leo", "hold", OTHER_CASE)
    await booked(service, "Mon 26 Jan at 15:00")
    await service.until("2026-01-22T15:00")
    service.forget()
    await service.ok(await service.says("Carol", "Tue 27 Jan at 10"))
    assert service.one("Alice").title == "Does Tue 27 Jan 2026 at 10:00 suit you?"
    assert (await service.audit()).session_at == service.moment("2026-01-26T15:00")
    await service.until("2026-01-23T09:00")
    assert service.one("Carol").title == "Your discussion is on Mon 26 Jan 2026 at 15:00"
    reminders = service.one("Alice").table
    assert reminders is not None
    assert ("Hold the discussion (with Carol Crane)", CASE, "due Mon 26 Jan 2026 at 15:00") in reminders.rows

    await service.ok(await service.press("Alice", "agree"))
    (duty,) = (await service.audit()).open_duties("hold_session")
    assert duty.nominal == service.moment("2026-01-27T10:00")
    service.forget()
    await service.until("2026-01-26T16:00")
    titles = [card.title for name in ("Carol", "Alice") for card in service.arrived(name)]
    assert not [title for title in titles if title.startswith("Was the discussion")]


@pytest.mark.parametrize("handed_back", [False, True], ids=["reassigned", "handed back"])
async def test_what_was_agreed_with_an_auditor_who_hands_the_audit_on_no_longer_stands(
    service: Service, handed_back: bool
) -> None:
    await booked(service, "Mon 26 Jan at 15:00")
    await service.until("2026-01-12T10:00")
    service.forget()
    if handed_back:
        await service.ok(await service.press("Carol", "decline", reason="leave"))
        assert service.one("Alice").title == "Someone else will audit this case"
        assert service.one("Gil").title == f"Please find another auditor for {CASE}"
    await service.ok(await service.press("Grace", "reassign", to=str(service.people["Leo"])))
    if not handed_back:
        assert "A time that you had agreed no longer stands" in words(service.one("Alice"))
    assert "Alice" not in service.unread(), "she is told once"
    audit = await service.audit()
    assert (audit.session_at, audit.proposed_at, audit.has("booked")) == (None, None, False)
    assert not [duty for key in ("book_session", "agree_session", "hold_session") for duty in audit.open_duties(key)]

    await service.until("2026-01-27T12:00")
    for name, parcel in service.post.waiting:
        assert "Mon 26 Jan 2026 at 15:00" not in words(parcel.card), (name, parcel.card.title)
        assert "discussion" not in parcel.card.title, (name, parcel.card.title)
    assert "Carol" not in service.unread()


async def test_the_new_auditor_books_a_time_of_their_own(service: Service) -> None:
    await booked(service, "Mon 26 Jan at 15:00")
    await service.ok(await service.press("Grace", "reassign", to=str(service.people["Leo"])))
    early = await service.press("Leo", "hold")
    assert "Please say first that you take the audit." in words(early.card)
    await service.ok(await service.press("Leo", "accept"))
    service.forget()
    await service.ok(await service.press("Leo", "book", when="Fri 16 Jan at 9"))
    asked = service.one("Alice")
    assert asked.title == "Does Fri 16 Jan 2026 at 09:00 suit you?"
    assert "Leo Linnet would like to talk" in words(asked)
    reply = await service.ok(await service.press("Alice", "agree"))
    assert reply.card.tone is Tone.DONE
    assert (await service.audit()).session_at == service.moment("2026-01-16T09:00")


async def test_an_agreed_time_is_not_agreed_twice(service: Service) -> None:
    await booked(service, "Tues 2pm")
    reply = await service.press("Alice", "agree")
    assert reply.refused
    assert "The discussion is on Tue 6 Jan 2026 at 14:00." in words(reply.card)


async def test_an_agreement_to_nothing_is_refused_in_words(service: Service) -> None:
    await service.taken()
    reply = await service.press("Alice", "agree")
    assert reply.card.title == "No time has been suggested yet"


async def test_booking_comes_after_taking_the_audit(service: Service) -> None:
    reply = await service.press("Carol", "book", when="Tues 2pm")
    assert reply.refused
    assert "Please say first that you take the audit." in words(reply.card)


async def test_with_two_discussions_to_book_the_bot_asks_which(service: Service) -> None:
    await service.allocate(FREE_CASE, "Carol")
    await service.taken(FREE_CASE)
    await service.taken()
    reply = await service.says("Carol", "Tues 2pm")
    assert reply.card.title == "Which discussion do you mean?"
    which = choices(reply.card, "which")
    offered = {choice.label: choice.value for choice in which.choices}
    assert set(offered) == {CASE, FREE_CASE}
    (button,) = reply.card.actions
    await service.ok(
        await service.press(
            "Carol", button.verb, subject=button.subject, which=offered[FREE_CASE], when=typed(reply.card)["when"]
        )
    )
    assert (await service.audit(FREE_CASE)).proposed_at == service.moment("2026-01-06T14:00")
    assert (await service.audit()).proposed_at is None


async def test_an_unbooked_discussion_is_asked_about_then_reported_upwards(service: Service) -> None:
    await service.press("Leo", "accept", OTHER_CASE)
    await service.press("Leo", "hold", OTHER_CASE)
    await service.taken()
    await service.until("2026-01-13T08:59")
    service.forget()
    await service.until("2026-01-13T09:00")
    late = service.one("Carol")
    assert late.tone is Tone.LATE
    assert "If something stands in the way, tell the QA Unit: they can help." in words(late)
    await service.until("2026-01-15T09:00")
    (told,) = [card for card in service.arrived("Dan") if CASE in card.title]
    assert told.tone is Tone.LATE
    assert "Carol Crane was asked for this by Mon 12 Jan 2026, and it is still open." in words(told)
    assert "help" in words(told)


@pytest.mark.parametrize(("when", "reminded"), [("Thu 15 Jan 2pm", True), ("tomorrow 2pm", False)])
async def test_a_reminder_is_promised_only_where_one_is_still_to_come(
    service: Service, when: str, reminded: bool
) -> None:
    await service.taken()
    await service.ok(await service.press("Carol", "book", when=when))
    reply = await service.ok(await service.press("Alice", "agree"))
    assert ("You will both be reminded on the working day before." in words(reply.card)) is reminded
