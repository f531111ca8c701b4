"""Who may do what, whatever the card says; who sees a grade; and what never goes anywhere unasked."""

from pathlib import Path

import pytest
from sqlalchemy import text

from audits.events import EVENTS
from audits.permissions import sees_grade
from cards.card import Tone
from handlers.privacy import findings
from handlers.verbs import VERBS
from tests.handlers.conftest import CASE, NHS_NUMBER, OTHER_CASE, SENT, Service, errors, kept, sends, typed, words

EVERY_VALUE = SENT | {
    "reason": "capacity",
    "to": "9",
    "until": "2026-02-20",
    "when": "Tues 2pm",
    "text": "Because.",
    "dispute_text": "Because.",
    "decision": "review",
}


def test_every_verb_of_the_bot_has_its_handler() -> None:
    assert set(VERBS) == set(EVENTS)


@pytest.mark.parametrize("person", ["Leo", "Mia"])
async def test_someone_from_elsewhere_is_refused_every_verb_and_told_whom_to_ask(service: Service, person: str) -> None:
    await service.inadequate(neglect="yes")
    await service.press("Carol", "safety", text="Left alone.")
    service.forget()
    before = await service.audit()
    for verb in sorted(VERBS):
        reply = await service.press(person, verb, action=1, **EVERY_VALUE)
        assert reply.refused, verb
        assert reply.card.tone is Tone.REFUSED, verb
        assert reply.card.text, f"{verb} says what to do instead"
        if verb != "take_up":
            assert reply.card.title.startswith("Sorry, you can't "), verb
            assert words(reply.card).count("Please ask ") == 1, verb
        assert "Inadequate" not in words(reply.card)
    assert await service.audit() == before
    assert not service.unread()


async def test_someone_who_has_left_can_do_nothing(service: Service) -> None:
    async with service.store.begin() as tx:
        await tx.session.execute(text("UPDATE people SET active = 0 WHERE name LIKE 'Carol%'"))
        await tx.people_changed()
    for verb in sorted(VERBS):
        reply = await service.press("Carol", verb, **EVERY_VALUE)
        assert reply.refused, verb
        assert reply.card.title == "Sorry, I don't know you", verb


async def test_a_button_that_does_not_exist_is_refused_in_words(service: Service) -> None:
    for verb in ("", "drop", "say it", "__class__", "ACCEPT"):
        reply = await service.press("Carol", verb)
        assert reply.refused, verb
        assert reply.card.title == "I don't know that button", verb
        assert "Please open the card again; it may be an old one." in words(reply.card)


async def test_a_forged_subject_finds_nothing(service: Service) -> None:
    before = await service.audit()
    forged = ("", "0", "-1", "999", "1;2", "1:x", "x:1", "1.0", "1 OR 1=1", "9" * 30, "1:" + "9" * 9, "²", "../1")
    for subject in forged:
        reply = await service.press("Carol", "accept", subject=subject)
        assert reply.refused, subject
        assert reply.card.title == "I can't find that audit", subject
        assert "Please open the card again" in words(reply.card)
    assert await service.audit() == before


async def test_a_card_with_another_audits_number_gives_no_permission(service: Service) -> None:
    other = await service.number(OTHER_CASE)
    for values in ({"subject": f"{other}"}, {"which": f"{other}"}):
        reply = await service.press("Carol", "accept", **values)
        assert reply.refused
        assert "Please ask Leo Linnet." in words(reply.card)
    assert not (await service.audit(OTHER_CASE)).has("accepted")
    assert not (await service.audit()).has("accepted")


@pytest.mark.parametrize("verb", ["sign_off", "send_back", "confirm"])
async def test_the_owner_of_one_action_gains_nothing_on_another(service: Service, verb: str) -> None:
    await service.sent(
        action_1_what="Read the notes.",
        action_1_owner=str(service.people["Bob"]),
        action_2_what="See the child.",
    )
    await service.press("Bob", "confirm", action=1)
    reply = await service.press("Alice", verb, action=1, text="More.")
    assert reply.refused


async def test_those_who_answer_for_the_work_may_see_its_grade(service: Service) -> None:
    await service.sent(grade="requires_improvement")
    audit = await service.audit()
    async with service.store.begin() as tx:
        seen = {
            name for name, number in service.people.items() if sees_grade(tx.rules, audit, tx.directory.people[number])
        }
    assert {"Alice", "Bob", "Carol", "Dan", "Erin", "Frank", "Gil", "Grace", "Heidi", "Ivan"} <= seen
    assert not {"Leo", "Mia", "Judy"} & seen


