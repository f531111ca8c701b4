"""Who has been asked or told, in a sentence that is right for one, for several, and where there is nobody."""

import pytest

from cards.wording import have
from storage.tables import PersonRow
from tests.handlers.conftest import Service, founded, service

__all__ = ["founded", "service"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "Nobody has"),
        (["Dan"], "Dan has"),
        (["Dan", "Erin"], "Dan and Erin have"),
        (["Dan", "Erin", "Bob"], "Dan, Erin and Bob have"),
    ],
)
def test_one_has_and_several_have(names: list[str], said: str) -> None:
    assert have(names) == said


async def test_who_is_alerted_where_one_person_alone_is_left_is_said_rightly(service: Service) -> None:
    await service.taken()
    async with service.store.begin() as tx:
        for name in ("Bob", "Dan", "Erin", "Frank"):
            row = await tx.session.get_one(PersonRow, service.people[name])
            row.active = False
        await tx.people_changed()
    reply = await service.ok(await service.press("Carol", "safety", text="The child was left alone."))
    assert reply.card.title == "Kim Kestrel has been alerted"
