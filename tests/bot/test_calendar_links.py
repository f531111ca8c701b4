"""The calendar file behind a link: good for whoever's session it still is, and for nobody else who has the link."""

from contextlib import AsyncExitStack
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession
from sqlalchemy import text

from bot.calendar_links import CalendarLinks, calendar_file
from bot.counts import Counts
from bot.listening import listening_socket
from bot.web import Calendar, Watch, build_web, serve_web
from cards.card import Download
from storage.tables import PersonRow
from tests.handlers.conftest import CASE, Service, founded, service

__all__ = ["founded", "service"]


async def _file(service: Service, person: str) -> bytes | None:
    found = await calendar_file(
        service.store, service.people[person], f"audit/{await service.number(CASE)}", service.clock.now()
    )
    return found.content if found else None


async def _booked(service: Service, auditor: str) -> None:
    await service.ok(await service.press(auditor, "accept"))
    await service.ok(await service.says(auditor, "Tues 2pm"))
    await service.ok(await service.press("Alice", "agree"))


async def test_the_two_of_a_session_and_those_above_them_get_it_and_nobody_else(service: Service) -> None:
    assert await _file(service, "Carol") is None
    await _booked(service, "Carol")
    for person in ("Carol", "Alice", "Bob", "Grace"):
        assert b"DTSTART:20260106T140000Z" in (await _file(service, person) or b""), person
    for person in ("Leo", "Mia", "Judy"):
        assert await _file(service, person) is None, person


async def test_who_handed_the_audit_on_no_longer_gets_the_file_of_its_session(service: Service) -> None:
    await _booked(service, "Carol")
    await service.ok(await service.press("Grace", "reassign", to=str(service.people["Leo"])))
    await _booked(service, "Leo")
    assert await _file(service, "Leo") is not None
    assert await _file(service, "Carol") is None


async def test_who_stands_in_for_one_of_the_two_gets_the_file_as_long_as_they_do(service: Service) -> None:
    await _booked(service, "Carol")
    for until, gets in ((date(2026, 1, 9), True), (date(2026, 1, 2), False)):
        async with service.store.begin() as tx:
            alice = await tx.session.get(PersonRow, service.people["Alice"])
            assert alice is not None
            alice.leave_until, alice.cover_id = until, service.people["Mia"]
            await tx.people_changed()
        assert (await _file(service, "Mia") is not None) is gets


async def test_who_has_left_gets_no_file(service: Service) -> None:
    await _booked(service, "Carol")
    async with service.store.begin() as tx:
        carol = await tx.session.get(PersonRow, service.people["Carol"])
        assert carol is not None
        carol.active = False
        await tx.people_changed()
    assert await _file(service, "Carol") is None


async def test_a_link_that_could_not_be_answered_is_not_in_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    sock, address = listening_socket("127.0.0.1", 0, "web.port")
    links, counts = CalendarLinks(b"a key", address), Counts()
    file = Download(
        "Add to your calendar", "audit.ics", "text/calendar", b"", ref=f"audit/{await service.number(CASE)}"
    )
    link = links.for_person(service.people["Carol"], service.clock.now())(file)
    assert link is not None
    watch = Watch(service.program, counts, timedelta(seconds=15))
    async with AsyncExitStack() as stack:
        stack.callback(sock.close)
        await serve_web(stack, sock, build_web(watch, Calendar(service.program, links, counts), {}))
        async with service.store.begin() as tx:
            await tx.session.execute(text("ALTER TABLE audits RENAME TO elsewhere"))
        async with ClientSession() as browser, browser.get(link) as answer:
            assert answer.status == 500
            assert await answer.json() == {"error": {"code": "broken", "message": "Something went wrong here."}}
    assert "OperationalError at GET /calendar/{name}" in caplog.text
    assert urlsplit(link).path.rpartition("-")[2] not in caplog.text
