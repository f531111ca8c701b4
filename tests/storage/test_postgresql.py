"""PostgreSQL as a shared database: lines that are lost, what its URL may say, and what is said where it is no use."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import select, text
from sqlalchemy.orm.exc import StaleDataError

from bot.doctor import examine
from bot.faults import UserFault
from bot.opening import open_store
from bot.settings import Settings
from scheduling.clock import MovedClock
from scheduling.running import catch_up
from storage import postgresql as subject
from storage.interruptions import away, in_the_way
from storage.ledger import verify
from storage.postgresql import UnusableUrl, engine_for, standing_of, without_secrets
from storage.store import TRIES, Store, Transaction
from storage.tables import CaseRow, LedgerRow, OutboxRow
from tests.postgresql import Database, with_database
from tests.relay import relaying
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Place, Service, moment, opened, postgresql_only

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'auditloop' AND datname = current_database()"
)


async def cases(store: Store) -> list[str]:
    async with store.begin() as tx:
        return list(await tx.session.scalars(select(CaseRow.ref).order_by(CaseRow.ref)))


def add(ref: str) -> CaseRow:
    return CaseRow(ref=ref, plan="CIN")


# ---- lines that are lost


@postgresql_only
async def test_a_line_that_died_while_nobody_used_it_is_not_used(store: Store, place: Place) -> None:
    assert await cases(store) == []
    place.run(CUT)
    assert await cases(store) == []


@postgresql_only
async def test_work_whose_line_is_lost_in_the_middle_is_done_once(store: Store, place: Place) -> None:
    tries = 0

    async def work(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        tx.session.add(add(f"N-{tries}"))
        await tx.session.flush()
        if tries == 1:
            place.run(CUT)
        await tx.session.execute(text("SELECT 1"))

    await store.attempt(work)
    assert await cases(store) == ["N-2"]


@postgresql_only
async def test_a_database_that_is_started_again_is_waited_for(service: Service) -> None:
    async with relaying(service.place.url) as relay, opened(relay.url()) as store:
        assert len(await cases(store)) == 5
        await relay.close()
        waiting = asyncio.create_task(cases(store))
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not waiting.done()
        await relay.open()
        assert len(await asyncio.wait_for(waiting, 60)) == 5


@postgresql_only
async def test_a_beat_without_a_database_fails_and_the_next_one_takes_up_what_is_due(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await service.plan("N-1", "Marek", "2026-03-03 09:00")
    monkeypatch.setattr("storage.store.PATIENCE", 0.1)
    letterbox, clock = Letterbox(), MovedClock(moment("2026-03-03 09:00"))
    async with relaying(service.place.url) as relay, opened(relay.url()) as store:
        await relay.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await catch_up(store, letterbox, clock)
        await relay.open()
        await catch_up(store, letterbox, clock)
    rows = await service.rows(OutboxRow)
    assert sorted(letterbox.keys) == sorted(row.key for row in rows) != []
    assert {(row.to_id, row.state) for row in rows} == {(service.ids["Marek"], "sent")}
    assert caplog.records == []


@postgresql_only
async def test_a_line_that_is_cut_again_and_again_loses_and_doubles_nothing(service: Service) -> None:
    """Each beat is cut off somewhere; those that follow bring it to its end."""
    for ref, name in (("N-1", "Marek"), ("N-2", "Priya"), ("N-3", "Pat")):
        await service.plan(ref, name, "2026-03-03 09:00")
    letterbox, clock = Letterbox(), MovedClock(moment("2026-03-03 09:00"))
    async with relaying(service.place.url) as relay, opened(relay.url()) as store:

        async def cutting() -> None:
            for number in range(15):
                await asyncio.sleep(0.01 + number * 0.004)
                relay.cut()

        async with asyncio.TaskGroup() as group:
            cut = group.create_task(cutting())
            while not cut.done():
                try:
                    await catch_up(store, letterbox, clock)
                except Exception as fault:
                    if not away(fault):
                        raise
        clock.move_to(clock.now() + timedelta(minutes=10))
        await catch_up(store, letterbox, clock)
    assert len(await service.rows(LedgerRow, LedgerRow.kind == "allocated")) == 3
    rows = await service.rows(OutboxRow)
    assert {row.state for row in rows} <= {"sent", "superseded"}
    arrived = letterbox.keys
    for row in rows:
        if row.state == "sent" and not row.possible_repeat:
            assert arrived.count(row.key) == 1
    async with service.store.begin() as tx:
        assert (await verify(tx))[1] == []


# ---- others in the way


async def test_work_that_others_were_in_the_way_of_is_begun_anew(store: Store) -> None:
    tries = 0

    async def work(_tx: Transaction) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise StaleDataError("changed meanwhile")
        return tries

    assert await store.attempt(work) == 3


async def test_work_that_never_gets_through_says_why(store: Store) -> None:
    tries = 0

    async def work(_tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        raise StaleDataError("changed meanwhile")

    with pytest.raises(StaleDataError):
        await store.attempt(work)
    assert tries == TRIES


async def test_a_fault_of_the_work_itself_is_not_tried_again(store: Store) -> None:
    tries = 0

    async def work(_tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        raise KeyError("a fault")

    with pytest.raises(KeyError):
        await store.attempt(work)
    assert tries == 1


@postgresql_only
async def test_two_who_wait_for_each_other_both_get_through(store: Store) -> None:
    async with store.begin() as tx:
        tx.session.add_all([add("N-1"), add("N-2")])
    met = asyncio.Barrier(2)
    tries = 0

    async def work(tx: Transaction, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        change = "UPDATE cases SET team = team || 'x' WHERE ref = :ref"
        await tx.execute(text(change), {"ref": first})
        if tries <= 2:
            await met.wait()
        await tx.execute(text(change), {"ref": second})

    await asyncio.gather(
        store.attempt(lambda tx: work(tx, "N-1", "N-2")), store.attempt(lambda tx: work(tx, "N-2", "N-1"))
    )
    assert tries == 3
    async with store.begin() as tx:
        assert set(await tx.session.scalars(select(CaseRow.team))) == {"xx"}


@postgresql_only
async def test_the_server_ends_what_takes_too_long(store: Store, monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    async with store.begin() as tx:
        tx.session.add(add("N-1"))
    quick = subject.SERVER | {"lock_timeout": "100"}
    monkeypatch.setattr(subject, "SERVER", quick)
    async with opened(place.url) as other, store.begin() as holder:
        await holder.execute(text("UPDATE cases SET team = 'a'"))
        with pytest.raises(Exception, match="lock timeout") as met:
            async with other.begin() as tx:
                await tx.execute(text("UPDATE cases SET team = 'b'"))
    assert in_the_way(met.value)


# ---- the URL


SECRET = "tr0ub4dor"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://anna:{SECRET}@db.example/auditloop", "postgresql://anna:***@db.example/auditloop"),
        (
            f"postgresql://db.example/auditloop?user=anna&password={SECRET}&sslmode=require",
            "postgresql://db.example/auditloop?user=anna&password=***&sslmode=require",
        ),
        (f"postgresql://anna:{SECRET}@a:5432,b:5433/x", "postgresql://anna:***@a:5432,b:5433/x"),
        (f"postgresql://anna:p@{SECRET}@db.example/x", "postgresql://***"),
        (f"postgresql://anna:p/{SECRET}@db.example/x", "postgresql://***"),
        (f"postgresql://anna:p#{SECRET}@db.example/x", "postgresql://***"),
        ("postgresql:///auditloop?host=/run/postgresql", "postgresql:///auditloop?host=/run/postgresql"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.parametrize("middle", [f"p@{SECRET}", f"p/{SECRET}", f"p#{SECRET}", f"p?{SECRET}", f"p:{SECRET}["])
def test_a_url_that_cannot_be_read_says_how_to_write_it_and_not_what_it_was(middle: str) -> None:
    with pytest.raises(UnusableUrl, match="%40") as met:
        engine_for(f"postgresql://anna:{middle}@db.example/x")
    assert SECRET not in f"{met.value!r} {met.value.__cause__!r}"


# ---- TLS


class Authority:
    """Whoever vouches for the database's certificate."""

    def __init__(self, folder: Path) -> None:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, SHA256())
        )
        folder.mkdir()
        self.certificate = folder / "certificate.pem"
        self.certificate.write_bytes(made.public_bytes(Encoding.PEM))
        secret = folder / "key.pem"
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, secret)


