"""Bars as a picture: what it shows, that it can be read on a phone, and what is said to whoever can't see it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cards import pictures
from cards.card import Bars
from cards.limits import units
from cards.pictures import LONGEST_ALT, MOST_BARS, WIDTH, alt, picture

MONTH = Bars(
    "Audits of March 2026 by where they stand", (("Discussion booked", 31), ("Completed", 58), ("Moderated", 0))
)
AT_ARMS_LENGTH = 12
"""How high letters are at least, in the pixels of a phone's page."""
PHONE = 320
"""What a phone has for a picture in a chat."""

Points = Image.Image
WHITE, FILL, INK = (255, 255, 255), (0x1F, 0x5C, 0x99), (0x1A, 0x1A, 0x1A)


def points(bars: Bars) -> Points:
    return Image.open(BytesIO(picture(bars))).convert("RGBA")


def lengths(shown: Points) -> list[int]:
    """How long each bar is drawn, from the top down; a bar of nothing isn't seen as a colour."""
    found: list[int] = []
    before = 0
    for y in range(shown.height):
        line = shown.crop((0, y, shown.width, y + 1)).getcolors(shown.width) or ()
        here = sum(count for count, colour in line if colour == (*FILL, 255))
        if here and not before:
            found.append(here)
        before = here
    return found


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The contrast of two colours as WCAG counts it."""

    def light(colour: tuple[int, int, int]) -> float:
        parts = [part / 255 for part in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    higher, lower = sorted((light(one), light(other)), reverse=True)
    return (higher + 0.05) / (lower + 0.05)


def test_bars_are_as_long_as_their_numbers_say() -> None:
    booked, completed = lengths(points(MONTH))
    assert booked / completed == pytest.approx(31 / 58, abs=0.01)
    assert completed > WIDTH * 0.7


def test_a_picture_is_as_wide_as_a_phone_can_show_and_its_letters_are_large_enough() -> None:
    shown = points(MONTH)
    assert shown.width == WIDTH >= 3 * PHONE
    assert shown.height < 2 * WIDTH
    assert min(pictures.TITLE, pictures.WORDS, pictures.NUMBER) * PHONE / WIDTH >= AT_ARMS_LENGTH


def test_it_brings_its_own_ground_and_a_frame_so_that_a_dark_screen_changes_nothing() -> None:
    shown = points(MONTH)
    corners = [(0, 0), (shown.width - 1, 0), (0, shown.height - 1), (shown.width - 1, shown.height - 1)]
    assert shown.getchannel("A").getextrema() == (255, 255), "nothing shines through"
    assert shown.getpixel((20, 20)) == (*WHITE, 255)
    assert all(shown.getpixel(corner) != (*WHITE, 255) for corner in corners)


def test_letters_and_bars_stand_out_from_the_ground() -> None:
    assert contrast(INK, WHITE) >= 7
    assert contrast(FILL, WHITE) >= 4.5


def test_the_same_bars_give_the_same_bytes() -> None:
    first = picture(MONTH)
    picture.cache_clear()
    assert picture(MONTH) == first
    program = (
        "import sys; from cards.card import Bars; from cards.pictures import picture;"
        f"sys.stdout.buffer.write(picture({MONTH!r}))"
    )
    other = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, check=True)
    assert other.stdout == first
    assert b"Software" not in first


def test_several_threads_draw_at_once() -> None:
    many = [Bars(f"Chart {number}", (("One", number), ("Two", 3))) for number in range(8)]
    alone = [picture(bars) for bars in many]
    picture.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(picture, many)) == alone


def test_what_the_bars_are_called_is_on_the_picture() -> None:
    """Another word, number or title gives another picture."""
    others = (
        Bars("Audits of April 2026 by where they stand", MONTH.bars),
        Bars(MONTH.caption, (("Discussion held", 31), *MONTH.bars[1:])),
        Bars(MONTH.caption, (*MONTH.bars[:2], ("Moderated", 1))),
    )
    assert len({picture(bars) for bars in (MONTH, *others)}) == 4


@pytest.mark.parametrize(
    "words",
    [
        "What is owed: $5 and $6",
        r"\frac{1}{2} $\bad",
        "漢字 😀",
        "ختم",
        "a\nb\tc",
        "<b>&amp;</b>",
        "W" * 400,
        "x " * 400,
        "",
    ],
)
def test_any_words_can_be_drawn(words: str) -> None:
    shown = points(Bars(words, ((words, 3), ("Other", 1))))
    edge = pictures.EDGE - 6
    right = shown.crop((WIDTH - edge, 4, WIDTH - 4, shown.height - 4))
    assert right.getextrema() == ((255, 255),) * 4, "nothing is written beyond the edge"
    assert len(lengths(shown)) == 2


def test_what_stands_for_a_formula_elsewhere_is_written_as_it_is() -> None:
    assert picture(Bars("$a$", ())) != picture(Bars("a", ()))


@given(
    st.builds(
        Bars,
        st.text(max_size=60),
        st.lists(st.tuples(st.text(max_size=40), st.integers(0, 10**9)), max_size=14).map(tuple),
    )
)
@settings(max_examples=25, deadline=None)
def test_every_chart_has_its_picture_and_its_words(bars: Bars) -> None:
    assert picture(bars).startswith(b"\x89PNG")
    assert 0 < units(alt(bars)) <= LONGEST_ALT


def test_many_bars_are_cut_with_a_word_about_the_rest() -> None:
    many = tuple((f"Step {number}", 40 - number) for number in range(MOST_BARS + 3))
    assert len(lengths(points(Bars("Overdue by step", many)))) == MOST_BARS
    assert alt(Bars("Overdue by step", many)).endswith(
        f"Step {MOST_BARS - 1} {41 - MOST_BARS}. 3 more are in the list that goes with this picture."
    )
    assert picture(Bars("Overdue by step", many)) != picture(Bars("Overdue by step", many[:MOST_BARS]))


def test_the_words_say_what_the_picture_shows() -> None:
    assert alt(MONTH) == (
        "Bar chart. Audits of March 2026 by where they stand: Discussion booked 31; Completed 58; Moderated 0."
    )
    assert alt(Bars("Overdue", ())) == "Bar chart. Overdue: Nothing to show."


def test_long_words_are_shortened_with_a_sign_of_it_so_that_every_bar_is_said() -> None:
    words = alt(Bars("W" * 5000, tuple((f"{number} " + "😀" * 500, 10**15) for number in range(MOST_BARS))))
    assert units(words) <= LONGEST_ALT
    assert words.count("… 1000000000000000") == MOST_BARS


def test_nothing_is_loaded_before_a_picture_is_drawn() -> None:
    program = (
        "import sys, cards.pictures, handlers.dispatch; from cards.card import Bars;"
        "print(cards.pictures.alt(Bars('a', (('b', 1),)))); print('matplotlib' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Bar chart. a: b 1.", "False False"]
