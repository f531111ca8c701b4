"""Copies of a SQLite database: taken while others write, checked, and put in the place of another."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from audits.state import Event
from storage.backups.contents import BackupFault
from storage.backups.resuming import resume, tell_of_restore
from storage.backups.sqlite_files import (
    brought_up,
    check,
    copy,
    is_empty,
    put_in_place,
    stop_where_in_use,
    take_name,
    under_another_name,
)
from storage.ledger import note
from storage.numbers import GAP, leave_gap, next_number
from storage.store import Store
from storage.tables import AuditRow, LedgerRow, OutboxRow
from storage.versions import newest
from tests.storage.conftest import Place, Service, contents, moment, sqlite_only

TUESDAY = moment("2026-03-03 09:00")
NIGHT = moment("2026-03-03 22:00")


def quiet(_left: int, _whole: int) -> None:
    return None


def rows_of(file: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(question).fetchall()


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@sqlite_only
async def test_a_copy_is_of_one_moment_however_much_is_written_meanwhile(service: Service, tmp_path: Path) -> None:
    """Another program writes at every step of the copy: none of it is in the copy, and the copy comes to its end."""
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    before = service.contents()
    steps = []
    with closing(sqlite3.connect(service.file, isolation_level=None)) as other:
        # Enough that there are several steps.
        other.execute("INSERT INTO secrets VALUES ('long', ?)", ("x" * 4_000_000,))
        before = service.contents()

        def writes(left: int, whole: int) -> None:
            steps.append(left)
            assert len(steps) < 100, "the copy begins anew with each write"
            other.execute("UPDATE revisions SET number = number + 1")
            other.execute("UPDATE outbox SET state = 'sent'")

        copy(service.file, tmp_path / "copy", writes)
    assert len(steps) > 2
    assert contents(tmp_path / "copy") == before
    assert contents(tmp_path / "copy") != service.contents()


@sqlite_only
async def test_a_copy_says_what_is_in_it_and_that_its_ledger_holds(service: Service, tmp_path: Path) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    copy(service.file, tmp_path / "copy", quiet)
    assert check(tmp_path / "copy") == newest()
    found = await brought_up(tmp_path / "copy")
    assert (found.revision, found.people, found.audits, found.entries) == (newest(), 17, 1, 1)
    assert (found.until, found.broken) == (TUESDAY, ())


@sqlite_only
async def test_a_copy_whose_ledger_was_tampered_with_is_found_out(service: Service, tmp_path: Path) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    copy(service.file, tmp_path / "copy", quiet)
    with closing(sqlite3.connect(tmp_path / "copy")) as connection:
        connection.execute("UPDATE ledger SET kind = 'accepted'")
        connection.commit()
    assert [one.number for one in (await brought_up(tmp_path / "copy")).broken] == [1]


@sqlite_only
async def test_a_copy_is_one_file_that_only_its_owner_may_read(place: Place, tmp_path: Path) -> None:
    with under_another_name(tmp_path / "copy") as part:
        copy(place.file, part, quiet)
        take_name(part, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    assert [name for name in names_in(tmp_path) if "copy" in name] == ["copy"]


@sqlite_only
@pytest.mark.parametrize("what", ["torn", "another", "orphan", "text"])
async def test_what_is_damaged_or_of_another_program_is_no_backup(what: str, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "copy"
    copy(service.file, file, quiet)
    with closing(sqlite3.connect(file)) as connection:
        if what == "orphan":
            connection.execute("UPDATE cases SET holder_id = 99")
            connection.commit()
    if what == "torn":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif what == "another":
        file.unlink()
        rows_of(file, "CREATE TABLE recipes (name)")
    elif what == "text":
        file.write_text("Dear all, " * 1000, "utf-8")
    with pytest.raises(BackupFault, match="but not one of auditloop" if what == "another" else "damaged"):
        check(file)


# ---- in the place of another


def test_what_a_killed_backup_has_left_is_removed_by_the_next_and_what_another_is_at_is_not(tmp_path: Path) -> None:
    file = tmp_path / "night.backup"
    left = [".night.backup.k1ll3d_x.part", ".night.backup.k1ll3d_x.part-journal"]
    others = [".night.backup.old.k1ll3d_x.part", "night.backup.part"]
    for name in (*left, *others):
        (tmp_path / name).write_text("Somebody's data", "utf-8")
    (tmp_path / left[0]).chmod(0o600)
    with under_another_name(file) as first:
        assert not [name for name in left if (tmp_path / name).exists()]
        with under_another_name(file) as second:
            assert first.exists()
            assert first != second
            second.write_text("Whole", "utf-8")
            take_name(second, file)
    assert names_in(tmp_path) == sorted([*others, "night.backup"])
    assert file.read_text("utf-8") == "Whole"


@sqlite_only
async def test_a_database_that_is_open_is_not_replaced(service: Service, tmp_path: Path) -> None:
    part = tmp_path / "part"
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    copy(service.file, part, quiet)
    before = service.contents()
    with pytest.raises(BackupFault, match="stop auditloop"):
        put_in_place(part, service.file, NIGHT)
    with pytest.raises(BackupFault, match="stop auditloop"):
        stop_where_in_use(service.file)
    assert service.contents() == before
    assert part.exists()


@sqlite_only
async def test_what_was_there_is_kept_with_all_that_was_in_its_log(service: Service, tmp_path: Path) -> None:
    """A program that was killed leaves its last entries in the log beside the database."""
    file, part, dead = service.file, tmp_path / "part", tmp_path / "dead.sqlite3"
    copy(file, part, quiet)
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    before = service.contents()
    for ending in ("", "-wal"):
        dead.with_name(dead.name + ending).write_bytes(file.with_name(file.name + ending).read_bytes())
    kept = put_in_place(part, dead, NIGHT)
    assert kept == tmp_path / "dead.sqlite3.before-20260303-220000"
    assert contents(kept) == before
    assert rows_of(dead, "SELECT count(*) FROM audits") == [(0,)]


@sqlite_only
async def test_the_log_of_a_database_that_is_gone_is_not_taken_for_another_ones(
    service: Service, tmp_path: Path
) -> None:
    part, file = tmp_path / "part", tmp_path / "new.sqlite3"
    copy(service.file, part, quiet)
    wal = tmp_path / "new.sqlite3-wal"
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    wal.write_bytes(service.file.with_name(service.file.name + "-wal").read_bytes())
    assert put_in_place(part, file, NIGHT) is None
    assert rows_of(file, "SELECT count(*) FROM audits") == [(0,)]
    assert "new.sqlite3-wal.before-20260303-220000" in names_in(tmp_path)


@sqlite_only
async def test_a_place_is_empty_until_something_is_in_a_table(service: Service, template: Path, tmp_path: Path) -> None:
    assert is_empty(tmp_path / "nothing")
    assert is_empty(template)
    assert not is_empty(service.file)
    (tmp_path / "text").write_text("Dear all", "utf-8")
    assert not is_empty(tmp_path / "text")


# ---- going on


async def test_what_may_have_been_sent_since_goes_again_and_says_so(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.allocate("N-2", "Priya", "2026-03-03 09:00")
    async with service.store.begin() as tx:
        rows = (await tx.session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()
        rows[0].state, rows[1].state = "sent", "sending"
        rows[1].lease_until = TUESDAY + timedelta(minutes=5)
        rows[2].urgent = True
        sent, waiting = rows[0].key, len(rows) - 1
    async with service.store.begin() as tx:
        assert await resume(tx, NIGHT, TUESDAY) == waiting
    for row in await service.rows(OutboxRow):
        if row.key == sent:
            assert (row.state, row.possible_repeat) == ("sent", False)
        else:
            assert (row.state, row.possible_repeat, row.lease_until) == ("unknown", True, None)
            # In the night only what is urgent goes.
            assert row.not_before == (TUESDAY if row.urgent else moment("2026-03-04 08:00"))
    (entry,) = await service.rows(LedgerRow, LedgerRow.kind == "restored")
    assert entry.values["waiting"] == waiting


async def test_the_qa_officer_hears_of_a_restore_once_and_without_doubt(service: Service) -> None:
    async with service.store.begin() as tx:
        await resume(tx, NIGHT, None)
        assert await tell_of_restore(tx, NIGHT, "Please ask people again.")
    (row,) = await service.rows(OutboxRow)
    assert (service.name(row.to_id), row.text, row.state, row.possible_repeat) == (
        "Quinn",
        "Please ask people again.",
        "queued",
        False,
    )


async def test_where_nobody_holds_a_qa_role_it_is_known_that_nobody_is_told(store: Store) -> None:
    async with store.begin() as tx:
        assert not await tell_of_restore(tx, NIGHT, "Please ask people again.")


async def test_numbers_on_cards_are_not_given_to_anything_else_after_a_restore(service: Service) -> None:
    first = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    async with service.store.begin() as tx:
        assert await next_number(tx, AuditRow.table()) is None
        await leave_gap(tx)
        given = await next_number(tx, AuditRow.table())
        row = AuditRow(
            **({"id": given} if given is not None else {}), framework="x", kind="core", cycle_id=1, case_id=2
        )
        tx.session.add(row)
        await tx.session.flush()
        assert row.id >= first + GAP
        assert await next_number(tx, AuditRow.table()) is None
        after = AuditRow(framework="x", kind="core", cycle_id=1, case_id=3)
        tx.session.add(after)
        await tx.session.flush()
        assert after.id == row.id + 1
        await note(tx, Event("leave", NIGHT, None))
