"""What is no longer kept after a time, what stays, and that the ledger's chain goes on all the same."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, delete, insert, select, update
from sqlalchemy.orm.exc import StaleDataError

from audits.calendar import WorkCalendar
from audits.state import Event
from bot.doctor import examine
from bot.settings import read_settings
from scheduling.retaining import Retaining
from storage.answers import GivenAnswer, keep_given
from storage.drafts import keep_draft
from storage.ledger import Broken, erase, fingerprint, note, verify
from storage.postings import Place, keep_answer, keep_posting
from storage.retention import (
    Keeping,
    drop_drafts,
    drop_replies,
    entries_past,
    erase_of_service,
    forget_places,
    months_before,
    retire,
    silence_old,
)
from storage.store import Transaction
from storage.tables import (
    AnswerRow,
    AuditRow,
    ChainRow,
    DraftRow,
    DutyRow,
    LedgerRow,
    OutboxRow,
    PostingRow,
    Table,
)
from tests.storage.closed import WORDS, close_an_audit
from tests.storage.conftest import PowerCut, Service, moment, power_cut_at, sqlite_only

KEEPING = Keeping(12, 24)
BEFORE, AFTER = moment("2027-04-03 12:00"), moment("2027-04-04 12:00")
ALERT_BEFORE, ALERT_AFTER = moment("2028-04-03 12:00"), moment("2028-04-04 12:00")
_LEDGER, _CHAINS, _OUTBOX = LedgerRow.table(), ChainRow.table(), OutboxRow.table()


async def retired(service: Service, audit: int, now: datetime, keeping: Keeping = KEEPING) -> bool:
    async with service.store.begin() as tx:
        return await retire(tx, audit, keeping, now)


async def broken(service: Service) -> list[Broken]:
    async with service.store.begin() as tx:
        return (await verify(tx))[1]


async def tamper(service: Service, *statements: Executable) -> None:
    """Change what is stored behind the program's back."""
    async with service.store.begin() as tx:
        for statement in statements:
            await tx.execute(statement)


class Undone(Exception):
    """What ends a transaction of these tests without keeping anything of it."""


@asynccontextmanager
async def undone(service: Service, *statements: Executable) -> AsyncIterator[Transaction]:
    """A transaction in which something was changed behind the program's back, and of which nothing stays."""
    with suppress(Undone):
        async with service.store.begin() as tx:
            for statement in statements:
                await tx.execute(statement)
            yield tx
            raise Undone


async def found_after(service: Service, *statements: Executable) -> list[Broken]:
    """What the ledger's proof says after something was changed; nothing of it stays."""
    async with undone(service, *statements) as tx:
        return (await verify(tx))[1]


async def everything(service: Service) -> str:
    """All that is stored, as text."""
    async with service.store.begin() as tx:
        rows = [row for table in Table.metadata.sorted_tables for row in await tx.execute(select(table))]
    return "\n".join(str(tuple(row)) for row in rows)


async def words_left(service: Service) -> list[str]:
    stored = await everything(service)
    return [one for one in WORDS if one in stored]


async def entries(service: Service, audit: int) -> list[LedgerRow]:
    return sorted(await service.rows(LedgerRow, LedgerRow.audit_id == audit), key=lambda row: row.number)


def hashes(rows: Iterable[LedgerRow]) -> list[tuple[int, str, str, str, datetime]]:
    return [(row.number, row.before, row.hash, row.kind, row.at) for row in rows]


# ---- what goes, and when


