import gc
import json
import weakref
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings

from cards.blocks.buttons import inputs_of, opens_form
from cards.blocks.forms import (
    MOST_ASKING_BLOCKS,
    MOST_INPUTS,
    NotOffered,
    answers,
    block_ids,
    first_wrong_step,
    form_steps,
    form_view,
    said_view,
    waiting_view,
)
from cards.card import (
    Action,
    Card,
    Choice,
    ChoiceInput,
    DateInput,
    Emphasis,
    Fact,
    Input,
    InputGroup,
    Table,
    TextInput,
    Tone,
    Why,
)
from cards.limits import CardTooLarge, units
from cards.moulds import Mould, Written
from tests.cards.slack import CONTEXT, Sent, asked_in, blocks_by_name, faults_of, forms_of, inside, of_type
from tests.cards.test_blocks import squeezed, words_of
from tests.slack.forms import state_of
from tests.slack.limits import Json

SEND = (Action("submit", "Send the audit", "7", Emphasis.PRIMARY),)
GRADES = (Choice("good", "● Good"), Choice("inadequate", "▲ Inadequate", "The head of service is told at once."))


def form(*inputs: Input | InputGroup, actions: tuple[Action, ...] = SEND, **more: Any) -> Card:
    return Card(more.pop("title", "Your grade"), inputs=inputs, actions=actions, **more)


def opened(card: Card, step: int = 1, verb: str = "submit", subject: str = "7") -> Json:
    return form_view(card, verb, subject, context=CONTEXT, step=step)


def only(view: Json, kind: str) -> Json:
    (found,) = of_type(view, kind)
    return found


def slot(number: int) -> InputGroup:
    """A remedial action of the grade form."""
    owners = (Choice("1", "Sam Hill, social worker"), Choice("2", "Priya Shah, team manager"))
    return InputGroup(
        f"Remedial action {number}",
        (
            TextInput(f"what_{number}", "What is to be put right?", long=True, length=500),
            ChoiceInput(f"owner_{number}", "By whom?", owners, value="1", compact=True),
            DateInput(f"due_{number}", "By when?", earliest="2026-04-02"),
        ),
        folded=number > 1,
    )


LONG_FORM = form(
    ChoiceInput("grade", "Overall grade", GRADES, required=True),
    *(TextInput(f"question_{number}", f"Question {number}", long=True) for number in range(1, 10)),
    InputGroup(
        "Grades by heading", tuple(ChoiceInput(f"h_{n}", f"Heading {n}", GRADES, compact=True) for n in range(8))
    ),
    *(slot(number) for number in range(1, 6)),
    facts=(Fact("Case", "K7F-204"),),
    why=Why("You were allocated this audit.", "QA framework, 9.3", ("SOU-01",)),
)


def test_a_form_has_only_what_its_action_sends(full_card: Card) -> None:
    decline = opened(full_card, verb="decline", subject="audit-7")
    assert [one["element"]["action_id"] for one in of_type(decline, "input")] == ["rationale"]
    submit = opened(full_card, verb="submit", subject="audit-7")
    names = [one["element"]["action_id"] for one in of_type(submit, "input")]
    assert names == [entry.name for entry in full_card.all_inputs()]


def test_a_form_says_what_the_card_says_and_why(full_card: Card) -> None:
    view = opened(full_card, verb="submit", subject="audit-7")
    assert (view["title"]["text"], view["submit"]["text"]) == ("Audit of K7F-204", "Submit the audit")
    assert (view["callback_id"], view["private_metadata"]) == ("form", CONTEXT)
    assert view["notify_on_close"] is True
    shown = words_of(view["blocks"])
    for words in (*full_card.text, "*Case* K7F-204", "January", "QA framework, section 3.2", "DUD-04, DUD-05"):
        assert words in shown
    assert words_of(view["blocks"][0]) == "Error: One answer is still missing."


def test_each_input_has_its_label_and_its_hint_and_each_error_stands_right_after_its_input(full_card: Card) -> None:
    view = opened(full_card, verb="submit", subject="audit-7")
    blocks = view["blocks"]
    place = next(number for number, one in enumerate(blocks) if one.get("block_id") == "input/grade")
    assert blocks[place]["label"]["text"] == "Overall grade (required)"
    assert words_of(blocks[place + 1]) == "Error: Choose a grade."
    assert blocks[place + 2]["hint"]["text"] == "Two or three sentences."
    assert [one["block_id"] for one in blocks if one.get("element", {}).get("focus_on_load")] == ["input/grade"]


