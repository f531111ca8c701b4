"""What was typed into a form and not sent: kept for its writer, and for no longer than it is of use."""

from datetime import timedelta

from alembic import command

from storage.drafts import GOOD_FOR, draft, drop_draft, keep_draft
from storage.migrating import _config, is_current
from tests.storage.conftest import Service, differing, moment

NOW = moment("2026-03-03 09:00")


async def test_a_form_that_was_left_comes_back_as_it_was_and_to_its_writer_alone(service: Service) -> None:
    marek, priya = service.ids["Marek"], service.ids["Priya"]
    async with service.store.begin() as tx:
        await keep_draft(tx, marek, "submit/1", {"grade": "good", "rationale": "Half a"}, NOW)
        await keep_draft(tx, marek, "submit/1", {"grade": "good", "rationale": "Half a sentence"}, NOW)
        await keep_draft(tx, marek, "book/1", {"when": "Tues"}, NOW)
    async with service.store.begin() as tx:
        assert await draft(tx, marek, "submit/1", NOW) == {"grade": "good", "rationale": "Half a sentence"}
        assert await draft(tx, marek, "submit/2", NOW) == {}
        assert await draft(tx, priya, "submit/1", NOW) == {}


async def test_a_form_that_was_sent_or_emptied_is_forgotten(service: Service) -> None:
    marek = service.ids["Marek"]
    async with service.store.begin() as tx:
        await keep_draft(tx, marek, "submit/1", {"rationale": "Done."}, NOW)
        await keep_draft(tx, marek, "book/1", {"when": "Tues"}, NOW)
        await drop_draft(tx, marek, "submit/1")
        await keep_draft(tx, marek, "book/1", {"when": ""}, NOW)
    assert service.contents()["drafts"] == []


async def test_what_is_too_old_comes_back_no_more_and_goes_at_the_next_draft(service: Service) -> None:
    marek, later = service.ids["Marek"], NOW + GOOD_FOR
    async with service.store.begin() as tx:
        await keep_draft(tx, marek, "submit/1", {"rationale": "Long ago."}, NOW)
        assert await draft(tx, marek, "submit/1", later - timedelta(minutes=1))
        assert not await draft(tx, marek, "submit/1", later)
        await keep_draft(tx, marek, "book/1", {"when": "Tues"}, later)
        assert not await draft(tx, marek, "submit/1", NOW)


async def test_drafts_come_to_a_database_in_use_and_leave_it_as_it_was(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-02 09:00")
    async with service.store.database.begin() as connection:
        await connection.run_sync(lambda one: command.downgrade(_config(one), "0004"))
    before = service.contents()
    assert before["ledger"]
    assert "drafts" not in before
    assert not await is_current(service.store.database)
    async with service.store.database.begin() as connection:
        await connection.run_sync(lambda one: command.upgrade(_config(one), "0005"))
    assert differing(before, service.contents()) == ["alembic_version", "drafts"]
