"""The dead man's switch, the settings of those who watch, and their page of the documentation."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import pytest
import yaml
from aiohttp import web
from pydantic import SecretStr

from bot.listening import listening_socket
from bot.running import open_bot
from bot.settings import Settings, SettingsError, WatchSettings, read_settings
from bot.watching import sign_of_life
from bot.watching.checking import examine_watch
from bot.watching.sign_of_life import SignOfLife, calling
from bot.web import serve_web
from scheduling.clock import SystemClock
from tests.bot.watched import Opens, Seconds, founded, opens

__all__ = ["founded", "opens"]
SECRET = "c0ffee-secret-path"
DOCUMENT = Path(__file__).parents[2] / "docs" / "watching.md"


@dataclass
class Alarm:
    """Somebody else's service that raises the alarm when it isn't called. `answers` are the statuses to come."""

    address: str = ""
    calls: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    hangs: asyncio.Event | None = None
    elsewhere: int = 0

    async def call(self, request: web.Request) -> web.Response:
        self.calls.append(request)
        self.bodies.append(await request.read())
        if self.hangs is not None:
            await self.hangs.wait()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if 300 <= status < 400 else {})

    async def other(self, _request: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response()


@pytest.fixture
async def alarm() -> AsyncIterator[Alarm]:
    found = Alarm()
    app = web.Application()
    app.router.add_route("*", f"/{SECRET}", found.call)
    app.router.add_route("*", "/elsewhere", found.other)
    async with AsyncExitStack() as stack:
        sock, address = listening_socket("127.0.0.1", 0, "watch.port")
        await serve_web(stack, sock, app)
        found.address = f"{address}/{SECRET}"
        yield found


@asynccontextmanager
async def giving(alarm: Alarm, seconds: Seconds, every: float = 60) -> AsyncIterator[SignOfLife]:
    async with calling(alarm.address) as session:
        sign = SignOfLife(session, alarm.address, every, seconds)
        yield sign
        if alarm.hangs is not None:
            alarm.hangs.set()
        await sign.close()


async def eventually(condition: Callable[[], Awaitable[object]] | Callable[[], object]) -> None:
    deadline = monotonic() + 20
    while not condition():
        assert monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)


# ---- the calls


async def test_it_is_called_after_ticks_but_not_more_often_than_it_is_to_be(alarm: Alarm) -> None:
    seconds = Seconds()
    async with giving(alarm, seconds) as sign:
        for _ in range(9):
            sign.give()
            await sign.close()
            seconds.passed += 15
    # At 0, 60 and 120 seconds.
    assert len(alarm.calls) == 3


async def test_nothing_of_the_service_goes_with_a_call(alarm: Alarm) -> None:
    async with giving(alarm, Seconds()) as sign:
        sign.give()
        await sign.close()
    (call,) = alarm.calls
    assert (call.method, call.query_string, alarm.bodies) == ("GET", "", [b""])
    assert {name.lower() for name in call.headers} <= {"host", "accept", "accept-encoding", "user-agent"}
    assert call.headers["User-Agent"] == "auditloop"


async def test_a_failure_is_logged_once_and_without_the_address(alarm: Alarm, caplog: pytest.LogCaptureFixture) -> None:
    alarm.answers = [500, 404, 500, 200, 503]
    seconds = Seconds()
    with caplog.at_level(logging.DEBUG, logger="bot.watching.sign_of_life"):
        async with giving(alarm, seconds) as sign:
            for _ in range(5):
                sign.give()
                await sign.close()
                seconds.passed += 60
    assert [record.getMessage() for record in caplog.records] == [
        "watch.ping_url on 127.0.0.1 can't be called: it answered with status 500",
        "watch.ping_url on 127.0.0.1 can be called again",
        "watch.ping_url on 127.0.0.1 can't be called: it answered with status 503",
    ]
    assert SECRET not in caplog.text


async def test_another_address_is_not_followed(alarm: Alarm, caplog: pytest.LogCaptureFixture) -> None:
    alarm.answers = [302]
    async with giving(alarm, Seconds()) as sign:
        sign.give()
        await sign.close()
    assert alarm.elsewhere == 0
    assert "status 302" in caplog.text


async def test_while_a_call_is_on_its_way_there_is_no_second_one_and_nobody_waits(
    alarm: Alarm, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_of_life, "PATIENCE", 0.3)
    alarm.hangs = asyncio.Event()
    seconds = Seconds()
    async with giving(alarm, seconds) as sign:
        sign.give()
        await eventually(lambda: alarm.calls)
        seconds.passed += 600
        sign.give()
        await eventually(lambda: "didn't answer" in caplog.text)
    assert len(alarm.calls) == 1


async def test_a_service_that_is_gone_is_said_in_words(alarm: Alarm, caplog: pytest.LogCaptureFixture) -> None:
    alarm.address = "http://127.0.0.1:1/"
    async with giving(alarm, Seconds()) as sign:
        sign.give()
        await sign.close()
    assert "can't be called: it can't be reached (ClientConnectorError)" in caplog.text


async def test_the_program_gives_signs_of_life_while_its_ticks_go_well(opens: Opens, alarm: Alarm) -> None:
    async with opens() as watched, AsyncExitStack() as stack:
        store = watched.service.store
        watch = WatchSettings(ping_url=SecretStr(alarm.address), ping_every_seconds=1)
        settings = Settings(heartbeat_seconds=300, watch=watch)
        running = await open_bot(stack, settings, store, SystemClock(), say=lambda _: None)
        await eventually(lambda: alarm.calls)
        assert len(alarm.calls) == 1
        assert running.program.figures.ticked


async def test_a_proxy_is_never_asked_for_an_address_on_this_computer(
    alarm: Alarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with giving(alarm, Seconds()) as sign:
        sign.give()
        await sign.close()
    assert len(alarm.calls) == 1
    async with calling("https://alarm.example/x") as session:
        assert session.trust_env


# ---- the settings


def refusal(folder: Path, **environment: str) -> str:
    with pytest.raises(SettingsError) as fault:
        read_settings(folder, {f"AUDITLOOP_WATCH_{name}": value for name, value in environment.items()})
    return str(fault.value)


def test_settings_that_would_open_the_figures_to_others_are_refused_in_words(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path, HOST="0.0.0.0") == "auditloop.toml, watch: host goes with port: set both, or take host out."
    )
    assert "only a token lets in" in refusal(tmp_path, HOST="0.0.0.0", PORT="9414")
    assert "16 characters" in refusal(tmp_path, TOKEN="short")
    found = read_settings(
        tmp_path, {"AUDITLOOP_WATCH_HOST": "0.0.0.0", "AUDITLOOP_WATCH_PORT": "9414", "AUDITLOOP_WATCH_TOKEN": "x" * 16}
    )
    assert (found.watch.host, found.watch.port) == ("0.0.0.0", 9414)
    assert "x" * 16 not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        f"http://alarm.example/{SECRET}",
        f"https://user:word@alarm.example/{SECRET}",
        f"ftp://alarm.example/{SECRET}",
        f"https:///{SECRET}",
        f"https://alarm.example:999999/{SECRET}",
        SECRET,
    ],
)
def test_an_address_that_may_not_be_called_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    said = refusal(tmp_path, PING_URL=url)
    assert "ping_url must be an address that begins with https://" in said
    assert SECRET not in said


def test_a_token_with_a_wrong_letter_is_not_repeated(tmp_path: Path) -> None:
    assert SECRET not in refusal(tmp_path, TOKEN=f"{SECRET} and a space")


# ---- doctor


async def test_doctor_says_whether_the_switch_can_be_called(alarm: Alarm) -> None:
    assert await examine_watch(WatchSettings()) == []
    settings = WatchSettings(ping_url=SecretStr(alarm.address))
    assert await examine_watch(settings) == [
        ("Well", "watching; the address in watch.ping_url answers. This was a sign of life like any other.")
    ]
    alarm.answers = [404]
    assert await examine_watch(settings) == [
        ("To mend", "Watching: the address in watch.ping_url can't be called: it answered with status 404.")
    ]
    assert len(alarm.calls) == 2


async def test_doctor_says_that_a_token_goes_over_an_open_line() -> None:
    ((kind, words),) = await examine_watch(WatchSettings(host="0.0.0.0", port=9414, token=SecretStr("x" * 16)))
    assert (kind, "0.0.0.0:9414 is open without encryption" in words) == ("To know", True)


# ---- the documentation


async def test_every_figure_is_documented_and_every_rule_names_figures_that_there_are(opens: Opens) -> None:
    async with opens() as watched:
        there = {family.name for family in (await watched.figures()).families if family.name.startswith("auditloop")}
    document = DOCUMENT.read_text("utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)]
    rules = [rule for block in blocks for group in block.get("groups", []) for rule in group["rules"]]
    assert {rule["alert"] for rule in rules} >= {
        "AuditloopTickLate", "AuditloopAlertUndelivered", "AuditloopMessagesWait", "AuditloopRefusalsRise",
    }  # fmt: skip
    known = there | {f"{name}_total" for name in there} | {f"{name}_info" for name in there}
    for rule in rules:
        named = set(re.findall(r"auditloop_[a-z_]+", rule["expr"]))
        assert named, rule["alert"]
        assert named <= known, rule["alert"]
    names = set(re.findall(r"`(auditloop_[a-z_]+)", document))
    ours = {name for name in there if not name.endswith("_created")}
    assert not [name for name in ours if not names & {name, f"{name}_total", f"{name}_info"}]
    assert names <= known


def test_every_setting_of_watching_is_documented() -> None:
    document = DOCUMENT.read_text("utf-8")
    assert not [name for name in WatchSettings.model_fields if f"| `{name}` |" not in document]
