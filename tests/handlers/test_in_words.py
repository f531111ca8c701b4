"""Answers typed in the chat: they take effect where they are clear, and ask where they are not."""

import pytest

from handlers.commands import say
from handlers.press import Refused
from tests.handlers.conftest import CASE, NHS_NUMBER, OTHER_CASE, Service, errors, typed, verbs, words

ACTIONS = {
    "action_1_what": "See the child alone this week.",
    "action_1_owner": "",
    "action_2_what": "Update the chronology.",
}


async def with_actions(service: Service, **actions: str) -> None:
    """Carol has sent a grade with these actions, which are Alice's."""
    await service.sent(**{name: text for name, text in actions.items() if text})
    service.forget()


# ---- done


async def test_done_confirms_the_one_action_that_waits(service: Service) -> None:
    await with_actions(service, action_1_what="See the child alone this week.")
    reply = await service.ok(await service.says("Alice", "done"))
    assert "You reported this done" in reply.card.title
    assert (await service.audit()).actions[0].confirmed_by == service.people["Alice"]


async def test_done_with_words_keeps_them_with_the_action(service: Service) -> None:
    await with_actions(service, action_1_what="See the child alone this week.")
    await service.ok(await service.says("Alice", "Done, the visit was on Monday"))
    signing = next(card for card in service.arrived("Bob") if "sign off" in card.title)
    assert CASE in signing.title
    assert await service.events("confirmed") == 1


async def test_done_of_two_actions_is_asked_about_and_a_button_says_which(service: Service) -> None:
    await with_actions(service, **ACTIONS)
    reply = await service.says("Alice", "done")
    assert reply.refused
    assert reply.card.title == "Which one do you mean?"
    assert [action.label for action in reply.card.actions] == [
        f"{CASE}: See the child alone this week",
        f"{CASE}: Update the chronology",
    ]
    assert await service.events("confirmed") == 0
    chosen = reply.card.actions[1]
    await service.ok(await service.press("Alice", chosen.verb, subject=chosen.subject))
    assert [one.confirmed_by is not None for one in (await service.audit()).actions] == [False, True]


async def test_done_where_the_form_is_what_is_wanted_brings_the_form(service: Service) -> None:
    await service.talked()
    reply = await service.ok(await service.says("Carol", "finished"))
    assert reply.card.title == f"Your grade for {CASE}"
    assert "submit" in verbs(reply.card)
    assert await service.events("submitted") == 0


async def test_a_sign_off_is_never_given_by_a_word(service: Service) -> None:
    await with_actions(service, action_1_what="See the child alone this week.")
    await service.says("Alice", "done")
    reply = await service.ok(await service.says("Bob", "done"))
    assert "sign_off" in verbs(reply.card)
    assert reply.card.text[0] == "Please look at it once more, and press the button if it is as it should be."
    assert await service.events("signed_off") == 0


async def test_done_where_nothing_of_the_kind_waits_is_not_understood(service: Service) -> None:
    reply = await service.says("Carol", "done")
    assert reply.refused
    assert reply.card.title == "Sorry, I didn't understand that"
    assert await service.events("accepted") == 0


async def test_personal_data_beside_done_is_not_kept(service: Service) -> None:
    await with_actions(service, action_1_what="See the child alone this week.")
    reply = await service.says("Alice", f"done, NHS number {NHS_NUMBER}")
    assert reply.refused
    assert "NHS number" in reply.card.title
    assert await service.events("confirmed") == 0


# ---- yes, and we have talked


async def test_yes_takes_the_allocation(service: Service) -> None:
    reply = await service.ok(await service.says("Carol", "ok, I'll take it"))
    assert reply.card.title == f"When could you talk about {CASE}?"
    assert await service.events("accepted") == 1


async def test_yes_to_two_allocations_is_asked_about_unless_one_is_named(service: Service) -> None:
    await service.allocate("P9Q-330", "Carol")
    reply = await service.says("Carol", "yes")
    assert reply.refused
    assert "You can also write the case with it, for example: yes K7F-204." in words(reply.card)
    await service.ok(await service.says("Carol", "yes P9Q-330"))
    assert (await service.events("accepted"), await service.events("accepted", "P9Q-330")) == (0, 1)


