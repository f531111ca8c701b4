"""What every test stands on: no network beyond this machine, and a browser and other clients where they are needed."""

import gc
import os
import shutil
import socket
from collections.abc import AsyncIterator, Generator, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from playwright.async_api import Browser

IN_CI = os.environ.get("CI") == "true"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NODE = shutil.which("node")
CLIENTS = Path(__file__).parent / "clients" / "node_modules"
# npm writes this file when everything is in its place.
CLIENTS_COMPLETE = (CLIENTS / ".package-lock.json").exists()

# What a marked test needs, and what to say where it is missing.
NEEDS = [
    (
        "browser",
        CHROMIUM,
        "No Chromium or Chrome was found. Install one to see the desk and Teams tested in a browser.",
    ),
    ("clients", NODE, "Node.js was not found. Install Node.js 20 or newer, with npm, to have the clients of others."),
    (
        "clients",
        CLIENTS_COMPLETE,
        "The clients of others are not installed. make test does it, if npm has a network.",
    ),
]
MARKERS = {marker for marker, _, _ in NEEDS}

LONGEST = (
    "bot/test_rehearsals.py",
    "crashes/test_crashes.py",
    "teams/test_at_the_playground.py",
    "bot/test_desk_browser.py",
    "teams/test_conversations.py",
    "teams/test_bad_input.py",
    "slack/test_stumbles.py",
    "slack/test_modals.py",
    "attacks/test_logs.py",
    "slack/test_outages.py",
    "teams/test_playground_rig.py",
    "scheduling/test_outages.py",
    "scheduling/test_running.py",
    "handlers/test_role_table.py",
    "cards/test_adaptive.py",
    "bot/test_write_your_own_framework.py",
    "cards/test_blocks.py",
    "cards/test_adaptive_renderer.py",
    "slack/test_serving.py",
    "attacks/test_doors.py",
    "bot/test_teams_package.py",
    "bot/test_slack_manifest.py",
    "teams/test_reaching.py",
    "slack/test_doctor.py",
    "slack/test_door.py",
    "scheduling/test_ticker.py",
    "audits/test_sampling.py",
    "handlers/test_role_table_pairs.py",
    "slack/test_acquaintance.py",
    "bot/test_demonstration.py",
    "attacks/test_workbooks.py",
    "cards/test_block_types.py",
)
"""The files that take longest. Begun last, one of them would keep one worker busy while the other has nothing left."""

# A slow build server is no fault of the code, and a build must not fail by the luck of a draw.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if IN_CI else "here")


class BeyondLoopbackError(RuntimeError):
    """A test tried to reach another machine."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost"):
        return True
    try:
        return ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def beyond_loopback() -> Iterator[list[str]]:
    """Refuses every connection and look-up beyond loopback, and lists the hosts that were tried."""
    tried: list[str] = []

    def check(host: object) -> None:
        if not _is_loopback(host):
            tried.append(str(host))
            raise BeyondLoopbackError(f"A test may only reach this machine, not {host!s}. Start a server on 127.0.0.1.")

    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
    getaddrinfo = socket.getaddrinfo

    def checked(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])

    def guarded_connect(self: socket.socket, address: Any) -> None:
        checked(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        checked(self, address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: bytes, *flags_and_address: Any) -> int:
        checked(self, flags_and_address[-1])
        return sendto(self, data, *flags_and_address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host)
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket.socket, "sendto", guarded_sendto)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield tried


@pytest.fixture(autouse=True)
def _nothing_tried_beyond_loopback(beyond_loopback: list[str]) -> Iterator[None]:
    # The code under test may have caught the refusal as an ordinary failure to connect.
    yield
    tried, beyond_loopback[:] = list(beyond_loopback), []
    assert not tried, f"This test tried to reach {', '.join(tried)}"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome on this machine; for tests marked `browser`."""
    assert CHROMIUM, "mark this test with @pytest.mark.browser"
    return CHROMIUM


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> "AsyncIterator[Browser]":
    """A Chromium that reaches this machine only; for tests marked `browser`, on the loop of their module."""
    from tests.browsers import opened

    async with opened(chromium) as started:
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; within a file, and among the others, the order stays."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """What was loaded so far stays to the end; looking through it for rubbish again and again takes time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, found, otherwise in NEEDS:
        if not found and item.get_closest_marker(marker):
            pytest.skip(otherwise)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a test in a browser or with a client that is skipped, for whatever reason, has failed."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and any(map(item.get_closest_marker, MARKERS)):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        report.outcome = "failed"
        report.longrepr = f"This test may not be skipped where CI=true. {reason}"
    return report
