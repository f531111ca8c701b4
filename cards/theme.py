"""A theme of thematic audits: the form of its terms of reference, how it stands, and the list of all."""

from collections.abc import Callable, Sequence
from datetime import datetime

from audits.calendar import WorkCalendar
from audits.framework import Framework, ThemeRule
from audits.themes import Theme, missing
from cards.card import Action, Card, Emphasis, Fact, Table, TextInput, Tone, Why
from cards.scene import source
from cards.wording import moment_words

LONGEST_TITLE = 80
NEW = "new"
"""The subject of the form of a theme that isn't kept so far."""

Names = Callable[[int | None], str]


def point(number: int) -> str:
    """The input of a point of the terms of reference, counted from 1."""
    return f"point_{number}"


def form(framework: Framework, rule: ThemeRule, theme: Theme | None, title: str, *said: str) -> Card:
    """What the framework asks of terms of reference; of a theme that is kept, as they were written last."""
    of_title = () if theme else (TextInput("title", "Theme", title, required=True, length=LONGEST_TITLE),)
    return Card(
        title=f"Terms of reference: {theme.title}" if theme else "Terms of reference of a new theme",
        text=(*said, "A few sentences each will do. Please leave out what could tell who a child is."),
        tone=Tone.ASK,
        inputs=(
            *of_title,
            *(
                TextInput(point(number), ask, theme.terms.get(ask, "") if theme else "", required=True, long=True)
                for number, ask in enumerate(rule.asks, 1)
            ),
        ),
        actions=(Action("theme_terms", "Save the terms", _subject(theme), Emphasis.PRIMARY),),
        why=_why(framework, rule),
    )


def stands(
    framework: Framework, rule: ThemeRule, theme: Theme, calendar: WorkCalendar, names: Names, *said: str
) -> Card:
    """A theme's terms of reference, and what it still needs."""
    lacking = missing(rule, theme)
    board = rule.signed_off_by
    facts = [*(Fact(ask, text) for ask, text in theme.terms.items())]
    if theme.recorded_at is not None:
        day = moment_words(theme.recorded_at, calendar)
        facts.append(Fact("Signed off", f"by the {theme.signed_off_by}; noted by {names(theme.recorded_by)}, {day}"))
    if theme.begun_at is not None:
        facts.append(Fact("Begun", moment_words(theme.begun_at, calendar)))
    lines = (
        (f"Still missing: {'; '.join(lacking)}.", f"To change the terms, write: theme {theme.title} terms.")
        if lacking
        else (f"To give a case to somebody, write: allocate REF to NAME as thematic for {theme.title}.",)
    )
    ready = len(lacking) == 1
    button = Action("theme_signed_off", f"The {board} has signed these off", _subject(theme), Emphasis.PRIMARY, ())
    return Card(
        title=f"Theme: {theme.title}",
        text=(*said, *lines),
        tone=Tone.ASK if ready else Tone.INFORM,
        facts=tuple(facts),
        actions=(button,) if ready else (),
        why=_why(framework, rule),
    )


def every(rule: ThemeRule, themes: Sequence[Theme], count: str, calendar: WorkCalendar) -> Card:
    rows = tuple((theme.title, _state(rule, theme), _day(theme.begun_at, calendar)) for theme in themes)
    return Card(
        title="Themes of thematic audits",
        text=(f"Begun this year: {count}.", "Write theme TITLE to see one, or to start one."),
        table=Table("Themes, the latest first", ("Theme", "Terms of reference", "Begun"), rows, empty="None so far."),
    )


def count(rule: ThemeRule, begun: int) -> str:
    """`2 of 4`, or `2` where the framework names no number."""
    return f"{begun} of {rule.most}" if rule.most is not None else f"{begun}"


def _state(rule: ThemeRule, theme: Theme) -> str:
    if theme.signed_off:
        return f"signed off by the {theme.signed_off_by}"
    lacking = missing(rule, theme)
    return f"not signed off; still missing: {'; '.join(lacking)}"


def _day(moment: datetime | None, calendar: WorkCalendar) -> str:
    return moment_words(moment, calendar) if moment is not None else "not yet"


def _subject(theme: Theme | None) -> str:
    return f"{theme.id}:{theme.version}" if theme else NEW


def _why(framework: Framework, rule: ThemeRule) -> Why:
    place = source(framework, rule.place, rule.local, asked=bool(rule.rule))
    return Why(f"A thematic audit begins once the {rule.signed_off_by} has signed its terms off.", place, rule.rule)