async def test_the_thread_says_which_audit_is_meant(service: Service) -> None:
    await service.allocate("P9Q-330", "Carol")
    about = await service.number("P9Q-330")
    async with service.store.begin() as tx:
        person = tx.directory.get(service.people["Carol"])
        assert person is not None
        await say(tx, person, "yes", service.clock.now(), about=about)
    assert (await service.events("accepted"), await service.events("accepted", "P9Q-330")) == (0, 1)


async def test_having_talked_is_said_in_words(service: Service) -> None:
    await service.taken()
    reply = await service.ok(await service.says("Carol", "we have talked"))
    assert reply.card.title == f"Your grade for {CASE}"
    assert await service.events("held") == 1


async def test_yes_after_the_session_says_that_it_was_held_and_no_that_it_was_not(service: Service) -> None:
    for answer, kind in (("no", "not_held"), ("yes", "held")):
        if answer == "no":
            await service.taken()
        await service.ok(await service.says("Carol", "Tues 2pm" if answer == "no" else "Wed 2pm"))
        await service.ok(await service.says("Alice", "yes"))
        await service.until("2026-01-06T15:30" if answer == "no" else "2026-01-07T15:30")
        await service.ok(await service.says("Carol", answer))
        assert await service.events(kind) == 1


# ---- no, and away


async def test_an_allocation_is_handed_back_by_somebody_on_leave_who_is_noted_as_away(service: Service) -> None:
    reply = await service.ok(await service.says("Carol", "can't, on leave until Monday"))
    assert reply.card.title == f"Thank you for saying so: {CASE}"
    assert "I am on leave this month" in words(reply.card)
    assert "Carol Crane is away until Mon 12 Jan 2026." in reply.card.text
    assert "Dan Dunlin stands in meanwhile." in reply.card.text
    assert await service.events("declined") == 1
    await service.program.beat()
    assert any("find another auditor" in card.title for card in service.arrived("Gil") + service.arrived("Grace"))
    who = await service.says("Grace", "who Carol")
    assert "Mon 12 Jan 2026" in words(who.card)


async def test_a_bare_no_is_asked_for_its_reason(service: Service) -> None:
    reply = await service.says("Carol", "can't")
    assert reply.refused
    assert errors(reply.card) == {"reason": "Please choose a reason, so that the right person can help."}
    assert await service.events("declined") == 0


async def test_a_suggested_time_that_does_not_suit_brings_the_form_for_another(service: Service) -> None:
    await service.taken()
    await service.ok(await service.says("Carol", "Tues 2pm"))
    reply = await service.ok(await service.says("Alice", "can't, on leave until Monday"))
    assert "No matter. Please suggest a time that suits you better." in reply.card.text
    assert "Alice Avocet is away until Mon 12 Jan 2026." in reply.card.text
    assert "book" in verbs(reply.card)
    assert await service.events("booked") == 0


async def test_who_is_asked_for_nothing_is_noted_as_away(service: Service) -> None:
    reply = await service.ok(await service.says("Mia", "I'm off sick until 14 January"))
    assert reply.card.title == "Mia Merlin is away until Wed 14 Jan 2026"
    assert "If you are back sooner, or this is wrong, write: I am back." in reply.card.text


async def test_who_is_back_gets_their_own_again(service: Service) -> None:
    await service.ok(await service.says("Dan", "leave until 30 January"))
    assert (await service.says("Dan", "I'm back")).card.title == "Welcome back"
    await service.sent()
    assert any("Please read the audit" in card.title for card in service.arrived("Dan"))
    assert "Erin" not in service.unread()
    again = await service.says("Dan", "I'm back")
    assert again.refused
    assert again.card.title == "You aren't noted as away"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("can't, on leave until the cows come home", "is not a day that I know"),
        ("can't, on leave until 2 January 2026", "has gone by"),
    ],
)
async def test_a_day_that_is_none_changes_nothing(service: Service, text: str, said: str) -> None:
    reply = await service.says("Carol", text)
    assert reply.refused
    assert said in reply.card.title
    assert await service.events("declined") == 0