async def test_an_audit_whose_time_is_over_keeps_its_skeleton_and_nobodys_words(service: Service) -> None:
    audit = await close_an_audit(service)
    before, written = await service.audit(audit), await entries(service, audit)
    assert await words_left(service) == list(WORDS[:8])
    assert not await retired(service, audit, BEFORE)
    assert await words_left(service) == list(WORDS[:8])

    assert await retired(service, audit, AFTER)
    assert await words_left(service) == []
    left = await service.audit(audit)
    for name in ("auditor_id", "grade", "case", "cycle", "session_at"):
        assert getattr(left, name) == getattr(before, name), name
    assert {kind: at for kind, (at, _) in left.done.items()} == {kind: at for kind, (at, _) in before.done.items()}
    assert {actor for _, actor in left.done.values()} == {None}
    assert [(one.number, one.due, one.confirmed_at) for one in left.actions] == [
        (one.number, one.due, one.confirmed_at) for one in before.actions
    ]
    assert left.facts["erased"] is True
    assert left.facts["feedback"] == {"child": "obtained", "parent_carer": "reason"}
    assert {row.owner_id for row in await service.rows(DutyRow)} == {None}
    assert {(row.text, row.error, len(row.details)) for row in await service.rows(OutboxRow)} == {("", "", 0)}

    now_written = await entries(service, audit)
    assert hashes(now_written) == hashes(written)
    assert {row.actor_id for row in now_written} == {None}
    sent = next(row for row in now_written if row.kind == "submitted")
    assert sent.values["grade"] == "requires_improvement"
    assert sent.values["actions"] == [{"number": 1, "due": "2026-03-20"}]
    assert not {"rationale", "feedback", "stretch", "safety_text"} & sent.values.keys()
    assert "auditor_id" not in now_written[0].values
    assert now_written[0].values["opened"] == written[0].values["opened"]
    (attesting,) = await service.rows(LedgerRow, LedgerRow.chain == "service")
    assert (attesting.kind, attesting.values["why"]) == ("erased", "retention")
    assert [one[:3] for one in attesting.values["entries"]] == [[row.chain, row.number, row.hash] for row in written]
    assert await broken(service) == []


@sqlite_only
async def test_what_happens_after_an_erasure_is_chained_to_it_and_erased_in_its_own_time(service: Service) -> None:
    audit = await close_an_audit(service)
    await retired(service, audit, AFTER)
    await service.happens(audit, "safety_raised", "2027-05-03 10:00", "Cas", text="A call from school.")
    rows = await entries(service, audit)
    assert rows[-1].before == rows[-2].hash
    assert await broken(service) == []
    assert "A call from school." in await everything(service)
    assert not await retired(service, audit, moment("2031-01-01 09:00")), "an alert that nobody has is never touched"
    names = {service.name(one.owner_id) for one in (await service.audit(audit)).open_duties()}
    for name in sorted(names):
        await service.happens(audit, "acknowledged", "2027-05-03 10:05", name)
    await tamper(service, update(_OUTBOX).values(state="sent"))
    assert not await retired(service, audit, moment("2029-05-03 09:00")), "an alert is kept for longer"
    assert await retired(service, audit, moment("2029-05-04 09:00"))
    assert "A call from school." not in await everything(service)
    assert await broken(service) == []


@sqlite_only
async def test_an_audit_with_an_alert_is_kept_for_the_longer_time(service: Service) -> None:
    audit = await close_an_audit(service, safety=True)
    assert not await retired(service, audit, AFTER)
    assert not await retired(service, audit, ALERT_BEFORE)
    assert not await retired(service, audit, moment("2060-01-04 09:00"), Keeping(12, None))
    assert not await retired(service, audit, moment("2060-01-04 09:00"), Keeping(None, 24))
    async with undone(service) as tx:
        assert not await retire(tx, audit, Keeping(24, 1), ALERT_BEFORE)
        assert await retire(tx, audit, Keeping(24, 1), ALERT_AFTER)
    assert WORDS[8] in await everything(service)
    assert await retired(service, audit, ALERT_AFTER)
    assert await words_left(service) == []


@sqlite_only
async def test_an_audit_that_is_under_way_is_never_touched(service: Service) -> None:
    audit = await close_an_audit(service)
    late = moment("2060-01-04 09:00")
    actions = Table.metadata.tables["remedial_actions"]
    still_open: dict[str, Executable] = {
        "a duty": update(DutyRow.table()).where(DutyRow.key == "oversee").values(closed_at=None),
        "an action": update(actions).values(confirmed_at=None, signed_off_at=None),
        "a message on its way": update(_OUTBOX).where(_OUTBOX.c.duty == "accept").values(state="unknown"),
        "an issue to come": update(AuditRow.table()).values(issue_at=moment("2026-03-03 09:00")),
    }
    for what, statement in still_open.items():
        async with undone(service, statement) as tx:
            assert not await retire(tx, audit, KEEPING, late), what
    async with undone(service) as tx:
        assert not await retire(tx, audit, Keeping(None, None), late)
        assert await retire(tx, audit, KEEPING, late)


