"""The table of themes: it comes to a database that is in use, and a title stands in it once."""

import pytest
from alembic import command
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from storage.migrating import _config, is_current, migrate
from storage.themes import propose, sign_off, theme_titled, write_terms
from tests.storage.conftest import Place, Service, differing, moment, opened

TERMS = {"Why": "Because of what the core audits found."}


async def test_themes_come_to_a_database_in_use_and_leave_it_as_it_was(service: Service) -> None:
    """Back to the tables before themes, with a service in them, and forward again."""
    await service.allocate("N-1", "Marek", "2026-03-02 09:00")

    def back(connection: Connection) -> None:
        command.downgrade(_config(connection), "0002")

    def forward(connection: Connection) -> None:
        command.upgrade(_config(connection), "0003")

    async with service.store.database.begin() as connection:
        await connection.run_sync(lambda one: command.downgrade(_config(one), "0003"))
    whole = service.contents()
    async with service.store.database.begin() as connection:
        await connection.run_sync(back)
    before = service.contents()
    assert before["people"]
    assert before["ledger"]
    assert "themes" not in before
    assert not await is_current(service.store.database)
    async with service.store.database.begin() as connection:
        await connection.run_sync(forward)
    after = service.contents()
    assert differing(before, after) == ["alembic_version", "themes"]
    assert after == whole


async def test_a_new_database_has_no_themes(new_place: Place) -> None:
    async with opened(new_place.url) as store:
        await migrate(store.database)
    assert new_place.contents()["themes"] == []


async def test_a_title_is_taken_whatever_its_capitals_and_spaces(service: Service) -> None:
    at = moment("2026-03-02 09:00")
    async with service.store.begin() as tx:
        await propose(tx, "Care plans", TERMS, service.ids["Quinn"], at)

    async def again() -> None:
        async with service.store.begin() as tx:
            await propose(tx, " CARE  plans", TERMS, service.ids["Umar"], at)

    with pytest.raises(IntegrityError, match="themes"):
        await again()
    async with service.store.begin() as tx:
        found = await theme_titled(tx, "care PLANS ")
    assert found is not None
    assert (found.title, found.proposed_by, found.proposed_at) == ("Care plans", service.ids["Quinn"], at)


async def test_what_was_signed_off_is_never_rewritten(service: Service) -> None:
    at = moment("2026-03-02 09:00")
    async with service.store.begin() as tx:
        theme = await propose(tx, "Care plans", TERMS, service.ids["Quinn"], at)
        theme = await sign_off(tx, theme, "QA Board", service.ids["Umar"], at)
        with pytest.raises(ValueError, match="signed off"):
            await write_terms(tx, theme, {"Why": "Another reason."}, service.ids["Quinn"], at)
        kept = await theme_titled(tx, "Care plans")
    assert kept == theme
    assert kept.terms == TERMS
