"""What a few words mean as an answer, and what is no answer at all."""

import pytest

from handlers.said import LONGEST, Said, read

CASES = ("K7F-204", "B2D-118")


@pytest.mark.parametrize(
    "words",
    [
        *("done", "Done!", "it's done, thanks", "It’s done", "all done now", "I've finished it", "completed", "sorted"),
        *("have done it", "its done", "It's all done", "action completed", "all done 👍", "done :+1:", "Well, done."),
    ],
)
def test_something_is_done(words: str) -> None:
    assert read(words, CASES) == Said("done")


@pytest.mark.parametrize("words", ["done K7F-204", "K7F-204 done", "k7f-204: done.", "done for K7F-204"])
def test_the_case_may_be_named(words: str) -> None:
    assert read(words, CASES) == Said("done", "K7F-204")


def test_what_was_done_may_be_said_with_it() -> None:
    assert read("Done, the child was seen on Monday", CASES) == Said("done", note="the child was seen on Monday")


@pytest.mark.parametrize(
    ("words", "note"),
    [("Done — seen Monday", "seen Monday"), ("done yesterday", "yesterday"), ("done, no concerns", "no concerns")],
)
def test_what_is_said_with_it_does_not_take_it_back(words: str, note: str) -> None:
    assert read(words, CASES) == Said("done", note=note)


@pytest.mark.parametrize(
    "note",
    [
        "not!",
        "not yet",
        "except the visit",
        "or will be by Friday",
        "I think",
        "can't do the other one",
        "bar the visit",
        "awaiting a reply",
        "sorry wrong chat",
    ],
)
def test_what_is_said_with_it_may_take_it_back(note: str) -> None:
    assert read(f"done, {note}", CASES) == Said("done", note=note, unsure=True)


@pytest.mark.parametrize(
    "words",
    [
        *("we have talked", "We've talked already", "yes, we met", "the discussion was held", "we spoke yesterday"),
        *("already talked", "We've had our discussion", "discussion held", "it went ahead"),
    ],
)
def test_auditor_and_practitioner_have_talked(words: str) -> None:
    assert read(words, CASES) == Said("talked")


@pytest.mark.parametrize(
    "words",
    [
        "Yes, that suits me",
        "yes I can",
        "ok",
        "thats fine",
        "that time works",
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
def test_somebody_is_willing(words: str) -> None:
    assert read(words, CASES) == Said("willing")


@pytest.mark.parametrize("words", ["yes", "Yes please", "yes pls", "yep", "Yup!", "yes, thanks", "yes 👍"])
def test_a_plain_yes(words: str) -> None:
    assert read(words, CASES) == Said("yes")


@pytest.mark.parametrize(
    "words",
    [
        *("can't", "cant sorry", "Sorry, I can't do this one", "I cannot", "No, I can't", "can't make that time"),
        *("I'm afraid I can't", "I can't take this on", "that doesn't work for me"),
    ],
)
def test_somebody_is_unable(words: str) -> None:
    assert read(words, CASES) == Said("unable")


@pytest.mark.parametrize("words", ["no", "nah", "no, thanks", "nope, sorry"])
def test_a_plain_no(words: str) -> None:
    assert read(words, CASES) == Said("no")


@pytest.mark.parametrize(
    ("words", "reason", "until"),
    [
        ("can't, on leave until Monday", "leave", "Monday"),
        ("can’t, on leave until Monday.", "leave", "Monday"),
        ("sorry I can't, I'm on annual leave until 17 April, back after that", "leave", "17 April"),
        ("can't, I'm on leave", "leave", ""),
        ("can't because I'm off until 5 Jan", "leave", "5 Jan"),
        ("can't, on leave from 20 January until 30 January", "leave", ""),
        ("can't - too busy this month", "capacity", ""),
    ],
)
def test_a_no_with_its_reason(words: str, reason: str, until: str) -> None:
    assert read(words, CASES) == Said("unable", reason=reason, until=until)


@pytest.mark.parametrize(
    ("words", "reason", "until"),
    [
        ("no, I know the family", "conflict", ""),
        ("no, conflict of interest", "conflict", ""),
        ("no, I'm on leave until Monday", "leave", "Monday"),
    ],
)
def test_a_no_with_the_reason_of_whoever_says_it(words: str, reason: str, until: str) -> None:
    assert read(words, CASES) == Said("no", reason=reason, until=until)


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("on leave until Monday", "Monday"),
        ("I'm away until 12 January", "12 January"),
        ("off sick till Thu", "Thu"),
        ("on A/L until 5 Jan", "5 Jan"),
        ("annual leave till the 14th", "the 14th"),
        ("Hi, I'm on leave until Monday, thanks", "Monday"),
        ("I’m out of office until Mon", "Mon"),
    ],
)
def test_somebody_is_away(words: str, until: str) -> None:
    assert read(words, CASES) == Said("away", until=until)


@pytest.mark.parametrize(
    "words", ["I am back", "I'm back at work", "back", "Hi, I'm back from leave", "Im back!", "back from annual leave"]
)
def test_somebody_is_back(words: str) -> None:
    assert read(words, CASES) == Said("back")


@pytest.mark.parametrize(
    "words",
    [
        *("", "!!", "thanks", "mine", "yesterday", "nothing", "not done", "it isn't done yet", "done nothing", "off"),
        *("done deal?", "no problem", "yes but later", "okay Tuesday 2pm", "can't Tuesday, Wed 3pm?", "no, Wed 3pm"),
        *("Tues 2pm", "I'm happy with anything until Friday", "leave it until Monday", "can't, the dog ate it"),
        *("done?", "yes?", "no?", "we've talked?", "back?", "on leave until Monday?", "done, wasn't it?", "Well done!"),
        *("“done”", "done 🙄", "yes 👎", "done :face_with_rolling_eyes:", "ok thanks", "Great, thanks!", "no conflict"),
        *("can't find the leave button", "no, the child is away", "no, I'm no longer on leave", "no, I am not busy"),
        *("can't, Alice is on leave until Monday", "I'm sick of waiting until Monday", "off to see them until Monday"),
        *("on leave from 20 January until 30 January", "I'll be on leave from Friday until Monday"),
        *("on leave until Monday, no sorry, until Tuesday", "on leave, not until Monday"),
        *("done K7F-204 and B2D-118", "done, not K7F-204", "can't K7F-204, too busy; B2D-118 is fine"),
        "done, " + "and so on " * LONGEST,
    ],
)
def test_other_words_are_no_such_answer(words: str) -> None:
    assert read(words, CASES) is None