@sqlite_only
async def test_a_power_cut_in_the_middle_leaves_everything_as_it_was(service: Service) -> None:
    audit = await close_an_audit(service)
    before = await everything(service)
    for words in ("UPDATE ledger", "UPDATE duties", "INSERT INTO ledger", "COMMIT"):
        with power_cut_at(service.store, words), pytest.raises(PowerCut):
            await retired(service, audit, AFTER)
        assert await everything(service) == before, words
    assert await retired(service, audit, AFTER)
    assert await broken(service) == []


async def test_nodes_that_do_the_same_at_once_do_it_once(service: Service) -> None:
    audit = await close_an_audit(service)
    old = await entries(service, audit)
    async with service.store.begin() as tx:
        assert await entries_past(tx, KEEPING, moment("2027-03-03 12:00"), None, 5) == ([], None)
        found, mark = await entries_past(tx, KEEPING, AFTER, None, 5)
        assert found == [audit]
        assert mark is not None
        assert await entries_past(tx, KEEPING, AFTER, mark, 500) == ([audit], None)
    async with service.another_node() as other:
        nodes = [service, Service(other, service.place, service.ids)]
        done = await asyncio.gather(*(retired(one, audit, AFTER) for one in nodes * 2), return_exceptions=True)
    assert done.count(True) == 1
    assert all(isinstance(one, StaleDataError) or not one for one in done if one is not True)
    assert len(await service.rows(LedgerRow, LedgerRow.chain == "service")) == 1
    assert await broken(service) == []
    assert await words_left(service) == []

    async def erase_again() -> None:
        async with service.store.begin() as tx:
            await erase(tx, old, "retention", AFTER)

    with pytest.raises(StaleDataError, match="erased meanwhile"):
        await erase_again()
    async with service.store.begin() as tx:
        assert await entries_past(tx, KEEPING, AFTER, None, 500) == ([], None)


# ---- beside the audits


async def test_old_entries_about_the_service_lose_who_was_meant(service: Service) -> None:
    async with service.store.begin() as tx:
        values: dict[str, Any] = {"person": service.ids["Cas"], "until": "2026-04-10"}
        await note(tx, Event("leave", moment("2026-04-01 09:00"), service.ids["Quinn"], values))
        await note(tx, Event("people_imported", moment("2026-04-01 10:00"), None, {"added": 3, "changed": 0}))
        assert await erase_of_service(tx, KEEPING, moment("2027-04-01 12:00"), 10) == 0
        assert await erase_of_service(tx, KEEPING, moment("2027-04-02 12:00"), 10) == 1
        assert await erase_of_service(tx, KEEPING, moment("2027-04-02 12:00"), 10) == 0
        assert await erase_of_service(tx, KEEPING, moment("2040-04-01 12:00"), 10) == 0, "what attests stays"
    leave, imported, attesting = sorted(await service.rows(LedgerRow), key=lambda row: row.number)
    assert (leave.actor_id, leave.values) == (None, {"opened": [], "closed": []})
    assert imported.values["added"] == 3
    assert attesting.kind == "erased"
    assert await broken(service) == []


async def test_old_messages_about_no_audit_and_old_replies_and_drafts_go(service: Service) -> None:
    now = moment("2027-04-03 12:00")
    cas = service.ids["Cas"]
    async with service.store.begin() as tx:
        for key, at, state in (
            ("old", "2026-04-01", "sent"),
            ("new", "2026-05-01", "sent"),
            ("on", "2026-04-01", "queued"),
        ):
            row = {
                "key": key,
                "what": "message",
                "to_id": cas,
                "to_role": "qa_unit",
                "duty": "",
                "text": f"{key} words",
            }
            when = moment(f"{at} 09:00")
            await tx.execute(insert(_OUTBOX), row | {"decided_at": when, "not_before": when, "state": state})
        for event, at in (("old", "2026-04-01 09:00"), ("new", "2026-05-01 09:00")):
            await keep_given(tx, event, GivenAnswer(cas, f"{event} reply"), moment(at))
        await keep_draft(tx, cas, "old", {"text": "half a sentence"}, now - timedelta(days=61))
        await keep_draft(tx, service.ids["Pat"], "new", {"text": "half another"}, now - timedelta(days=59))
    async with service.store.begin() as tx:
        assert await silence_old(tx, KEEPING, now, 10) == 1
        assert await drop_replies(tx, KEEPING, now, 10) == 1
        assert await drop_drafts(tx, now) == 1
        assert await silence_old(tx, Keeping(None, None), now, 10) == 0
        assert await drop_replies(tx, Keeping(None, None), now, 10) == 0
    assert {row.key: row.text for row in await service.rows(OutboxRow)} == {
        "old": "",
        "new": "new words",
        "on": "on words",
    }
    assert [row.event_id for row in await service.rows(AnswerRow)] == ["new"]
    assert [row.form for row in await service.rows(DraftRow)] == ["new"]