def test_what_was_typed_stands_in_its_input() -> None:
    card = form(
        TextInput("text", "Why?", "Because."),
        TextInput("more", "And?", "One.\nTwo."),
        DateInput("day", "When?", "2026-04-07"),
        ChoiceInput("grade", "Grade", GRADES, value="good"),
        ChoiceInput("to", "To whom?", GRADES, value="inadequate", compact=True),
    )
    view = opened(card)
    text, more = of_type(view, "plain_text_input")
    assert (text["initial_value"], text["multiline"]) == ("Because.", False)
    assert (more["initial_value"], more["multiline"]) == ("One.\nTwo.", True)
    assert only(view, "datepicker")["initial_date"] == "2026-04-07"
    assert only(view, "radio_buttons")["initial_option"]["value"] == "good"
    assert only(view, "static_select")["initial_option"]["value"] == "inadequate"


def test_the_app_hears_of_what_is_put_in_at_once() -> None:
    card = form(TextInput("text", "Why?"), DateInput("day", "When?"), ChoiceInput("grade", "Grade", GRADES))
    view = opened(card)
    assert all(one["dispatch_action"] for one in of_type(view, "input"))
    said = only(view, "plain_text_input")["dispatch_action_config"]
    assert said == {"trigger_actions_on": ["on_character_entered"]}


def test_a_value_that_is_not_offered_is_left_unchosen() -> None:
    card = form(ChoiceInput("grade", "Grade", GRADES, value="splendid"), DateInput("day", "When?", "next Tuesday"))
    view = opened(card)
    assert "initial_option" not in only(view, "radio_buttons")
    assert "initial_date" not in only(view, "datepicker")
    assert "You gave “next Tuesday”. Please choose a day." in words_of(view["blocks"])


def test_the_client_insists_on_what_is_required_unless_it_is_only_taken_along() -> None:
    asked = (TextInput("why", "Why?", required=True), TextInput("more", "More? (optional)"))
    draft = Action("keep", "Keep it for later", "7")
    for actions, verb, insisted in (
        (SEND, "submit", True),
        ((*SEND, Action("refer", "Refer it", "7", inputs=("why",))), "refer", True),
        ((draft, Action("other", "Other", "7")), "keep", False),
    ):
        why, *others = of_type(opened(form(*asked, actions=actions), verb=verb), "input")
        assert (not why["optional"], "(required)" in why["label"]["text"]) == (insisted, insisted), verb
        assert all(one["optional"] and one["label"]["text"] == "More?" for one in others), "Slack itself says optional"


def test_an_answer_that_nobody_needs_can_be_taken_back() -> None:
    card = form(
        ChoiceInput("neglect", "Is it neglect?", GRADES),
        ChoiceInput("section", "Planning", GRADES, value="good", compact=True),
        ChoiceInput("needed", "Grade", GRADES, required=True),
        ChoiceInput("after", "The grade after", (Choice("", "Unchanged"), *GRADES), compact=True),
    )
    view = opened(card)
    offered = {one["block_id"]: one["element"] for one in of_type(view, "input")}
    labels = {name: [option["text"]["text"] for option in one["options"]] for name, one in offered.items()}
    assert labels["input/neglect"][-1] == labels["input/section"][-1] == "No answer"
    assert "No answer" not in labels["input/needed"] + labels["input/after"]
    assert "initial_option" not in offered["input/neglect"]
    assert offered["input/after"]["initial_option"]["text"]["text"] == "Unchanged"
    unchosen = offered["input/section"]["options"][-1]
    assert answers({"b": {"section": {"selected_option": unchosen}}}) == {"section": ""}


def test_nothing_to_choose_is_said_and_is_no_input() -> None:
    card = form(ChoiceInput("to", "Reassign to", (), required=True), TextInput("why", "Why?"))
    view = opened(card)
    assert "Reassign to (required): There is nothing to choose from yet." in words_of(view["blocks"])
    assert block_ids(card, "submit", "7") == {"why": "input/why"}


def test_two_hundred_choices_are_grouped_by_their_first_and_last() -> None:
    people = tuple(Choice(str(number), f"Person {number:03}") for number in range(200))
    card = form(ChoiceInput("to", "Who?", people, value="150", required=True))
    select = only(opened(card), "static_select")
    assert [group["label"]["text"] for group in select["option_groups"]] == [
        "Person 000 – Person 099",
        "Person 100 – Person 199",
    ]
    assert [len(group["options"]) for group in select["option_groups"]] == [100, 100]
    assert select["initial_option"]["value"] == "150"
    assert faults_of([Sent("Modal", opened(card))]) == []