async def test_nobody_answers_for_others_by_words(service: Service) -> None:
    for name in ("Alice", "Dan", "Grace", "Mia"):
        await service.says(name, f"yes {OTHER_CASE}")
        await service.says(name, f"can't {OTHER_CASE}, on leave")
    assert await service.events("accepted", OTHER_CASE) == 0
    assert await service.events("declined", OTHER_CASE) == 0


async def test_a_time_after_a_no_is_a_suggestion(service: Service) -> None:
    await service.taken()
    await service.ok(await service.says("Carol", "Tues 2pm"))
    reply = await service.ok(await service.says("Alice", "can't Tuesday, Wed 3pm?"))
    assert "Wed 7 Jan 2026 at 15:00" in words(reply.card)


# ---- manners


@pytest.mark.parametrize("text", ["hello", "Hi there!", "Good morning auditloop"])
async def test_a_greeting_is_returned_with_what_waits(service: Service, text: str) -> None:
    reply = await service.ok(await service.says("Carol", text))
    assert reply.card.title == "Hello Carol"
    assert "Answer the allocation" in words(reply.card)


@pytest.mark.parametrize("text", ["thanks", "Thank you very much.", "Great, thanks!"])
async def test_thanks_are_taken_and_change_nothing(service: Service, text: str) -> None:
    reply = await service.ok(await service.says("Mia", text))
    assert reply.card.title == "You're welcome"


# ---- what must not take effect


async def test_a_word_in_the_thread_of_one_audit_takes_no_effect_on_another(service: Service) -> None:
    await service.taken()
    await service.allocate("P9Q-330", "Carol")
    about = await service.number(CASE)
    async with service.store.begin() as tx:
        person = tx.directory.get(service.people["Carol"])
        assert person is not None
        with pytest.raises(Refused) as asked:
            await say(tx, person, "can't, too busy", service.clock.now(), about=about)
    assert asked.value.card.title == "Which one do you mean?"
    assert await service.events("declined", "P9Q-330") == 0


async def test_a_no_to_a_time_hands_no_other_allocation_back(service: Service) -> None:
    await service.taken()
    await service.ok(await service.says("Carol", "Tues 2pm"))
    await service.ok(await service.says("Alice", "Wed 3pm"))
    await service.allocate("P9Q-330", "Carol")
    reply = await service.says("Carol", "can't, too busy")
    assert reply.card.title == "Which one do you mean?"
    assert await service.events("declined", "P9Q-330") == 0


@pytest.mark.parametrize("text", ["will do", "ok thanks", "great", "can't", "can't, on leave until Monday"])
async def test_what_is_said_of_the_future_does_not_say_whether_a_discussion_was_held(
    service: Service, text: str
) -> None:
    await service.taken()
    await service.ok(await service.says("Carol", "Tues 2pm"))
    await service.ok(await service.says("Alice", "yes"))
    await service.until("2026-01-06T15:30")
    await service.says("Carol", text)
    assert (await service.events("held"), await service.events("not_held")) == (0, 0)


async def test_a_done_that_is_half_taken_back_brings_the_card_with_what_was_written(service: Service) -> None:
    await with_actions(service, action_1_what="See the child alone this week.")
    reply = await service.ok(await service.says("Alice", "done, except the visit"))
    assert "confirm" in verbs(reply.card)
    assert typed(reply.card) == {"text": "except the visit"}
    assert await service.events("confirmed") == 0


async def test_management_oversight_is_never_given_by_a_word(service: Service) -> None:
    await service.sent()
    reply = await service.ok(await service.says("Dan", "done"))
    assert "oversee" in verbs(reply.card)
    assert await service.events("overseen") == 0
