import pytest
from microsoft_teams.cards import Container, TextBlock, TextInput

from cards.adaptive.moulds import Mould

TEXT = Mould(TextBlock(wrap=True, weight="Bolder"), "text", "is_visible")


def test_an_element_has_what_the_library_formed_and_what_was_filled_in() -> None:
    assert TEXT.filled(text="Hello") == {"type": "TextBlock", "text": "Hello", "weight": "Bolder", "wrap": True}


def test_parts_have_the_names_that_the_library_gives_them_in_json() -> None:
    assert TEXT.filled(text="Hello", is_visible=False)["isVisible"] is False


def test_a_part_that_is_none_is_left_out() -> None:
    assert TEXT.filled(text="Hello", is_visible=None) == TEXT.filled(text="Hello")


def test_a_whole_number_stays_whole() -> None:
    assert str(Mould(TextInput(), "max_length").filled(max_length=2000)["maxLength"]) == "2000"


def test_the_parts_come_in_the_order_of_the_library() -> None:
    container = Mould(Container(style="attention"), "items", "id")
    assert list(container.filled(items=[], id="a")) == ["type", "id", "style", "items"]


def test_changing_one_element_leaves_the_next_as_it_should_be() -> None:
    TEXT.filled(text="Hello").update(wrap=False, colour="red")
    assert TEXT.filled(text="Hello") == {"type": "TextBlock", "text": "Hello", "weight": "Bolder", "wrap": True}


def test_a_place_that_the_library_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match=r"TextBlock has no txt\."):
        Mould(TextBlock(), "txt")


def test_a_misspelt_part_which_the_library_would_take_is_refused() -> None:
    with pytest.raises(TypeError, match=r"TextBlock has no colour\."):
        Mould(TextBlock(colour="Good"), "text")


def test_filling_in_what_has_no_place_is_refused() -> None:
    with pytest.raises(TypeError, match=r"There is no place for color, txt\."):
        TEXT.filled(txt="Hello", color="Good")