async def test_where_it_stood_is_forgotten_once_the_tombstone_stands_there(service: Service) -> None:
    audit = await close_an_audit(service)
    first, second = (await service.rows(OutboxRow, OutboxRow.audit_id == audit))[:2]
    async with service.store.begin() as tx:
        for number, rows in enumerate(([first], [second])):
            place = Place("teams", "chat-of-marek", str(number), "https://smba.example", f"token-{number}")
            await keep_posting(tx, first.to_id, place, rows, "shown", moment("2026-03-03 09:00"), seen={})
        answer = Place("slack", "chat-of-cas", "9", "", "token-9")
        ref = f"{audit}/accept/1"
        await keep_answer(
            tx, service.ids["Cas"], answer, audit, ref, "shown", moment("2026-03-03 09:00"), sent_before=False
        )
    await retired(service, audit, AFTER)
    postings = await service.rows(PostingRow)
    assert [(row.erased_at, row.next_at) for row in postings] == [(AFTER, AFTER)] * 3
    async with service.store.begin() as tx:
        assert await forget_places(tx, AFTER, 10) == 0, "the chats don't show it yet"
        await tx.execute(update(PostingRow.table()).where(PostingRow.token == "token-0").values(next_at=None))
        assert await forget_places(tx, AFTER, 10) == 1
        assert await forget_places(tx, AFTER + timedelta(days=7), 10) == 2, "it was tried for long enough"
    assert await service.rows(PostingRow) == []
    assert "chat-of" not in await everything(service)
    assert {row.posting_id for row in await service.rows(OutboxRow)} == {None}


def test_months_are_counted_back_to_the_same_local_day() -> None:
    calendar = WorkCalendar()
    assert months_before(moment("2026-03-31 18:00"), 1, calendar) == moment("2026-02-28 00:00")
    assert months_before(moment("2026-07-15 00:30"), 12, calendar) == moment("2025-07-15 00:00")


# ---- an erasure can't be made up, and hides no other change


async def erased(service: Service) -> tuple[int, list[LedgerRow]]:
    audit = await close_an_audit(service)
    await retired(service, audit, AFTER)
    return audit, await entries(service, audit)


def on(audit: int, number: int) -> Any:
    return (_LEDGER.c.audit_id == audit) & (_LEDGER.c.number == number)


NOT_LEFT = "it isn't what was left of it when it was erased"


async def test_any_change_to_what_was_left_of_an_audits_entries_is_found(service: Service) -> None:
    audit, rows = await erased(service)
    chain, sent, last = f"audit:{audit}", next(row for row in rows if row.kind == "submitted"), rows[-1]
    it, third = on(audit, sent.number), on(audit, 3)
    changes: tuple[dict[str, Any], ...] = (
        {"kind": "declined"},
        {"at": moment("2026-03-11 10:01")},
        {"actor_id": 1},
        {"values": sent.values | {"grade": "good"}},
        {"values": {}},
        {"erased_at": None},
    )
    for change in changes:
        assert await found_after(service, update(_LEDGER).where(it).values(change)) == [
            Broken(chain, sent.number, NOT_LEFT)
        ], change
    assert Broken(chain, sent.number, "its content was changed") in await found_after(
        service, update(_LEDGER).where(it).values(hash="f" * 64)
    )
    assert Broken(chain, sent.number, "it doesn't follow the entry before it") in await found_after(
        service, update(_LEDGER).where(it).values(before="f" * 64)
    )
    unlinked = update(_OUTBOX).values(entry_id=None)
    assert await found_after(service, unlinked, delete(_LEDGER).where(third)) == [
        Broken(chain, 4, "entry 3 is missing")
    ]
    assert await found_after(service, unlinked, delete(_LEDGER).where(on(audit, last.number))) == [
        Broken(chain, last.number, "the last 1 of its entries are missing")
    ]
    whole = delete(_LEDGER).where(_LEDGER.c.audit_id == audit)
    end = delete(_CHAINS).where(_CHAINS.c.name == chain)
    assert await found_after(service, unlinked, whole, end) == [Broken(chain, 1, "the whole of this chain is missing")]

    values: dict[str, Any] = {"opened": [], "closed": []}
    number = last.number + 1
    mark = fingerprint(chain, number, "accepted", last.at, None, values, last.hash)
    forged = {"chain": chain, "number": number, "kind": "accepted", "at": last.at, "audit_id": audit, "values": values}
    put_in = insert(_LEDGER).values(forged | {"before": last.hash, "hash": mark, "erased_at": AFTER})
    assert await found_after(service, put_in) == [
        Broken(chain, number, "nothing attests that it was erased"),
        Broken(chain, number, "it isn't the entry that was last"),
    ]
    assert await broken(service) == []


