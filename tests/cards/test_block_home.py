import json

import pytest

from cards.blocks.home import home_view
from cards.card import Action, Card, Emphasis, Fact, Table, TextInput, Tone, Why
from cards.limits import CardTooLarge
from tests.cards.slack import Sent, faults_of, of_type
from tests.cards.test_blocks import words_of
from tests.slack.limits import Json


def step(number: int) -> tuple[str, Card]:
    """A step that waits, with its id."""
    card = Card(
        f"Your audit: K7F-{number}",
        text=("Please audit this case together with its practitioner.",),
        tone=Tone.ASK,
        facts=(Fact("Audit due", "Thu 2 Apr 2026"),),
        inputs=(TextInput("reason", "If you can't take it, why?"),),
        actions=(
            Action("accept", "I'll take it", str(number), Emphasis.PRIMARY, ()),
            Action("decline", "I can't do this one", str(number), inputs=("reason",)),
        ),
        why=Why("You were drawn as its auditor.", "QA framework, 3.2"),
    )
    return f"duty/{number}", card


def own(rows: int) -> tuple[str, Card]:
    return "", Card(
        "Your audits", table=Table("Audits", ("Case", "State"), tuple((f"A-{n}", "open") for n in range(rows)))
    )


def sound(view: Json) -> Json:
    assert faults_of([Sent("Home", view)]) == []
    return view


def test_what_waits_and_what_is_ones_own_stand_below_one_another() -> None:
    view = sound(home_view([step(1), step(2), own(3)]))
    assert [words_of(one) for one in of_type(view["blocks"], "header")] == [
        "Your audit: K7F-1",
        "Your audit: K7F-2",
        "Your audits",
    ]
    assert len(of_type(view["blocks"], "divider")) == 2
    for words in ("Audit due", "You were drawn as its auditor.", "A-2"):
        assert words in words_of(view["blocks"])


def test_each_button_has_a_name_of_its_own_and_its_card() -> None:
    buttons = of_type(sound(home_view([step(1), step(2)]))["blocks"], "button")
    assert [one["action_id"] for one in buttons] == ["press-1", "form-2", "press-3", "form-4"]
    assert [json.loads(one["value"])["card_id"] for one in buttons] == ["duty/1", "duty/1", "duty/2", "duty/2"]


def test_more_steps_than_there_is_room_for_are_counted_and_the_rest_stays() -> None:
    view = sound(home_view([*map(step, range(30)), own(3)]))
    shown = [words_of(one) for one in of_type(view["blocks"], "header")]
    steps = len(shown) - 1
    assert 10 <= steps < 30
    assert shown == [*(f"Your audit: K7F-{number}" for number in range(steps)), "Your audits"]
    assert f"{30 - steps} more steps wait for you. Write mine to see them." in words_of(view["blocks"])
    assert len(view["blocks"]) > 90


def test_one_step_too_many_is_spoken_of_as_one() -> None:
    fitting = next(
        n for n in range(30, 0, -1) if "more step" not in words_of(home_view([*map(step, range(n))])["blocks"])
    )
    view = sound(home_view([*map(step, range(fitting + 1))]))
    more = fitting + 1 - len(of_type(view["blocks"], "header"))
    expected = "1 more step waits for you. Write mine to see it." if more == 1 else f"{more} more steps wait for you."
    assert expected in words_of(view["blocks"])


def test_steps_that_have_no_card_are_counted_as_well() -> None:
    few = words_of(sound(home_view([step(1), own(3)], left=4))["blocks"])
    assert few.endswith("4 more steps wait for you. Write mine to see them.")
    view = sound(home_view([own(3), *map(step, range(30))], left=4))
    steps = len(of_type(view["blocks"], "header")) - 1
    assert words_of(view["blocks"]).endswith(f"{34 - steps} more steps wait for you. Write mine to see them.")


def test_a_long_table_is_whole_where_there_is_room_and_else_says_what_is_missing() -> None:
    view = sound(home_view([own(2000)]))
    assert words_of(view["blocks"]).count("A-") == 2000
    view = sound(home_view([step(1), own(20_000)]))
    shown = words_of(view["blocks"]).count("A-")
    assert f"and {20_000 - shown} more rows" in words_of(view["blocks"])
    assert "1 more step waits for you." in words_of(view["blocks"])


def test_nothing_at_all_is_said_in_words() -> None:
    assert words_of(sound(home_view([]))["blocks"]) == "Nothing waits for you."


def test_more_than_a_home_tab_holds_is_refused_in_words() -> None:
    with pytest.raises(CardTooLarge, match="has room for 100 blocks"):
        home_view([("", Card(f"Card {number}", text=("x",))) for number in range(40)])