async def test_nobody_else_is_shown_a_grade(service: Service) -> None:
    await service.sent(grade="requires_improvement")
    for name in ("Leo", "Mia", "Judy"):
        assert "Requires improvement" not in "".join(words(letter.card) for letter in await service.inbox(name))
        assert "Requires improvement" not in words((await service.says(name, "mine")).card)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (f"Her NHS number is {NHS_NUMBER}.", ("an NHS number",)),
        ("9434765919", ("an NHS number",)),
        ("They moved to SO14 7LY last week.", ("a postcode",)),
        ("DOB: 3/5/2014", ("a date of birth",)),
        ("born on 3rd May 2014", ("a date of birth",)),
        ("Ring 07700 900123.", ("a phone number",)),
        ("Ring +44 7700 900123.", ("a phone number",)),
        ("NHS 9434765919 in SO14 7LY", ("an NHS number", "a postcode")),
        ("NHS9434765919", ("an NHS number",)),
        ("943.476.5919", ("an NHS number",)),
        ("943  476\u00a05919", ("an NHS number",)),
        ("943\u2013476\u20135919", ("an NHS number",)),
        ("943\u200b4765919", ("an NHS number",)),
        ("9434 765 919", ("an NHS number",)),
        ("94347 65919", ("an NHS number",)),
        ("\uff19\uff14\uff13 476 5919", ("an NHS number",)),
        ("9434765919, mum is on 07700 900123", ("an NHS number", "a phone number")),
        ("SO14  7LY", ("a postcode",)),
        ("so14-7ly", ("a postcode",)),
        ("SO147LY", ("a postcode",)),
        ("D.O.B. 3.5.14", ("a date of birth",)),
        ("born on the 3rd of May 2014", ("a date of birth",)),
        ("Date of birth (2014/05/03)", ("a date of birth",)),
        ("DOB 03052014", ("a date of birth",)),
        ("May 3rd, 2014 is her date of birth", ("a date of birth",)),
        ("His birthday is on 3 May.", ("a date of birth",)),
        ("0044 7700 900123", ("a phone number",)),
        ("+44 (0)7700 900123", ("a phone number",)),
        ("(023) 8083 3000", ("a phone number",)),
        ("07700.900.123", ("a phone number",)),
        ("07700  900123", ("a phone number",)),
        ("A newborn was seen on 3 May; the next visit is at 09.30 - 10.30 on day 15.", ()),
        ("Audit 1234567890, seen 2026-02-03 at 10:15, room B4.", ()),
        ("She was born at home, three weeks early.", ()),
        ("Seen on 3 May 2026, ten days after the referral of K7F-204.", ()),
        ("Visit due by 2026-02-03; 3 of 10 visits missed.", ()),
        ("9434765918", ()),
    ],
)
def test_what_looks_personal_is_found_and_the_rest_is_left_alone(typed: str, found: tuple[str, ...]) -> None:
    assert findings(typed) == found


FREE_TEXTS = [
    ("Carol", "submit", SENT | {"grade": "inadequate"}, "rationale"),
    ("Carol", "submit", SENT, "safety_text"),
    ("Carol", "submit", SENT | {"feedback_child": "reason"}, "feedback_child_reason"),
    ("Carol", "submit", SENT, "action_3_what"),
    ("Gil", "moderate", {"grade": "inadequate"}, "text"),
    ("Gil", "moderate", {"grade": "inadequate", "text": "It is."}, "action_1_what"),
    ("Gil", "consider", {"decision": "review"}, "text"),
    ("Dan", "update", {}, "text"),
    ("Dan", "oversee", {}, "text"),
    ("Carol", "record", {}, "where"),
    ("Alice", "dispute", {}, "dispute_text"),
    ("Carol", "resolve", {}, "text"),
    ("Alice", "confirm", {}, "text"),
    ("Bob", "send_back", {}, "text"),
    ("Judy", "offer", {}, "text"),
]


async def ready_for(service: Service, verb: str) -> None:
    """The story up to the moment at which a verb is asked for; the post about it is read."""
    match verb:
        case "submit":
            await service.talked()
        case "moderate" | "consider":
            await service.sent(grade="inadequate", neglect="yes")
        case "update":
            await service.inadequate()
        case _:
            await service.sent(action_1_what="See the child.")
    earlier = {
        "record": ("Dan", "oversee", {}),
        "resolve": ("Alice", "dispute", {"dispute_text": "I see it differently."}),
        "send_back": ("Alice", "confirm", {}),
    }
    if verb in earlier:
        person, before, values = earlier[verb]
        await service.ok(await service.press(person, before, action=1, **values))
    service.forget()


@pytest.mark.parametrize(
    ("person", "verb", "values", "name"), FREE_TEXTS, ids=[f"{v}-{n}" for _, v, _, n in FREE_TEXTS]
)
async def test_personal_data_in_any_free_text_is_taken_out_and_asked_about(
    service: Service, tmp_path: Path, person: str, verb: str, values: dict[str, str], name: str
) -> None:
    await ready_for(service, verb)
    before = await service.audit()
    written = f"Her NHS number is {NHS_NUMBER}."
    reply = await service.press(person, verb, action=1, **(values | {name: written}))
    assert reply.refused
    said = "This looks like an NHS number, so it was taken out. Please check the text and send it again."
    assert errors(reply.card) == {name: said}
    assert typed(reply.card)[name] == "Her NHS number is [taken out]."
    assert await service.audit() == before
    assert not service.unread()
    assert not kept(tmp_path, NHS_NUMBER), "not even the reply keeps it"


