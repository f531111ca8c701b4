"""What a few words mean as an answer, and what is no answer at all."""

import pytest

from handlers.said import LONGEST, Said, read

CASES = ("K7F-204", "B2D-118")


@pytest.mark.parametrize(
    "words",
    ["done", "Done!", "it's done, thanks", "It’s done", "all done now", "I've finished it", "completed", "sorted"],
)
def test_something_is_done(words: str) -> None:
    assert read(words, CASES) == Said("done")


@pytest.mark.parametrize("words", ["done K7F-204", "K7F-204 done", "k7f-204: done.", "done for K7F-204"])
def test_the_case_may_be_named(words: str) -> None:
    assert read(words, CASES) == Said("done", "K7F-204")


def test_what_was_done_may_be_said_with_it() -> None:
    assert read("Done, the child was seen on Monday", CASES) == Said("done", note="the child was seen on Monday")


@pytest.mark.parametrize("words", ["we have talked", "We've talked already", "yes, we met", "the discussion was held"])
def test_auditor_and_practitioner_have_talked(words: str) -> None:
    assert read(words, CASES) == Said("talked")


@pytest.mark.parametrize(
    "words",
    [
        "yes",
        "Yes, that suits me",
        "ok I'll take it",
        "sure",
        "happy to take it",
        "fine, thanks",
        "will do",
        "yes, that works",
        "sounds good",
        "that's fine with me",
    ],
)
def test_a_plain_yes(words: str) -> None:
    assert read(words, CASES) == Said("yes")


@pytest.mark.parametrize("words", ["no", "can't", "Sorry, I can't do this one", "I cannot", "nope, sorry"])
def test_a_plain_no(words: str) -> None:
    assert read(words, CASES) == Said("no")


@pytest.mark.parametrize(
    ("words", "reason", "until"),
    [
        ("can't, on leave until Monday", "leave", "Monday"),
        ("can’t, on leave until Monday.", "leave", "Monday"),
        ("sorry I can't, I'm on annual leave until 17 April, back after that", "leave", "17 April"),
        ("can't, I'm on leave", "leave", ""),
        ("no, I know the family", "conflict", ""),
        ("can't - too busy this month", "capacity", ""),
    ],
)
def test_a_no_with_its_reason(words: str, reason: str, until: str) -> None:
    assert read(words, CASES) == Said("no", reason=reason, until=until)


@pytest.mark.parametrize(
    ("words", "until"),
    [("on leave until Monday", "Monday"), ("I'm away until 12 January", "12 January"), ("off sick till Thu", "Thu")],
)
def test_somebody_is_away(words: str, until: str) -> None:
    assert read(words, CASES) == Said("away", until=until)


@pytest.mark.parametrize("words", ["I am back", "I'm back at work", "back", "Hi, I'm back from leave"])
def test_somebody_is_back(words: str) -> None:
    assert read(words, CASES) == Said("back")


@pytest.mark.parametrize(
    "words",
    [
        *("", "!!", "thanks", "mine", "yesterday", "nothing", "not done", "it isn't done yet", "done nothing", "off"),
        *("done deal?", "no problem", "yes but later", "okay Tuesday 2pm", "can't Tuesday, Wed 3pm?", "no, Wed 3pm"),
        *("Tues 2pm", "I'm happy with anything until Friday", "leave it until Monday", "can't, the dog ate it"),
        "done, " + "and so on " * LONGEST,
    ],
)
def test_other_words_are_no_such_answer(words: str) -> None:
    assert read(words, CASES) is None
