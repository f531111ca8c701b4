import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from cards.card import Action, Card, ChoiceInput, DateInput, InputGroup, TextInput
from cards.stored import fingerprint, from_json, to_json


@settings(max_examples=40)
@given(...)
def test_any_card_comes_back_as_it_was_stored(card: Card) -> None:
    assert from_json(to_json(card)) == card


def test_every_kind_of_input_comes_back_as_its_own_kind(full_card: Card) -> None:
    back = from_json(to_json(full_card))
    assert [type(entry) for entry in back.inputs] == [type(entry) for entry in full_card.inputs]
    group = back.inputs[2]
    assert isinstance(group, InputGroup)
    assert isinstance(group.inputs[1], ChoiceInput)


def test_a_button_that_sends_no_input_is_not_confused_with_one_that_sends_all(full_card: Card) -> None:
    sent = [action.inputs for action in from_json(to_json(full_card)).actions]
    assert sent == [None, (), ("rationale",)]


def test_a_card_stored_before_a_field_existed_can_still_be_read() -> None:
    assert from_json('{"title": "Audit of K7F-204"}') == Card("Audit of K7F-204")


def test_a_card_is_plain_json_with_its_files_in_base64(full_card: Card) -> None:
    assert json.loads(to_json(full_card))["downloads"][0]["content"].startswith("QkVHSU46VkNBTEVOREFS")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"title": 3}', '{"title": "x", "tone": "cross"}'])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        from_json(text)


def test_an_input_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="validation error"):
        from_json('{"title": "x", "inputs": [{"kind": "colour", "name": "a", "label": "A"}]}')


def _form(*inputs: TextInput | DateInput | InputGroup) -> Card:
    return Card("Which day?", inputs=inputs, actions=(Action("extend", "Extend"),))


def test_a_form_asks_the_same_the_next_day_although_other_days_may_be_chosen() -> None:
    today = DateInput("until", "Until", earliest="2026-04-02", latest="2026-04-30")
    tomorrow = replace(today, earliest="2026-04-03")
    assert fingerprint(_form(today)) == fingerprint(_form(tomorrow))
    assert fingerprint(_form(InputGroup("When", (today,)))) == fingerprint(_form(InputGroup("When", (tomorrow,))))


def test_a_form_that_asks_for_something_else_is_another_one() -> None:
    until, since = DateInput("until", "Until"), DateInput("since", "Since")
    texts = [fingerprint(_form(one)) for one in (until, since, TextInput("until", "Until"))]
    assert len(set(texts)) == len(texts)