@pytest.mark.parametrize(("count", "kind"), [(9, "radio_buttons"), (10, "static_select"), (100, "static_select")])
def test_many_choices_become_a_drop_down(count: int, kind: str) -> None:
    people = tuple(Choice(str(number), f"Person {number}") for number in range(count))
    view = opened(form(ChoiceInput("to", "Who?", people)))
    assert len(of_type(view, kind)) == 1, "one choice more is the way to take the answer back"
    assert faults_of([Sent("Modal", view)]) == []


def test_two_people_of_one_name_can_both_be_chosen() -> None:
    people = (Choice("1", "Sam Hill"), Choice("2", "Sam Hill"), Choice("1", "Sam Hill again"))
    view = opened(form(ChoiceInput("to", "Who?", people, value="2", required=True)))
    radios = only(view, "radio_buttons")
    assert [(one["value"], one["text"]["text"]) for one in radios["options"]] == [("1", "Sam Hill"), ("2", "Sam Hill")]
    assert radios["initial_option"]["value"] == "2"
    assert faults_of([Sent("Modal", view)]) == []


def test_what_is_too_long_for_its_place_is_also_there_in_full() -> None:
    long = "a rather long piece of wording, " * 8 + "with an end"
    card = form(
        ChoiceInput(
            "c", "Choose", (Choice("a", f"choice {long}", f"hint {long}"), Choice("b", "short", "of few words"))
        ),
        TextInput("t", f"label {long * 8}", hint=f"advice {long * 8}"),
        InputGroup(f"group {long * 12}", (TextInput("u", "U"),)),
        actions=(Action("submit", f"button {long}", "7", Emphasis.PRIMARY),),
        title=long,
    )
    view = opened(card)
    assert faults_of([Sent("Modal", view)]) == []
    shown = words_of(view["blocks"])
    for text in (
        f"choice {long}",
        f"hint {long}",
        f"label {long}",
        f"advice {long}",
        f"group {long}",
        f"button {long}",
    ):
        assert squeezed(text) in shown
    descriptions = [one.get("description", {}).get("text") for one in only(view, "radio_buttons")["options"]]
    assert descriptions == [None, "of few words", None], "in full above, or whole beside its button"


def test_a_title_and_a_button_that_are_cut_are_there_whole_as_well() -> None:
    card = form(TextInput("text", "Why?"), title="Please moderate the audit of K7F-204", tone=Tone.LATE)
    view = opened(replace(card, actions=(replace(SEND[0], label="Put it forward for moderation"),)))
    assert (view["title"]["text"], view["submit"]["text"]) == ("Please moderate the aud…", "Put it forward for mode…")
    shown = words_of(view["blocks"])
    assert shown.startswith("Please moderate the audit of K7F-204 ◷ Overdue")
    assert shown.endswith("The button in full: Put it forward for moderation")


def test_an_answer_longer_than_slack_takes_says_that_its_end_is_missing() -> None:
    view = opened(form(TextInput("a", "A", "y" * 3500, length=5000)))
    assert faults_of([Sent("Modal", view)]) == []
    assert "its end is left out" in words_of(view["blocks"])


def test_an_input_takes_what_is_in_it_even_where_that_is_too_long() -> None:
    element = only(opened(form(TextInput("a", "A", "y" * 40, length=10))), "plain_text_input")
    assert (element["max_length"], element["initial_value"]) == (40, "y" * 40)


def test_the_bounds_of_a_date_are_said_because_slack_cannot_hold_them() -> None:
    card = form(DateInput("d", "Day", "2026-04-07", earliest="2026-04-02", latest="2026-04-10"))
    block = only(opened(card), "input")
    assert block["hint"]["text"] == "From Thu 2 Apr 2026 to Fri 10 Apr 2026."
    assert block["element"]["initial_date"] == "2026-04-07"


# ---- steps


def names_on(card: Card, step: int) -> list[str]:
    return [one["element"]["action_id"] for one in of_type(opened(card, step), "input")]


