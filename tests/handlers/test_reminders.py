"""What a reminder says is due: the step, by a word of its own, since the card may name the audit's due day as well."""

import pytest

from audits.frameworks import framework_named, shipped
from audits.state import TOLD
from cards.deck import DUE
from scheduling.door import Failure, NotDelivered
from tests.handlers.conftest import Service, founded, service

__all__ = ["founded", "service"]


@pytest.mark.parametrize("name", shipped())
def test_every_step_of_a_framework_has_a_word_for_what_is_due(name: str) -> None:
    steps = framework_named(name).duties
    assert {key for key, terms in steps.items() if terms.closed_by[0] not in (*DUE, TOLD)} == set()


async def test_a_reminder_names_the_step_and_whose_it_is(service: Service) -> None:
    service.post.shut["Leo"] = NotDelivered(Failure.PERMANENT, "the account is closed")
    await service.until("2026-01-07T10:00")
    assert "A reminder: your answer is due Thu 8 Jan 2026." in service.arrived("Carol")[-1].text
    # Dan gets what was for Leo, whom he manages.
    assert "A reminder: the answer is due Thu 8 Jan 2026." in service.arrived("Dan")[-1].text


async def test_a_late_card_names_the_step_that_was_due(service: Service) -> None:
    await service.until("2026-01-09T10:00")
    late = service.arrived("Carol")[-1]
    assert any(line.startswith("Your answer was due on Thu 8 Jan 2026.") for line in late.text), late.text


async def test_whoever_is_asked_about_a_time_is_reminded_of_their_answer_and_of_no_booking_of_theirs(
    service: Service,
) -> None:
    await service.taken()
    await service.ok(await service.says("Carol", "20 Jan 2pm"))
    await service.until("2026-01-20T09:00")
    found = [line for card in service.arrived("Alice") for line in card.text if line.startswith("A reminder: ")]
    assert any(line.startswith("A reminder: your answer is due ") for line in found), found
    assert not any("your booking" in line for line in found), found
