"""What a form that is shown again keeps of a text: nothing that the check of free text would find."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.privacy import TAKEN_OUT, findings, masked

PERSONAL = ("943 476 5919", "SO14 3AA", "born on 3 March 2015", "3.3.2015", "07700 900123", "dob 03/03/15")


@pytest.mark.parametrize("text", ["0767076700S30AA", "07700900123SO143AA", "9434765919SO143AA 943 476 5919"])
def test_what_was_hidden_beside_something_else_is_taken_out_as_well(text: str) -> None:
    assert findings(text)
    assert not findings(masked(text))


@given(st.lists(st.one_of(st.sampled_from(PERSONAL), st.text(max_size=6)), max_size=6).map("".join))
@settings(max_examples=200, deadline=None)
def test_nothing_that_would_be_asked_about_is_left_and_everything_else_stays(text: str) -> None:
    assert not findings(masked(text))
    if not findings(text):
        assert masked(text) == text
    else:
        assert TAKEN_OUT in masked(text)