def test_a_long_form_goes_in_even_steps_of_whole_groups() -> None:
    steps = form_steps(LONG_FORM, "submit", "7")
    asked = [names_on(LONG_FORM, step) for step in range(1, steps + 1)]
    assert [name for names in asked for name in names] == [entry.name for entry in LONG_FORM.all_inputs()]
    assert [len(names) for names in asked] == [10, 11, 12]
    for number in range(1, 6):
        assert len({step for step, names in enumerate(asked) for name in names if name.endswith(f"e_{number}")}) == 1
    even = form(*(TextInput(f"t{number}", "T") for number in range(16)))
    assert [len(names_on(even, step)) for step in (1, 2)] == [8, 8]


def test_each_step_says_which_it_is_and_leads_on_or_back() -> None:
    first, second, third = (opened(LONG_FORM, step) for step in (1, 2, 3))
    assert [one["submit"]["text"] for one in (first, second, third)] == ["Next", "Next", "Send the audit"]
    for number, view in enumerate((first, second, third), start=1):
        assert f"Step {number} of 3" in words_of(view["blocks"])
        assert faults_of([Sent("Modal", view)]) == []
    backs = [[(one["action_id"], one["value"]) for one in of_type(view, "button")] for view in (first, second, third)]
    assert backs == [[], [("back", "1")], [("back", "2")]]
    assert ["K7F-204" in words_of(view["blocks"]) for view in (first, second, third)] == [True, False, False]


def test_a_short_form_has_no_steps_to_speak_of(full_card: Card) -> None:
    assert form_steps(full_card, "submit", "audit-7") == 1
    view = opened(full_card, verb="submit", subject="audit-7")
    assert "Step" not in words_of(view["blocks"])
    assert of_type(view, "button") == []


def test_a_step_that_is_no_longer_there_is_the_last() -> None:
    assert opened(LONG_FORM, 99) == opened(LONG_FORM, 3)
    assert opened(LONG_FORM, 0) == opened(LONG_FORM, 1)


def test_a_form_keeps_its_steps_whatever_was_answered_and_however_wrong() -> None:
    long = "Very wrong indeed. " * 40
    typed = {entry.name: "v" * 2900 if entry.kind == "text" else "2026-04-07" for entry in LONG_FORM.all_inputs()}
    again = LONG_FORM.answered(typed, {entry.name: long for entry in LONG_FORM.all_inputs()}, long)
    assert [names_on(again, step) for step in (1, 2, 3)] == [names_on(LONG_FORM, step) for step in (1, 2, 3)]
    assert faults_of(Sent("Modal", view) for view in forms_of(again)) == []


def test_errors_on_a_step_that_is_full_push_nothing_onto_another() -> None:
    full = form(*(TextInput(f"t{number}", "Why?", hint="w " * 5500) for number in range(MOST_INPUTS)))
    wrong = full.answered({"t1": "Because."}, {entry.name: "Please say more." for entry in full.all_inputs()})
    assert len(of_type(opened(full)["blocks"], "input", "section")) == MOST_ASKING_BLOCKS
    assert form_steps(full, "submit", "7") == form_steps(wrong, "submit", "7") == 1


def test_a_group_too_long_for_a_step_is_cut_and_keeps_its_heading() -> None:
    card = form(InputGroup("Headings", tuple(TextInput(f"t{number}", "T") for number in range(30))))
    views = list(forms_of(card))
    assert [len(of_type(view, "input")) for view in views] == [10, 10, 10]
    assert all("*Headings*" in words_of(view["blocks"]) for view in views)


def test_the_first_wrong_step_is_where_an_error_stands() -> None:
    errors = {"due_5": "That day has gone by.", "h_3": "Choose one of these."}
    again = LONG_FORM.answered({}, errors, "2 answers need another look.")
    assert first_wrong_step(again, "submit", "7") == 2
    view = opened(again, 2)
    shown = words_of(view["blocks"])
    assert "Error: 2 answers need another look." in shown
    assert "Error: Please look again at step 3: By when?" in shown
    assert "Error: Choose one of these." in shown
    assert only({"blocks": [one for one in inside(view) if one.get("focus_on_load")]}, "static_select")
    assert first_wrong_step(LONG_FORM, "submit", "7") == 3, "where it was sent off"


def test_an_error_beside_an_input_of_another_form_is_said_all_the_same(full_card: Card) -> None:
    view = opened(full_card, verb="decline", subject="audit-7")
    assert "Error: Overall grade: Choose a grade." in words_of(view["blocks"])


def test_a_form_with_more_to_read_than_it_holds_says_where_the_rest_is() -> None:
    card = form(*(TextInput(f"t{n}", "T") for n in range(12)), text=tuple("word " * 590 for _ in range(80)))
    view = opened(card)
    assert faults_of([Sent("Modal", view)]) == []
    assert "It is in the message that this belongs to." in words_of(view["blocks"])


