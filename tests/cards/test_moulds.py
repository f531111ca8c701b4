import pytest
from microsoft_teams.cards import Container, TextBlock, TextInput
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import ButtonElement, HeaderBlock, PlainTextInputElement, PlainTextObject, SectionBlock

from cards.adaptive.moulds import mould as teams_mould
from cards.blocks.moulds import mould as slack_mould

TEXT = teams_mould(TextBlock(wrap=True, weight="Bolder"), "text", "is_visible")
PLAIN = slack_mould(PlainTextObject(text="An example", emoji=False), "text")
SECTION = slack_mould(SectionBlock(text=PlainTextObject(text="An example"), expand=True), "text", "expand")


def test_an_element_has_what_the_library_formed_and_what_was_filled_in() -> None:
    filled = TEXT.filled(text="Hello").to_dict()
    assert filled == {"type": "TextBlock", "text": "Hello", "weight": "Bolder", "wrap": True}
    assert PLAIN.filled(text="Hello").to_dict() == {"emoji": False, "text": "Hello", "type": "plain_text"}


def test_an_element_may_stand_in_another() -> None:
    section = SECTION.filled(text=PLAIN.filled(text="Hello"), expand=True).to_dict()
    assert section == {
        "expand": True,
        "text": {"emoji": False, "text": "Hello", "type": "plain_text"},
        "type": "section",
    }
    items = [TEXT.filled(text="One"), TEXT.filled(text="Two")]
    container = teams_mould(Container(), "items").filled(items=items).to_dict()
    assert [one["text"] for one in container["items"]] == ["One", "Two"]


@pytest.mark.parametrize(
    "text", ['"Yes", he said.', "a \\ b", "line\nline", "O'Neill 🙂 – é", "\ud800", '{"a": 1}', ""]
)
def test_any_text_comes_out_as_it_was_filled_in(text: str) -> None:
    assert TEXT.filled(text=text).to_dict()["text"] == text
    assert PLAIN.filled(text=text).to_dict()["text"] == text


def test_parts_of_microsofts_elements_have_the_names_that_the_library_gives_them_in_json() -> None:
    assert TEXT.filled(text="Hello", is_visible=False).to_dict()["isVisible"] is False


def test_a_part_that_is_none_or_not_given_is_left_out() -> None:
    assert TEXT.filled(text="Hello", is_visible=None) == TEXT.filled(text="Hello")
    assert "expand" not in SECTION.filled(text=PLAIN.filled(text="Hello")).to_dict()


def test_nothing_of_an_example_is_left_where_nothing_was_filled_in() -> None:
    assert SECTION.filled().to_dict() == {"type": "section"}


def test_a_whole_number_stays_whole() -> None:
    assert '"maxLength": 2000' in teams_mould(TextInput(), "max_length").filled(max_length=2000)
    typed = slack_mould(PlainTextInputElement(action_id="why", max_length=1), "max_length", "action_id")
    assert '"max_length": 3000' in typed.filled(max_length=3000)


def test_the_parts_come_in_the_order_of_the_library() -> None:
    container = teams_mould(Container(style="attention"), "items", "id")
    assert list(container.filled(items=[], id="a").to_dict()) == ["type", "id", "style", "items"]
    assert list(SECTION.filled(text="x", expand=True).to_dict()) == ["expand", "text", "type"]


def test_changing_one_element_leaves_the_next_as_it_should_be() -> None:
    filled = TEXT.filled(text="Hello")
    filled.to_dict().update(wrap=False, colour="red")
    assert filled.to_dict() == {"type": "TextBlock", "text": "Hello", "weight": "Bolder", "wrap": True}


def test_a_place_that_the_library_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match=r"TextBlock has no txt\."):
        teams_mould(TextBlock(), "txt")
    with pytest.raises(TypeError, match=r"PlainTextObject has no txt\."):
        slack_mould(PlainTextObject(text="An example"), "text", "txt")


def test_a_misspelt_part_which_the_library_would_take_is_refused() -> None:
    with pytest.raises(TypeError, match=r"TextBlock has no colour\."):
        teams_mould(TextBlock(colour="Good"), "text")


def test_an_example_that_slack_would_refuse_is_refused() -> None:
    with pytest.raises(SlackObjectFormationError, match="150 characters"):
        slack_mould(HeaderBlock(text=PlainTextObject(text="w" * 151)), "text")
    with pytest.raises(SlackObjectFormationError, match="style attribute must be one of"):
        slack_mould(ButtonElement(text="Go", action_id="go", style="loud"), "text")


def test_filling_in_what_has_no_place_is_refused() -> None:
    with pytest.raises(TypeError, match=r"There is no place for color, txt\."):
        TEXT.filled(txt="Hello", color="Good")
    with pytest.raises(TypeError, match=r"There is no place for type\."):
        SECTION.filled(type="divider")
