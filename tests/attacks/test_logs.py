"""What is written where anyone may read it: no secret, and nothing that anybody wrote about a case."""

import asyncio
import gc
import io
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from audits.frameworks import framework_named
from bot.logs import WithoutWords
from bot.rehearsal.playing import play
from bot.rehearsal.script import Script
from bot.settings import Settings, SettingsError, read_settings
from cards.card import Card
from cards.deck import Note, card_for
from cards.scene import Scene
from handlers import grades, verbs
from handlers.interaction import Reply
from handlers.press import Press
from scheduling import composing
from tests.handlers.conftest import founded
from tests.slack.conftest import opens, story
from tests.slack.council import Story
from tests.slack.story import at_once, graded, talked
from tests.teams.conftest import Opens as OpensTeams
from tests.teams.conftest import issuer
from tests.teams.conftest import opens as opens_teams
from tests.test_layout import ROOT

__all__ = ["at_once", "founded", "issuer", "opens", "opens_teams", "story"]

SECRETS = {
    "AUDITLOOP_TEAMS_SECRET": "marked-teams-secret",
    "AUDITLOOP_SLACK_BOT_TOKEN": "xoxb-marked-bot-token",
    "AUDITLOOP_SLACK_SIGNING_SECRET": "marked-signing-secret",
    "AUDITLOOP_EMAIL_PASSWORD": "marked-mail-password",
    "AUDITLOOP_WATCH_TOKEN": "marked-watch-token-of-32-letters",
    "AUDITLOOP_WATCH_PING_URL": "http://127.0.0.1:1/marked-address-of-the-switch",
}
UNSAID = {name: secret.removeprefix("http://127.0.0.1:1/") for name, secret in SECRETS.items()}
"""What of each secret nobody may read."""
SETTINGS = """
desk = true
port = 0
[web]
port = 0
[teams]
app_id = "5c7a6a5e-6f0c-4f5b-9a57-1d0f3c9b2a10"
tenant_id = "0f6d5a3c-8f0e-4a0b-9a3e-7c1f2e5d4b60"
[teams.cloud]
login_url = "https://127.0.0.1:1"
keys_url = "http://127.0.0.1:1/keys"
service_hosts = ["127.0.0.1"]
[slack]
api_url = "http://127.0.0.1:1/api/"
[email]
host = "127.0.0.1"
port = 1
sender = "auditloop@example.org"
user = "auditloop"
[watch]
"""
# Everything that any library has to say, down to the least of it.
LOUD = "import logging; logging.basicConfig(level=logging.DEBUG); from bot.commands import run; run()"


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUDITLOOP_")}
    return kept | SECRETS | {"PYTHONPATH": str(ROOT)} | more


def secrets_in(*texts: str) -> list[str]:
    return [name for name, secret in UNSAID.items() if any(secret in text for text in texts)]