@pytest.mark.parametrize(
    ("person", "verb", "values", "name"), FREE_TEXTS, ids=[f"{v}-{n}" for _, v, _, n in FREE_TEXTS]
)
async def test_a_tick_on_the_card_that_came_back_lets_the_text_pass(
    service: Service, person: str, verb: str, values: dict[str, str], name: str
) -> None:
    await ready_for(service, verb)
    written = f"Her NHS number is {NHS_NUMBER}."
    reply = await service.press(person, verb, action=1, **(values | {name: written}))
    subject, unticked = sends(reply.card, verb, **{name: written})
    assert (await service.press(person, verb, subject=subject, **unticked)).refused
    subject, ticked = sends(reply.card, verb, **{name: written, "privacy_checked": "yes"})
    again = await service.press(person, verb, subject=subject, **ticked)
    assert not again.refused, words(again.card)


@pytest.mark.parametrize(
    ("person", "verb", "values", "name"), FREE_TEXTS, ids=[f"{v}-{n}" for _, v, _, n in FREE_TEXTS]
)
async def test_the_masked_text_may_be_sent_as_it_came_back(
    service: Service, tmp_path: Path, person: str, verb: str, values: dict[str, str], name: str
) -> None:
    await ready_for(service, verb)
    reply = await service.press(person, verb, action=1, **(values | {name: f"Her NHS number is {NHS_NUMBER}."}))
    subject, sending = sends(reply.card, verb)
    again = await service.press(person, verb, subject=subject, **sending)
    assert not again.refused, words(again.card)
    assert not kept(tmp_path, NHS_NUMBER)


async def test_a_form_refused_for_several_reasons_keeps_no_personal_data(service: Service, tmp_path: Path) -> None:
    await service.talked()
    texts = ("rationale", "safety_text", "feedback_child_reason", "action_1_what", "action_5_what")
    values = dict.fromkeys(texts, f"See {NHS_NUMBER}, SO14 7LY, born on 3/5/2014, 07700 900123.")
    reply = await service.press("Carol", "submit", feedback_child="reason", action_1_due="2026-01-04", **values)
    assert reply.refused
    assert set(texts) < set(errors(reply.card))
    for typed_text in (NHS_NUMBER, "SO14 7LY", "3/5/2014", "07700 900123"):
        assert not kept(tmp_path, typed_text), typed_text
    assert not (await service.audit()).has("submitted")


async def test_what_is_taken_out_of_an_alert_is_kept_nowhere(service: Service, tmp_path: Path) -> None:
    await service.talked()
    values = SENT | {"safety": "yes", "safety_text": f"Left alone; NHS number {NHS_NUMBER}."}
    reply = await service.press("Carol", "submit", **values)
    assert set(errors(reply.card)) == {"safety_text"}
    for person in ("Bob", "Dan", "Erin", "Frank"):
        assert "Left alone; NHS number [taken out]." in words(service.one(person))
    assert not kept(tmp_path, NHS_NUMBER)


async def test_an_action_number_counts_for_the_buttons_of_actions_alone(service: Service) -> None:
    reply = await service.ok(await service.press("Carol", "accept", action=7))
    assert reply.card.title == f"When could you talk about {CASE}?"
    assert (await service.audit()).has("accepted")


@pytest.mark.parametrize("text_", [NHS_NUMBER, "He lives at SO14 7LY", "Tues 2pm, mum is on 07700 900123"])
async def test_personal_data_in_the_chat_is_not_taken(service: Service, text_: str) -> None:
    await service.taken()
    reply = await service.says("Carol", text_)
    assert reply.refused
    assert "Please don't write it here; the case reference is enough." in words(reply.card)
    assert (await service.audit()).proposed_at is None


async def test_every_card_that_asks_for_something_says_why_and_where_it_is_written(service: Service) -> None:
    await service.inadequate(neglect="yes", safety="yes")
    for name in ("Bob", "Dan", "Erin", "Frank"):
        await service.press(name, "acknowledge")
    await service.press("Leo", "accept", OTHER_CASE)
    await service.press("Leo", "book", OTHER_CASE, when="Tues 2pm")
    await service.press("Mia", "agree", OTHER_CASE)
    await service.press("Alice", "dispute", dispute_text="I see it differently.")
    await service.press("Alice", "confirm", action=1)
    await service.press("Dan", "oversee")
    await service.until("2026-01-09T12:00")
    asked = 0
    for name, parcel in service.post.waiting:
        card = parcel.card
        if card.actions:
            asked += 1
            assert card.why is not None, (name, card.title)
            assert card.why.reason, (name, card.title)
            assert card.why.place.startswith("Children and Learning Service Quality Assurance Framework 2023–2025, 9.3")
            assert card.why.rules, (name, card.title)
            assert all(rule.startswith("SOU-") for rule in card.why.rules)
    assert asked > 12
    for name in service.people:
        for letter in await service.inbox(name):
            assert not letter.card.actions or letter.card.why is not None, (name, letter.card.title)