async def opened_by(url: str) -> int:
    async with open_store(Settings(database=url)) as store:
        return len(await cases(store))


@postgresql_only
@pytest.mark.parametrize("options", ["sslmode=require", "ssl=require", "sslmode=verify-full&sslrootcert={known}"])
async def test_the_line_is_encrypted_as_the_url_asks(service: Service, tmp_path: Path, options: str) -> None:
    authority = Authority(tmp_path / "known")
    async with relaying(service.place.url, authority.context) as relay:
        assert await opened_by(relay.url(options.format(known=authority.certificate))) == 5
        assert relay.encrypted


@postgresql_only
async def test_a_certificate_that_nobody_vouches_for_is_refused_in_plain_words(
    service: Service, tmp_path: Path
) -> None:
    authority, another = Authority(tmp_path / "known"), Authority(tmp_path / "another")
    async with relaying(service.place.url, authority.context) as relay:
        with pytest.raises(UserFault, match="certificate isn't known"):
            await opened_by(relay.url(f"sslmode=verify-full&sslrootcert={another.certificate}"))


@postgresql_only
async def test_a_line_that_cannot_be_encrypted_is_refused_where_it_must_be(service: Service) -> None:
    async with relaying(service.place.url) as relay:
        with pytest.raises(UserFault, match="no encrypted line"):
            await opened_by(relay.url("sslmode=require"))
        assert await opened_by(relay.url()) == 5


