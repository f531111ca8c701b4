"""Cards for the tests of the renderers: one with everything on it, and a strategy that draws any card."""

from datetime import date

import pytest
from hypothesis import strategies as st

from cards.card import (
    Action,
    Bars,
    Card,
    Choice,
    ChoiceInput,
    DateInput,
    Download,
    Emphasis,
    Fact,
    InputGroup,
    Table,
    TextInput,
    Tone,
    Why,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "*bold* _it_ ~st~ `code`",
    "[a](http://example.org)",
    "<!channel> <@U1> @here",
    "{{DATE(2026-04-02T09:00:00Z)}} &lt;b&gt; \\",
    "1. first",
    "- dash",
    "# head",
    "O'Neill & Sons <b>",
    "</textarea></option></article>",
)

_CHARACTERS = st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Cn"))
_WORDS = st.one_of(st.sampled_from(HOSTILE), st.text(_CHARACTERS, min_size=1, max_size=40).map(str.strip).filter(bool))
_MAYBE = st.one_of(st.just(""), _WORDS)
_DAYS = st.one_of(st.just(""), st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(date.isoformat), st.just("Tuesday"))


def _texts(name: str) -> st.SearchStrategy[TextInput]:
    return st.builds(
        TextInput, st.just(name), _WORDS, _MAYBE, _MAYBE, _MAYBE, st.booleans(), st.booleans(), st.integers(1, 4000)
    )


def _dates(name: str) -> st.SearchStrategy[DateInput]:
    return st.builds(DateInput, st.just(name), _WORDS, _DAYS, _MAYBE, _MAYBE, st.booleans(), _DAYS, _DAYS)


def _choices(name: str) -> st.SearchStrategy[ChoiceInput]:
    offered = st.lists(
        st.builds(Choice, st.sampled_from("abcdefghijklmnop"), _WORDS, _MAYBE),
        max_size=12,
        unique_by=lambda choice: choice.value,
    ).map(tuple)
    value = st.sampled_from(["", "a", "b", "no longer offered"])
    return st.builds(ChoiceInput, st.just(name), _WORDS, offered, value, _MAYBE, _MAYBE, st.booleans(), st.booleans())


@st.composite
def _cards(draw: st.DrawFn) -> Card:
    names = (f"input-{number}" for number in range(100))

    def an_input() -> TextInput | DateInput | ChoiceInput:
        name = next(names)
        return draw(st.one_of(_texts(name), _dates(name), _choices(name)))

    inputs: list[TextInput | DateInput | ChoiceInput | InputGroup] = []
    for size in draw(st.lists(st.integers(0, 3), max_size=4)):
        if size == 0:
            inputs.append(an_input())
        else:
            grouped = tuple(an_input() for _ in range(size))
            inputs.append(InputGroup(draw(_WORDS), grouped, draw(st.booleans())))
    known = [entry.name for outer in inputs for entry in (outer.inputs if isinstance(outer, InputGroup) else (outer,))]
    some = st.lists(st.sampled_from(known), unique=True).map(tuple) if known else st.just(())
    columns = draw(st.lists(_WORDS, min_size=1, max_size=4).map(tuple))
    rows = st.lists(st.tuples(*(_MAYBE for _ in columns)), max_size=5).map(tuple)
    return Card(
        title=draw(_WORDS),
        text=draw(st.lists(_WORDS, max_size=3).map(tuple)),
        tone=draw(st.sampled_from(Tone)),
        facts=draw(st.lists(st.builds(Fact, _WORDS, _WORDS), max_size=7).map(tuple)),
        table=draw(st.one_of(st.none(), st.builds(Table, _WORDS, st.just(columns), rows, _WORDS))),
        bars=draw(
            st.one_of(
                st.none(),
                st.builds(Bars, _WORDS, st.lists(st.tuples(_WORDS, st.integers(0, 99)), max_size=4).map(tuple)),
            )
        ),
        inputs=tuple(inputs),
        actions=draw(
            st.lists(
                st.builds(
                    Action, st.just("press"), _WORDS, _MAYBE, st.sampled_from(Emphasis), st.one_of(st.none(), some)
                ),
                max_size=6,
            ).map(tuple)
        ),
        why=draw(st.one_of(st.none(), st.builds(Why, _WORDS, _WORDS, st.lists(_WORDS, max_size=2).map(tuple)))),
        error=draw(_MAYBE),
        downloads=draw(
            st.lists(
                st.builds(Download, _WORDS, _WORDS, st.just("text/calendar"), st.binary(max_size=9)), max_size=2
            ).map(tuple)
        ),
    )


st.register_type_strategy(Card, _cards())


@pytest.fixture
def full_card() -> Card:
    """A card with one of everything, as an auditor might see it after pressing too early."""
    return Card(
        title="Audit of K7F-204",
        text=("Please record what you found in the collaborative session.", "It takes about ten minutes."),
        tone=Tone.ASK,
        facts=(Fact("Case", "K7F-204"), Fact("Due", "Thu 2 Apr 2026")),
        table=Table("Earlier audits", ("Month", "Grade"), (("February", "Good"), ("January", "Requires improvement"))),
        bars=Bars("Grades this quarter", (("Good", 12), ("Requires improvement", 5), ("Inadequate", 0))),
        inputs=(
            ChoiceInput(
                "grade",
                "Overall grade",
                (Choice("good", "Good"), Choice("inadequate", "Inadequate", "The head of service is told at once.")),
                required=True,
                error="Choose a grade.",
            ),
            TextInput("rationale", "Rationale", hint="Two or three sentences.", long=True, required=True),
            InputGroup(
                "Remedial action 1",
                (
                    TextInput("what_1", "What is to be done"),
                    ChoiceInput(
                        "owner_1", "Who", (Choice("sw", "Social worker"), Choice("tm", "Team manager")), compact=True
                    ),
                    DateInput("due_1", "By when", earliest="2026-04-03", latest="2026-05-01"),
                ),
                folded=True,
            ),
            InputGroup("Family feedback", (TextInput("child", "The child's view", value="Felt heard."),), folded=True),
        ),
        actions=(
            Action("submit", "Submit the audit", "audit-7", Emphasis.PRIMARY),
            Action("later", "Not now", "audit-7", inputs=()),
            Action("decline", "Decline", "audit-7", Emphasis.DANGER, ("rationale",)),
        ),
        why=Why("You were allocated this audit on Mon 2 Mar 2026.", "QA framework, section 3.2", ("DUD-04", "DUD-05")),
        error="One answer is still missing.",
        downloads=(
            Download("Calendar invitation", "session.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR"),
        ),
    )