def asked(url: str, token: str = "") -> str:
    """What whoever watches is answered, whatever the status."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:
            return f"{answer.headers}{answer.read().decode()}"
    except HTTPError as refused:
        return f"{refused.headers}{refused.read().decode()}"


def kept_in(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir() if path.name != "auditloop.toml")


def test_doctor_says_no_secret_whatever_the_libraries_log(tmp_path: Path) -> None:
    (tmp_path / "auditloop.toml").write_text(SETTINGS)
    command = [sys.executable, "-c", LOUD, "doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert "Slack" in done.stdout
    assert "Teams" in done.stdout
    assert "watch.ping_url" in done.stdout
    assert secrets_in(done.stdout, done.stderr, kept_in(tmp_path)) == []


def test_doctor_says_no_password_of_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    database = "postgresql://auditloop:marked-database-password@127.0.0.1:1/auditloop"
    command = [sys.executable, "-c", LOUD, "doctor"]
    surroundings = {name: one for name, one in environment(AUDITLOOP_DATABASE=database).items() if name not in SECRETS}
    done = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "marked-database-password" not in done.stdout + done.stderr + kept_in(tmp_path)


def test_serve_writes_no_secret_anywhere_and_says_none_to_whoever_watches(tmp_path: Path) -> None:
    (tmp_path / "auditloop.toml").write_text(SETTINGS)
    out = (tmp_path / "out").open("w+")
    command = [sys.executable, "-c", LOUD, "serve"]
    with out, subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=out, stderr=out, text=True) as serving:
        try:
            deadline = monotonic() + 60
            while not all(words in (tmp_path / "out").read_text() for words in ("The desk is open", "watch.ping_url")):
                assert monotonic() < deadline
                assert serving.poll() is None
                with pytest.raises(subprocess.TimeoutExpired):
                    serving.wait(0.1)
            address = re.search(r"(http://127\.0\.0\.1:\d+)/api/messages", (tmp_path / "out").read_text())
            assert address is not None
            answered = [asked(address[1] + path) for path in ("/healthz", "/readyz", "/about", "/metrics")]
            assert "Please send the token" in answered[-1]
            answered.append(asked(f"{address[1]}/metrics", SECRETS["AUDITLOOP_WATCH_TOKEN"]))
            assert "auditloop_tick_age_seconds" in answered[-1]
            assert "can't be called" in (tmp_path / "out").read_text()
        finally:
            serving.send_signal(signal.SIGTERM)
            serving.wait(30)
    said = (tmp_path / "out").read_text()
    assert "Slack: no sign-in" in said
    assert secrets_in(said, *answered, kept_in(tmp_path)) == []


def test_settings_show_no_secret_and_neither_do_their_faults(tmp_path: Path) -> None:
    database = "postgresql://auditloop:marked-database-password@127.0.0.1/auditloop"
    (tmp_path / "auditloop.toml").write_text(SETTINGS)
    found = read_settings(tmp_path, SECRETS | {"AUDITLOOP_DATABASE": database})
    for shown in (repr(found), str(found), repr(found.slack), repr(found.teams), repr(found.email), repr(found.watch)):
        assert secrets_in(shown) == []
        assert "marked-database-password" not in shown
    wrong = SECRETS | {
        "AUDITLOOP_SLACK_API_URL": "https://marked-signing-secret:x@[",
        "AUDITLOOP_EMAIL_PORT": "marked-mail-password",
    }
    with pytest.raises(SettingsError) as fault:
        read_settings(tmp_path, wrong)
    assert secrets_in(str(fault.value)) == []
    assert isinstance(found, Settings)


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What `serve` writes into its log meanwhile, and of auditloop's own loggers everything from DEBUG on."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(WithoutWords("%(name)s %(levelname)s %(message)s"))
    handler.addFilter(lambda one: one.levelno >= logging.WARNING or one.name.partition(".")[0] in OWN)
    own = [logging.getLogger(name) for name in OWN]
    before = [one.level for one in own]
    logging.root.addHandler(handler)
    for one in own:
        one.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        logging.root.removeHandler(handler)
        for one, level in zip(own, before, strict=True):
            one.setLevel(level)


MARKED = "Zanzibar"
OWN = ("bot", "handlers", "scheduling", "storage", "cards", "audits")


async def test_the_log_holds_nothing_that_was_typed_even_where_everything_fails(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = story.people["Carol"]
    failed: list[str] = []

    async def stumbling(press: Press) -> Reply:
        failed.append(press.values["rationale"])
        raise RuntimeError(f"nothing can be made of {dict(press.values)}")

    with logged() as log:
        await carol.says(f"case {MARKED} and more of {MARKED}")
        await carol.commands(f"/qa who {MARKED}")
        story.slack.look()
        await talked(story)
        monkeypatch.setitem(verbs.VERBS, "submit", stumbling)
        await graded(story, **{"Why this grade?": f"The plan of {MARKED} is clear."})
        await carol.submits()
        await story.slack.until(lambda: failed)
        await story.settled()
        monkeypatch.setitem(verbs.VERBS, "submit", grades.submit)
        assert MARKED in failed[0]
        logging.getLogger("scheduling.delivery").debug("the log is heard")
        try:
            raise ValueError(f"no card for {MARKED}") from RuntimeError(MARKED)
        except ValueError:
            logging.getLogger("scheduling.delivery").exception("the card of %s can't be built", "accept/1")
    story.slack.look()
    story.slack.faults.clear()
    written = log.getvalue()
    assert "the log is heard" in written
    assert "RuntimeError" in written
    assert "test_logs.py" in written
    assert MARKED not in written


async def test_the_log_holds_nothing_that_was_typed_in_teams_either(
    opens_teams: OpensTeams, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []

    async def stumbling(press: Press) -> Reply:
        failed.append(press.values["rationale"])
        raise RuntimeError(f"nothing can be made of {dict(press.values)}")

    with logged() as log:
        async with opens_teams() as story:
            await story.everyone_came()
            carol = story.person("Carol")
            await carol.says(f"case {MARKED} and more of {MARKED}")
            await carol.presses(await story.asked("Carol", "accept"), "accept")
            await carol.presses(await story.asked("Carol", "hold"), "hold")
            monkeypatch.setitem(verbs.VERBS, "submit", stumbling)
            typed = {"grade": "good", "rationale": f"The plan of {MARKED}.", "safety": "no"}
            await carol.presses(await story.asked("Carol", "submit"), "submit", **typed)
            await story.teams.until(lambda: failed)
            await story.program.beat()
    assert MARKED in failed[0]
    assert "RuntimeError" in log.getvalue()
    assert MARKED not in log.getvalue()


def marked_month() -> Script:
    """A month of one audit with a mark in every text that somebody can write."""
    words = f"What {MARKED} said."

    def step(at: str, do: str, by: str = "", **more: Any) -> dict[str, Any]:
        return {"at": f"2026-01-{at}", "do": do, "case": "S-1"} | ({"by": by} if by else {}) | more

    action = {"what": words, "owner": "case_holder"}
    steps = [
        step("05T09:00", "allocate"),
        step("05T10:00", "accept", "auditor"),
        step("05T11:00", "extend", "qa_unit", until="2026-02-10", reason=words),
        step("06T09:00", "safety", "auditor", text=words),
        *(
            step("06T09:05", "acknowledge", who)
            for who in ("practice_manager", "service_lead", "hos", "deputy_director")
        ),
        step("06T10:30", "feedback", child=words, parent_carer="obtained"),
        step("07T10:00", "submit", "auditor", grade="inadequate", rationale=words, actions=[action]),
        step("08T10:00", "dispute", "case_holder", text=words),
        step("09T10:00", "resolve", "auditor", text=words),
        step("12T10:00", "oversee", "service_lead", text=words),
        step("12T11:00", "moderate", "qa_unit", grade="inadequate", text=words),
        step("14T10:00", "update", "service_lead", text=words),
        step("15T10:00", "confirm", "case_holder", action=1, text=words),
        step("16T10:00", "record", "auditor", where=words),
    ]
    return Script.model_validate(
        {"framework": "southampton", "start": "2026-01-05T09:00", "until": "2026-01-30T18:00", "steps": steps}
    )


async def test_the_log_of_a_month_holds_nothing_that_anybody_wrote_though_cards_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = count()

    def stumbling(scene: Scene, note: Note, **more: Any) -> Card:
        if next(turns) % 3 == 0:
            raise ValueError(f"no card of {scene.audit.facts}, {scene.audit.actions}, {note}")
        return card_for(scene, note, **more)

    monkeypatch.setattr(composing, "card_for", stumbling)
    with logged() as log:
        stage = await play(marked_month(), framework_named("southampton"))
        try:
            async with stage.store.begin() as tx:
                audit = await tx.audit(1)
        finally:
            await stage.store.close()
        logging.getLogger("scheduling.delivery").debug("the log is heard")
    assert audit is not None
    assert stage.refusals == []
    assert MARKED in str(audit.facts)
    assert MARKED in str(audit.actions)
    assert "the log is heard" in log.getvalue()
    assert "builtins.ValueError" in log.getvalue()
    assert MARKED not in log.getvalue()


async def test_the_log_holds_no_words_of_a_task_or_a_callback_that_fails_unheard() -> None:
    def stumble(words: str) -> None:
        raise ValueError(words)

    async def stumbling(words: str) -> None:
        stumble(words)

    loop = asyncio.get_running_loop()
    with logged() as log:
        task = loop.create_task(stumbling(MARKED), name=MARKED)
        await asyncio.wait([task])
        del task
        gc.collect()
        loop.call_soon(stumble, MARKED)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    written = log.getvalue()
    assert "asyncio ERROR Task exception was never retrieved\n" in written
    assert "asyncio ERROR Exception in callback test_" in written
    assert written.count("builtins.ValueError at:") == 2
    assert MARKED not in written


def test_a_fault_is_logged_by_its_kind_and_place_with_all_that_led_to_it() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(WithoutWords("%(message)s"))
    log = logging.getLogger("of this test")
    log.addHandler(handler)

    def stumble(words: str) -> None:
        try:
            raise KeyError(words)
        except KeyError as fault:
            raise ExceptionGroup(words, [ValueError(words), TypeError(words)]) from fault

    for _ in range(2):
        try:
            stumble(MARKED)
        except ExceptionGroup as fault:
            fault.add_note(MARKED)
            log.exception("a beat failed")
    said = written.getvalue()
    assert MARKED not in said
    for kind in ("builtins.ExceptionGroup", "builtins.KeyError", "builtins.ValueError", "builtins.TypeError"):
        assert kind in said
    assert "in stumble" in said


def test_the_program_sets_its_log_up_this_way(tmp_path: Path) -> None:
    program = (
        "import logging; from bot.logs import set_up_logs; set_up_logs()\n"
        "try: raise ValueError('marked')\nexcept ValueError: logging.getLogger('x').exception('broken')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert "ERROR x: broken" in done.stderr
    assert "builtins.ValueError" in done.stderr
    assert "marked" not in done.stderr