@sqlite_only
async def test_an_erasure_that_nothing_attests_is_found(service: Service) -> None:
    audit = await close_an_audit(service)
    chain = f"audit:{audit}"
    before = next(row for row in await entries(service, audit) if row.kind == "submitted")
    it = on(audit, before.number)
    emptied = update(_LEDGER).where(it).values(values={"opened": [], "closed": []}, actor_id=None)
    marked = update(_LEDGER).where(it).values(erased_at=AFTER)
    assert await found_after(service, emptied) == [Broken(chain, before.number, "its content was changed")]
    for forgery in ((emptied, marked), (marked,)):
        assert await found_after(service, *forgery) == [
            Broken(chain, before.number, "nothing attests that it was erased")
        ]

    await retired(service, audit, AFTER)
    back = {"values": before.values, "actor_id": before.actor_id, "erased_at": None}
    assert await found_after(service, update(_LEDGER).where(it).values(back)) == [
        Broken(chain, before.number, NOT_LEFT)
    ], "what was erased may not come back"

    (attesting,) = await service.rows(LedgerRow, LedgerRow.chain == "service")
    every = {row.number for row in await entries(service, audit)}
    of_service = _LEDGER.c.chain == "service"
    fewer = attesting.values | {"entries": attesting.values["entries"][1:]}
    found = await found_after(service, update(_LEDGER).where(of_service).values(values=fewer))
    assert Broken("service", 1, "its content was changed") in found
    assert {one.number for one in found if one.chain == chain} == every, "one that was changed attests nothing"
    found = await found_after(service, delete(_LEDGER).where(of_service))
    assert Broken("service", 1, "the last 1 of its entries are missing") in found
    assert {one.number for one in found if one.chain == chain} == every


@sqlite_only
async def test_an_attestation_of_words_that_were_put_into_an_entry_is_not_believed(service: Service) -> None:
    """Even one that is chained as it should be: an erasure takes away, and never says anything new."""
    audit, rows = await erased(service)
    row = next(one for one in rows if one.kind == "submitted")
    forged = row.values | {"rationale": "All is well."}
    mark = fingerprint(row.chain, row.number, row.kind, row.at, None, forged, row.before)
    async with service.store.begin() as tx:
        await tx.execute(update(_LEDGER).where(on(audit, row.number)).values(values=forged))
        await note(
            tx, Event("erased", AFTER, None, {"why": "retention", "entries": [[row.chain, row.number, row.hash, mark]]})
        )
    assert await broken(service) == [Broken(f"audit:{audit}", row.number, NOT_LEFT)]


# ---- the times that a council sets


async def test_until_a_council_sets_a_time_nothing_is_erased(service: Service, tmp_path: Path) -> None:
    audit = await close_an_audit(service)
    before = await everything(service)
    keeping = read_settings(tmp_path, {}).retention.keeping
    assert await Retaining(keeping).take(service.store, moment("2126-04-04 12:00")) == 0
    assert await everything(service) == before
    assert not await retired(service, audit, moment("2126-04-04 12:00"), keeping)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "nothing that people wrote is erased, however old it is."),
        ("alert_months = 72", "nothing that people wrote is erased, however old it is."),
        ("months = 36", "audits with a safety alert are kept whole for ever."),
        ("months = 36\nalert_months = 72", ""),
    ],
)
def test_the_doctor_says_what_is_kept_for_ever_and_where_to_change_that(
    written: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auditloop.toml").write_text(f"[retention]\n{written}\n", "utf-8")
    examine(tmp_path)
    out = capsys.readouterr().out
    assert "Well: the ledger; 0 entries, none of them erased, and the chain holds." in out
    lines = [line for line in out.splitlines() if "auditloop.toml (docs/privacy.md)" in line]
    assert [line.startswith(f"To know: {said}") for line in lines] == ([True] if said else [])
