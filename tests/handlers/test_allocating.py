"""A QA officer gives a case to an auditor by hand."""

import pytest

from audits.state import CORE, THEMATIC
from tests.handlers.conftest import CASE, FREE_CASE, NHS_NUMBER, Service, words


async def test_a_case_is_given_to_an_auditor_who_is_told_at_once(service: Service) -> None:
    service.forget()
    reply = await service.says("Grace", f"allocate {FREE_CASE} to Leo")
    assert reply.card.title == f"{FREE_CASE} has gone to Leo Linnet"
    assert {card.title for card in service.arrived("Leo")} == {
        f"Your audit for January 2026: {FREE_CASE}",
        f"The audit of {FREE_CASE}",
    }
    audit = await service.audit(FREE_CASE)
    assert (audit.auditor_id, audit.kind) == (service.people["Leo"], CORE)


async def test_a_thematic_audit_is_marked_as_one(service: Service) -> None:
    reply = await service.says("Grace", f"allocate {FREE_CASE} to Leo as a thematic audit")
    assert not reply.refused
    assert (await service.audit(FREE_CASE)).kind == THEMATIC


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allocate", "Write it like this: allocate K7F-204 to Priya Shah."),
        (f"allocate {FREE_CASE} to Alice", "Please choose someone whose role audits files."),
        (f"allocate {FREE_CASE} to Bob", "its practitioner is in their own line of management"),
        (f"allocate {CASE} to Leo", f"Write case {CASE} to see by whom."),
        ("allocate XX-1 to Leo", "Please check the reference"),
        (f"allocate {FREE_CASE} to Leo as a picnic", "Kinds are: core and thematic."),
        (f"allocate {FREE_CASE} to Leo because of {NHS_NUMBER}", "Please give it again without that."),
    ],
)
async def test_an_allocation_that_will_not_do_is_refused_in_words(service: Service, text: str, said: str) -> None:
    service.forget()
    before = await service.events("allocated")
    reply = await service.says("Grace", text)
    assert reply.refused
    assert said in words(reply.card)
    assert await service.events("allocated") == before
    assert not service.unread()


async def test_only_the_qa_roles_give_cases_out(service: Service) -> None:
    reply = await service.says("Dan", f"allocate {FREE_CASE} to Leo")
    assert reply.refused
    assert "That question is for the QA Unit" in words(reply.card)
