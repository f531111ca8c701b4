"""What is written where anyone may read it: no secret, and nothing that anybody wrote about a case."""

import io
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from urllib.request import urlopen

import pytest

from bot.logs import WithoutWords
from bot.settings import Settings, SettingsError, read_settings
from handlers import dispatch, grades
from handlers.interaction import Reply
from handlers.press import Press
from tests.handlers.conftest import founded
from tests.slack.conftest import opens, story
from tests.slack.council import Story
from tests.slack.story import at_once, graded, talked
from tests.test_layout import ROOT

__all__ = ["at_once", "founded", "opens", "story"]

SECRETS = {
    "AUDITLOOP_TEAMS_SECRET": "marked-teams-secret",
    "AUDITLOOP_SLACK_BOT_TOKEN": "xoxb-marked-bot-token",
    "AUDITLOOP_SLACK_SIGNING_SECRET": "marked-signing-secret",
    "AUDITLOOP_EMAIL_PASSWORD": "marked-mail-password",
    "AUDITLOOP_WATCH_TOKEN": "marked-watch-token-of-32-letters",
}
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
    return [name for name, secret in SECRETS.items() if any(secret in text for text in texts)]


def kept_in(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir() if path.name != "auditloop.toml")


def test_doctor_says_no_secret_whatever_the_libraries_log(tmp_path: Path) -> None:
    (tmp_path / "auditloop.toml").write_text(SETTINGS)
    command = [sys.executable, "-c", LOUD, "doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert "Slack" in done.stdout
    assert "Teams" in done.stdout
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
            answered: list[str] = []
            deadline = monotonic() + 60
            while "The desk is open" not in (tmp_path / "out").read_text():
                assert monotonic() < deadline
                assert serving.poll() is None
                with pytest.raises(subprocess.TimeoutExpired):
                    serving.wait(0.1)
            address = re.search(r"(http://127\.0\.0\.1:\d+)/api/messages", (tmp_path / "out").read_text())
            assert address is not None
            for path in ("/healthz", "/about"):
                with urlopen(address[1] + path, timeout=10) as answer:
                    answered.append(answer.read().decode())
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
    """Everything that auditloop's own loggers write meanwhile, from DEBUG on, as `serve` writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(WithoutWords("%(name)s %(levelname)s %(message)s"))
    own = [logging.getLogger(name) for name in ("bot", "handlers", "scheduling", "storage", "cards", "audits")]
    before = [one.level for one in own]
    for one in own:
        one.addHandler(handler)
        one.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        for one, level in zip(own, before, strict=True):
            one.removeHandler(handler)
            one.setLevel(level)


MARKED = "Zanzibar"


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
        monkeypatch.setitem(dispatch.VERBS, "submit", stumbling)
        await graded(story, **{"Why this grade?": f"The plan of {MARKED} is clear."})
        await carol.submits()
        await story.slack.until(lambda: failed)
        await story.settled()
        monkeypatch.setitem(dispatch.VERBS, "submit", grades.submit)
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