def test_a_table_belongs_to_the_form_as_well() -> None:
    table = Table("Earlier audits", ("Case", "Grade"), tuple((f"K7F-{n}", "Good") for n in range(300)))
    view = opened(form(TextInput("t", "T"), table=table))
    assert faults_of([Sent("Modal", view)]) == []
    assert words_of(view["blocks"]).count("K7F-") == 300


# ---- there and back


def filled(card: Card, view: Json, given: Mapping[str, str]) -> Json:
    """`state.values` once somebody has answered the inputs of a view like this, as Slack's clients give it."""
    typed: dict[tuple[str, str], Any] = {}
    for block in of_type(view, "input"):
        element = block["element"]
        name = element["action_id"]
        value = given[name]
        key = (block["block_id"], name)
        if element["type"] in ("plain_text_input", "datepicker"):
            typed[key] = value or None
        else:
            groups = element.get("option_groups") or [element]
            offered = [option for group in groups for option in group["options"]]
            typed[key] = next((one for one in offered if one["value"] == value), None)
    return state_of(view["blocks"], typed)


def answer_to(entry: Input, number: int) -> str:
    if entry.kind == "date":
        return date(2026, 4, 1 + number % 28).isoformat()
    if entry.kind == "choice":
        return entry.choices[-1].value if entry.choices else ""
    return f"Answer {number}"[: entry.length]


@settings(max_examples=60)
@given(...)
def test_the_answers_to_any_form_come_back_by_the_names_of_their_inputs(card: Card) -> None:
    assert sorted(asked_in(card)) == sorted(blocks_by_name(card))
    for action in card.actions:
        if not opens_form(card, action):
            continue
        given = {entry.name: answer_to(entry, number) for number, entry in enumerate(card.all_inputs())}
        came: dict[str, str] = {}
        for step in range(1, form_steps(card, action.verb, action.subject) + 1):
            view = form_view(card, action.verb, action.subject, context="", step=step)
            came |= answers(filled(card, view, given)["values"])
        first = next(one for one in card.actions if (one.verb, one.subject) == (action.verb, action.subject))
        asked = inputs_of(card, next((one for one in card.actions if one == action), first))
        wanted = {one.name: given[one.name] for one in asked if one.kind != "choice" or one.choices}
        assert came.keys() <= given.keys()
        assert {name: came[name] for name in came} == {name: given[name] for name in came}
        if [(one.verb, one.subject) for one in card.actions].count((action.verb, action.subject)) == 1:
            assert came == wanted


def test_what_comes_back_unanswered_is_empty() -> None:
    state: dict[str, dict[str, dict[str, Any]]] = {
        "input/a": {"a": {"type": "plain_text_input", "value": "typed"}},
        "input/b": {"b": {"type": "plain_text_input", "value": None}},
        "input/c": {"c": {"type": "datepicker", "selected_date": "2026-04-02"}},
        "input/d": {"d": {"type": "radio_buttons", "selected_option": {"value": "good"}}},
        "input/e": {"e": {"type": "static_select", "selected_option": None}},
    }
    assert answers(state) == {"a": "typed", "b": "", "c": "2026-04-02", "d": "good", "e": ""}


def test_an_answered_form_shown_again_has_the_same_answers_in_it() -> None:
    given = {entry.name: answer_to(entry, number) for number, entry in enumerate(LONG_FORM.all_inputs())}
    again = LONG_FORM.answered(given, {})
    came: dict[str, str] = {}
    for view in forms_of(again):
        came |= answers(state_of(view["blocks"], {})["values"])
    assert came == given


def test_a_name_longer_than_an_id_has_a_block_of_its_own_all_the_same() -> None:
    card = form(TextInput("n" * 255, "A"), TextInput("n" * 254 + "m", "B"))
    assert faults_of([Sent("Modal", opened(card))]) == []
    assert {units(one) <= 255 for one in block_ids(card, "submit", "7").values()} == {True}
    with pytest.raises(CardTooLarge, match="name has 256 characters"):
        opened(form(TextInput("n" * 256, "A")))


def test_an_action_that_the_card_does_not_have_is_refused() -> None:
    card = form(TextInput("a", "A"))
    for verb, subject in (("submit", "8"), ("delete", "7")):
        with pytest.raises(NotOffered, match="has no action"):
            opened(card, verb=verb, subject=subject)
        for asks in (form_steps, block_ids, first_wrong_step):
            with pytest.raises(NotOffered):
                asks(card, verb, subject)