# ---- what is said of it


@asynccontextmanager
async def nobody_there(place: Place) -> AsyncIterator[str]:
    """The URL of a port on which nobody listens."""
    async with relaying(place.url) as relay:
        await relay.close()
        yield relay.url()


@postgresql_only
async def test_where_nobody_answers_that_is_said(place: Place) -> None:
    async with nobody_there(place) as url:
        with pytest.raises(UserFault, match="it can't be reached"):
            await opened_by(url)


@postgresql_only
async def test_a_database_that_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(UserFault, match="there is no database nowhere there"):
        await opened_by(with_database(place.url, "nowhere"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://anna@db.example/x", "PostgreSQL \\(postgresql://"),
        ("postgresql://anna@127.0.0.1:1/x?sslmode=perhaps", "sslmode.*require"),
    ],
)
async def test_a_url_that_auditloop_cannot_use_says_what_to_write(url: str, words: str) -> None:
    with pytest.raises(UserFault, match=words):
        await opened_by(url)


async def test_without_its_library_the_command_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(UserFault, match="Run: make platforms"):
        await opened_by("postgresql://anna@db.example/x")


@postgresql_only
async def test_what_answers_is_told_with_its_version(store: Store, postgresql: Database) -> None:
    version, encrypted, here = await standing_of(store.database)
    assert [(version,)] == postgresql.ask("SELECT current_setting('server_version')")
    assert (encrypted, here) == (False, True)


@postgresql_only
def test_doctor_says_which_database_answers(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDITLOOP_DATABASE", f"{place.url}&password={SECRET}")
    assert examine(tmp_path) == 1
    said = capsys.readouterr().out
    assert "Well: PostgreSQL " in said
    assert "0 people, 0 open cases." in said
    assert "To mend: There are no people yet" in said
    assert SECRET not in said


def test_doctor_says_that_a_database_does_not_answer_and_keeps_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDITLOOP_DATABASE", f"postgresql://anna:{SECRET}@127.0.0.1:1/x")
    assert examine(tmp_path) == 1
    said = capsys.readouterr().out
    assert "To mend: PostgreSQL, postgresql://anna:***@127.0.0.1:1/x: it can't be reached" in said
    assert SECRET not in said
