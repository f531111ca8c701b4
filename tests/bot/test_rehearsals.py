"""Every rehearsal in tests/rehearsals, played by the real code, against what is expected beside it.

NAME.expect.yaml lists `expect` and `absent`, parts of timeline lines. A part fits a line that has all its fields:
`text` when the line's text contains it, whatever its capitals; `rule` when the line names each of them; an expected
`to` or `people` when the line tells exactly those, an absent one when it tells any of them; the rest when equal.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.rehearsal.playing import play
from bot.rehearsal.script import read_script
from bot.rehearsal.timeline import Line, timeline
from cards import adaptive, html
from cards.card import Card
from tests.bot.plays import stage_in_memory
from tests.cards import slack
from tests.cards.checks import faults_of

REHEARSALS = Path(__file__).parent.parent / "rehearsals"
SCRIPTS = sorted(path for path in REHEARSALS.glob("*.yaml") if not path.name.endswith(".expect.yaml"))
FIELDS = frozenset(Line(at="", what="", not_before="2026-03-02T00:00").to_json())
WHAT = frozenset({"message", "opened", "nudge", "overdue", "escalation", "alert", "closed", "refused"})

BANK_HOLIDAYS = {
    *map(date.fromisoformat, ("2025-12-25", "2025-12-26", "2026-01-01", "2026-04-03", "2026-04-06", "2026-05-04")),
    *map(date.fromisoformat, ("2026-05-25", "2026-08-31", "2026-12-25", "2026-12-28", "2027-01-01", "2027-03-26")),
    *map(date.fromisoformat, ("2027-03-29", "2027-05-03", "2027-05-31")),
}
"""From the rulebook, so that nothing here is counted by the program that is tested."""

Part = Mapping[str, Any]


def _works(day: date) -> bool:
    return day.weekday() < 5 and day not in BANK_HOLIDAYS


def _next_working_day(day: date) -> date:
    day += timedelta(days=1)
    while not _works(day):
        day += timedelta(days=1)
    return day


def _plain(value: Any) -> Any:
    """A moment as the timeline writes it; YAML reads some of them as dates."""
    return f"{value:%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value


@cache
def _expectations(script: Path) -> dict[str, list[dict[str, Any]]]:
    raw = yaml.load(script.with_suffix(".expect.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return {
        side: [{field: _plain(value) for field, value in part.items()} for part in raw.get(side, [])]
        for side in ("expect", "absent")
    }


def _fits(part: Part, line: Part, *, exactly: bool) -> bool:
    for field, wanted in part.items():
        found = line.get(field)
        if field == "text":
            fits = wanted.casefold() in line["text"].casefold()
        elif field == "rule":
            fits = set(wanted) <= set(line["rule"])
        elif field in ("to", "people"):
            fits = set(wanted) == set(line[field]) if exactly else bool(set(wanted) & set(line[field]))
        else:
            fits = found == wanted
        if not fits:
            return False
    return True


def _nearest(part: Part, lines: list[Part]) -> str:
    """The lines that come closest to a part that none of them fits, to find the difference by eye."""

    def agree(line: Part) -> int:
        return sum(_fits({field: wanted}, line, exactly=True) for field, wanted in part.items())

    close = sorted(lines, key=agree, reverse=True)[:4]
    return "\n".join([f"No line fits {dict(part)}. The nearest are:", *(f"  {line}" for line in close)])


_database = stage_in_memory()


async def _played(script: Path) -> list[Part]:
    stage = await play(*read_script(script), _database)
    try:
        for card in stage.arrived:
            kind = (stage.framework.name, card.title.split(":")[0], tuple(action.verb for action in card.actions))
            _cards.setdefault(kind, card)
        return [line.to_json() for line in await timeline(stage)]
    finally:
        await stage.store.close()


_cards: dict[tuple[str, str, tuple[str, ...]], Card] = {}
"""One card of every kind that the rehearsals have delivered so far."""


_timelines: dict[Path, list[Part]] = {}


async def _lines(script: Path) -> list[Part]:
    """The timeline of a rehearsal; it is played once for all that is asked of it."""
    if script not in _timelines:
        _timelines[script] = await _played(script)
    return _timelines[script]


each_rehearsal = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


@each_rehearsal
async def test_a_rehearsal_has_the_timeline_that_is_expected_of_it(script: Path) -> None:
    lines = await _lines(script)
    expected = _expectations(script)
    missing = [part for part in expected["expect"] if not any(_fits(part, line, exactly=True) for line in lines)]
    unwanted = [
        f"{part} fits {line}" for part in expected["absent"] for line in lines if _fits(part, line, exactly=False)
    ]
    assert not missing + unwanted, "\n".join(["", *(_nearest(part, lines) for part in missing), *unwanted])


@each_rehearsal
def test_expectations_use_the_words_of_the_timeline(script: Path) -> None:
    expected = _expectations(script)
    assert expected["expect"]
    for part in [*expected["expect"], *expected["absent"]]:
        assert part
        assert part.keys() <= FIELDS, part
        assert part.get("what", "message") in WHAT, part


def test_no_expectations_stand_without_their_rehearsal() -> None:
    named = {path.name.removesuffix(".expect.yaml") for path in REHEARSALS.glob("*.expect.yaml")}
    assert named == {path.stem for path in SCRIPTS}


async def _all_lines(*what: str) -> AsyncIterator[tuple[str, Part]]:
    """The lines of all rehearsals, or those that tell one of these things, each after the name of its rehearsal."""
    for script in SCRIPTS:
        for line in await _lines(script):
            if not what or line["what"] in what:
                yield script.stem, line


async def test_reminders_rest_in_quiet_hours() -> None:
    restless = []
    async for name, line in _all_lines("nudge", "overdue", "message"):
        at = datetime.fromisoformat(line["at"])
        if not _works(at.date()) or not 8 <= at.hour < 18:
            restless.append((name, line))
    assert not restless


async def test_nobody_is_called_late_before_the_words_say_so() -> None:
    wrong = []
    async for name, line in _all_lines("overdue"):
        first = _next_working_day(datetime.fromisoformat(line["nominal"]).date())
        if line["at"] != f"{first:%Y-%m-%d}T09:00":
            wrong.append((name, line))
    assert not wrong


async def test_the_words_of_a_due_date_are_never_loosened() -> None:
    assert not [one async for one in _all_lines("opened") if one[1]["effective"] > one[1]["nominal"]]


async def test_every_line_is_in_its_place() -> None:
    for script in SCRIPTS:
        moments = [line["at"] for line in await _lines(script)]
        assert moments, script
        assert moments == sorted(moments), script


def _lacks(line: Part) -> list[str]:
    what = line["what"]
    needs = {"case"}
    if what != "refused":
        needs |= {"duty", "to"}
    if what in ("opened", "nudge", "overdue", "escalation", "alert"):
        needs.add("rule")
    if what in ("opened", "closed", "nudge", "overdue"):
        needs.add("nominal")
    if what in ("message", "nudge", "overdue", "escalation", "alert"):
        needs.add("people")
    return [*(field for field in sorted(needs) if not line[field]), *([] if line["text"].strip() else ["text"])]


async def test_every_line_is_whole() -> None:
    assert not [(name, line) async for name, line in _all_lines() if line["what"] not in WHAT or _lacks(line)]


async def _every_kind_of_card() -> list[Card]:
    for script in SCRIPTS[::7]:
        await _lines(script)
    return list(_cards.values())


_to_slack: dict[int, list[slack.Sent]] = {}


async def _all_to_slack() -> list[slack.Sent]:
    """All that Slack is sent of every kind of card; it is made once for all that is asked of it."""
    cards = await _every_kind_of_card()
    for number, card in enumerate(cards):
        if number not in _to_slack:
            _to_slack[number] = slack.all_of(card, f"{number}")
    return [one for number in range(len(cards)) for one in _to_slack[number]]


async def test_every_kind_of_card_that_arrives_fits_teams_slack_and_the_desk() -> None:
    """The renderers refuse, by an exception, what a platform would."""
    cards = await _every_kind_of_card()
    assert faults_of([adaptive.render(card, card_id=f"{number}") for number, card in enumerate(cards)]) == []
    assert slack.faults_of(await _all_to_slack()) == []
    for number, card in enumerate(cards):
        assert html.render(card, action_url="/press", event_id=f"{number}")


@pytest.mark.browser
@pytest.mark.clients
async def test_the_renderer_of_microsoft_has_nothing_against_any_card_that_arrives(chromium: str) -> None:
    from tests.browsers import opened
    from tests.clients.microsoft import renderer_in

    cards = [adaptive.render(card, card_id=f"{number}") for number, card in enumerate(await _every_kind_of_card())]
    async with opened(chromium) as browser, renderer_in(browser) as renderer:
        assert await renderer.faults_of(cards) == []


@pytest.mark.clients
async def test_slacks_types_have_nothing_against_what_is_sent_of_any_card_that_arrives() -> None:
    assert slack.faults_by_slacks_types(await _all_to_slack()) == []


async def test_a_rehearsal_played_twice_has_the_same_timeline() -> None:
    script = REHEARSALS / "southampton-s05-inadequate.yaml"
    assert await _played(script) == await _played(script)