def test_a_form_that_asks_nothing_any_more_can_still_be_sent() -> None:
    view = opened(form())
    assert faults_of([Sent("Modal", view)]) == []
    assert view["submit"]["text"] == "Send the audit"


def test_a_question_into_which_nothing_was_typed_is_written_once_for_all_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    fills = 0
    fill = Mould.filled

    def counted(self: Mould, **parts: object) -> Written:
        nonlocal fills
        fills += 1
        return fill(self, **parts)

    def fills_for(*inputs: Input) -> int:
        before = fills
        opened(form(*inputs))
        return fills - before

    monkeypatch.setattr(Mould, "filled", counted)
    asked = (TextInput("once", "Once?", hint="Two sentences."), ChoiceInput("grade", "Grade", GRADES, value="good"))
    first = fills_for(*asked)
    assert 0 < fills_for(*asked) < first
    assert fills_for(*asked) == fills_for(asked[0])
    assert fills_for(replace(asked[0], value="typed"), asked[1]) > fills_for(*asked)


def test_what_somebody_typed_is_not_kept_when_their_form_is_gone() -> None:
    class Typed(str):
        """A text of which one can see whether anybody still holds it."""

    typed = [Typed("He said so."), Typed("next Tuesday")]
    watched = [weakref.ref(one) for one in typed]
    inputs = (TextInput("why", "Why?", value=typed[0]), DateInput("when", "When?", value=typed[1]))
    assert only(opened(form(*inputs)), "plain_text_input")["initial_value"] == "He said so."
    del typed, inputs
    gc.collect()
    assert [one() for one in watched] == [None, None]


def test_too_much_context_and_too_many_choices_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="at most 3000 characters of context, not 3001"):
        form_view(form(TextInput("a", "A")), "submit", "7", context="c" * 3001)
    with pytest.raises(ValueError, match="at most 3000 characters of context, not 3001"):
        waiting_view("One moment.", "c" * 3001)
    people = tuple(Choice(str(number), f"Somebody called Person {number}") for number in range(5000))
    with pytest.raises(CardTooLarge, match="Slack takes 240"):
        opened(form(ChoiceInput("to", "Who?", people)))
    with pytest.raises(CardTooLarge, match="choice's value has 151 characters"):
        opened(form(ChoiceInput("to", "Who?", (Choice("v" * 151, "V"),))))


def test_an_emoji_counts_as_slack_counts_it() -> None:
    card = form(TextInput("a", "A", "😀" * 1600, length=9000), title="😀" * 20, tone=Tone.ALERT)
    assert faults_of([Sent("Modal", opened(card))]) == []


# ---- modals that ask nothing


def test_a_modal_can_just_say_what_came_of_it(full_card: Card) -> None:
    view = said_view(replace(full_card, title="You completed the audit: K7F-204", tone=Tone.DONE))
    assert faults_of([Sent("Modal", view)]) == []
    assert view["callback_id"] == "said"
    assert not {"submit", "notify_on_close", "private_metadata"} & view.keys()
    assert of_type(view, "button", "input") == []
    assert words_of(view["blocks"]).startswith("You completed the audit: K7F-204 ✓ Done")
    long = said_view(Card("x", text=tuple("w " * 1450 for _ in range(200)), why=Why("Because.", "3.2")))
    assert faults_of([Sent("Modal", long)]) == []
    assert "There is more to read." in words_of(long["blocks"])
    assert "Because." in words_of(long["blocks"])


def test_a_modal_says_that_something_is_on_its_way() -> None:
    view = waiting_view("Your answer is still being kept.", CONTEXT)
    assert faults_of([Sent("Modal", view)]) == []
    assert (view["title"]["text"], view["callback_id"]) == ("One moment…", "waiting")
    assert json.loads(view["private_metadata"]) == {"card_id": "c1"}
    assert words_of(view["blocks"]) == "Your answer is still being kept."
    assert words_of(waiting_view("", CONTEXT)["blocks"]) == "One moment…"


def test_steps_are_no_longer_than_what_they_promise() -> None:
    labels = "label " * 400
    card = form(*(TextInput(f"t{number}", labels) for number in range(40)))
    for view in forms_of(card):
        assert len(of_type(view, "input")) <= MOST_INPUTS
        assert len(view["blocks"]) <= MOST_ASKING_BLOCKS + 5
