"""What a card of somebody's own making could say in the place of what its own inputs offer."""

import pytest

from audits.state import Duty
from tests.handlers.conftest import CASE, Service, founded, service, words

__all__ = ["founded", "service"]


@pytest.mark.parametrize("to", ["²", "٣", "-1", "9" * 2_000, "", "Leo"])
async def test_an_audit_goes_to_nobody_but_an_auditor_of_the_list(service: Service, to: str) -> None:
    reply = await service.press("Grace", "reassign", to=to)
    assert reply.refused
    assert await service.auditor(CASE) == "Carol"


async def _alerts(service: Service) -> tuple[Duty, ...]:
    return (await service.audit()).open_duties("acknowledge_alert")


async def test_a_safety_alert_cannot_be_put_off(service: Service) -> None:
    await service.taken()
    await service.ok(await service.press("Carol", "safety", text="The child was left alone."))
    before = await _alerts(service)
    assert before
    reply = await service.press("Grace", "extend", duty="acknowledge_alert", until="2026-02-20", reason="later")
    assert reply.refused
    assert reply.card.title == "A safety alert doesn't wait"
    assert await _alerts(service) == before


async def test_who_goes_on_leave_is_told_a_word_that_they_may_write(service: Service) -> None:
    said = words((await service.says("Carol", "leave until 9 January")).card)
    assert "Write mine to see them." in said
    assert "Write who Carol Crane to see them." in words((await service.says("Grace", "leave Carol until 9 Jan")).card)
