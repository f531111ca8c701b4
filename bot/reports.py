"""What the commands print: a rehearsal's timeline, a date's reading, a framework."""

import asyncio
import json
from datetime import date, datetime
from pathlib import Path

from audits.calendar import WorkCalendar
from audits.dates import day_words
from audits.framework import Framework, parse_framework
from audits.frameworks import framework_named, shipped
from bot.faults import UserFault
from bot.opening import chosen_framework


def print_rehearsal(file: Path, *, as_json: bool) -> None:
    """Play a rehearsal and print its timeline. Raises RehearsalError or FrameworkError."""
    from bot.rehearsal.playing import play
    from bot.rehearsal.script import read_script
    from bot.rehearsal.timeline import Line, timeline

    script, framework = read_script(file)

    async def work() -> list[Line]:
        stage = await play(script, framework)
        try:
            return await timeline(stage)
        finally:
            await stage.store.close()

    lines = asyncio.run(work())
    day = ""
    for line in lines:
        if as_json:
            print(json.dumps(line.to_json(), ensure_ascii=False))
            continue
        if line.at[:10] != day:
            day = line.at[:10]
            print(f"\n{day_words(date.fromisoformat(day))}")
        whom = ", ".join(framework.roles[role].label if role in framework.roles else role for role in line.to)
        print(f"  {line.at[11:]}  {line.what:<10} {line.case or '':<8} {whom}: {line.text}")
    if not lines and not as_json:
        print("Nothing happens in this rehearsal.")


def print_when(text: str, now: str, by: str, *, as_json: bool) -> None:
    """Print what a typed date is understood as."""
    from handlers.when.reading import read_when
    from handlers.when.spoken import spoken

    calendar = WorkCalendar()
    start, limit = _moment(now, calendar, "--now"), _moment(by, calendar, "--by")
    reading = read_when(text, start, limit, calendar)
    if as_json:
        print(json.dumps(reading.to_json(calendar)))
    else:
        print(spoken(reading, limit, calendar))


def _moment(text: str, calendar: WorkCalendar, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserFault(f"{option}: {text!r} is not a moment. Write it like 2026-11-23T09:00.") from error
    return calendar.moment(found.date(), found.time()) if found.tzinfo is None else found


def print_frameworks() -> None:
    for name in shipped():
        about = framework_named(name).about
        review = f" (due for review {day_words(about.review_by)})" if about.review_by else ""
        print(f"{name:<16} {about.document}{review}")


def print_framework(name: str) -> None:
    """Everything that a framework asks, of whom, by when, and where it is written."""
    framework = chosen_framework(name)
    about = framework.about
    print(f"{about.title}: {about.document}")
    if about.banner:
        print(about.banner)
    print(f"\nThe month's list goes out {framework.cycle.issue}; it ends {framework.cycle.closes}.")
    print(f"  {_source(framework.cycle.rule, framework.cycle.place, ())}")
    print("\nWhat people are asked to do")
    for key, duty in framework.duties.items():
        print(f"\n{duty.title} ({key})")
        print(f"  Who: {_target(framework, duty.owner)}. Due: {duty.due}.")
        for variant in duty.variants:
            grades = ", ".join(variant.when.grade or ("another condition",))
            who = _target(framework, variant.owner or duty.owner)
            print(f"  If {grades}: {who}, {variant.due or duty.due}.")
        nudges = framework.defaults.nudge if duty.nudge is None else duty.nudge
        ladder = framework.defaults.ladder if duty.ladder is None else duty.ladder
        print(f"  Reminders: {', '.join(nudges) or 'none'}.")
        for rung in ladder:
            print(f"  Overdue {rung.at}: {', '.join(_target(framework, target) for target in rung.to)}.")
        if duty.repeat:
            print(f"  Again every {duty.repeat.minutes} minutes, to the next manager as well, until someone has it.")
        print(f"  {_source(duty.rule, duty.place, duty.local)}")
    print("\nWhat people are told")
    for notice in framework.notices.values():
        print(f"  {notice.title}: {', '.join(_target(framework, target) for target in notice.to)}.")
        print(f"    {_source(notice.rule, notice.place, notice.local)}")
    print("\nLocal settings that are switches")
    for key, setting in framework.settings.items():
        print(f"  {key} = {setting.value} (or {', '.join(one for one in setting.choices if one != setting.value)})")
        print(f"    {setting.about}")
    print("\nWho may do what")
    for key, verb in framework.verbs.items():
        print(f"  {key}: {', '.join(_target(framework, target) for target in verb.by)}")


def _target(framework: Framework, target: str) -> str:
    words = {
        "auditor": "the auditor",
        "owner": "whoever was asked",
        "owner.manager": "their manager",
        "owner.manager.manager": "their manager's manager",
        "action_owner": "whoever has the action",
        "proposal_answerer": "the other of the two",
    }
    return framework.roles[target].label if target in framework.roles else words.get(target, target)


def _source(rule: tuple[str, ...], place: str, local: tuple[str, ...]) -> str:
    words = f"[{', '.join(rule) or 'LOCAL'}] {place}"
    return f"{words}. Local setting: {', '.join(local)}" if local else words


def check_file(file: Path) -> None:
    """Read a framework file and say that it can be used. Raises FrameworkError naming every mistake."""
    if not file.is_file():
        raise UserFault(f"There is no file {file}.")
    try:
        framework = parse_framework(file.read_text("utf-8"), file.name)
    except UnicodeDecodeError as error:
        raise UserFault(f"{file.name} is not a text file in UTF-8.") from error
    size = f"{len(framework.duties)} duties, {len(framework.roles)} roles"
    print(f"{file.name}: {framework.about.title} can be used: {size}.")
