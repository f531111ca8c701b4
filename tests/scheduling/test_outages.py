"""Outages that last: who hears of an alert meanwhile, and how quietly the rest arrives when it is over.

Where a story asks the database nothing that another one here doesn't ask it too, it is played on SQLite only.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from audits.messages import Message
from audits.people import Person
from bot.doors import Doors, LastSeen
from bot.email.fallback import EmailFallback
from cards.card import Card
from scheduling.clock import MovedClock
from scheduling.delivery import MOST_IN_VAIN, deliver_due
from scheduling.door import Door, Failure, NotDelivered, Parcel
from scheduling.running import catch_up, run_until
from scheduling.ticker import tick
from scheduling.unreached import SOON
from storage.ledger import post
from storage.postings import Place
from storage.tables import OutboxRow
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Service, moment, sqlite_only

TUESDAY = moment("2026-03-03 10:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALERTED = {"Pat", "Lena", "Hana", "Dev"}
"""Whom an alert about N-1 goes to at once."""


@dataclass
class Platform:
    """A platform that may be down; what it `takes` it had taken before it failed. `only`: for these people."""

    inner: Letterbox = field(default_factory=Letterbox)
    down: NotDelivered | None = None
    takes: bool = False
    only: frozenset[str] = frozenset()
    tried: list[tuple[str, Parcel]] = field(default_factory=list)

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        self.tried.append((to.name, parcel))
        failing = self.down is not None and (not self.only or to.name in self.only)
        if not failing or self.takes:
            await self.inner.deliver(to, parcel)
        if failing and self.down is not None:
            # A new one each time, as a platform would say it.
            raise NotDelivered(self.down.failure, self.down.reason, self.down.retry_after)

    def fails(self, failure: Failure = Failure.TEMPORARY, retry_after: timedelta | None = None) -> None:
        self.down = NotDelivered(failure, "Slack answered status 503", retry_after)

    def works(self) -> None:
        self.down = None

    def keys(self, name: str) -> list[tuple[str, ...]]:
        """The messages that arrived in somebody's chat, those joined into one together."""
        return [parcel.keys for parcel in self.inner.parcels(name)]

    def titles(self, name: str) -> list[str]:
        return [parcel.card.title for parcel in self.inner.parcels(name)]


@pytest.fixture
def platform() -> Platform:
    return Platform()


async def put(service: Service, key: str, to: str = "Marek", *, what: str = "message", at: datetime = TUESDAY) -> None:
    message = Message(key, what, service.ids[to], "manager", "accept", at, notice="told", text=key)
    async with service.store.begin() as tx:
        await post(tx, [message])


async def beat_at(service: Service, door: Door, clock: MovedClock, at: datetime) -> None:
    """One beat at this moment, and none before."""
    clock.move_to(at)
    await catch_up(service.store, door, clock)


async def row_of(service: Service, key: str) -> OutboxRow:
    (row,) = await service.rows(OutboxRow, OutboxRow.key == key)
    return row


async def alerted(service: Service, platform: Platform, at: str = "2026-03-03 10:00") -> int:
    """An audit of which everybody has heard, and then a safety alert about it, with the platform down."""
    audit = await service.allocate("N-1", "Marek", "2026-03-02 09:00")
    await catch_up(service.store, platform, MovedClock(moment("2026-03-02 09:00")))
    platform.inner.emptied()
    platform.fails()
    await service.happens(audit, "safety_raised", at, "Marek", text="Alone at night")
    return audit


# ---- an alert that doesn't arrive


async def test_while_a_platform_is_down_the_next_manager_and_the_officer_get_an_alert_as_well(
    service: Service, platform: Platform
) -> None:
    await alerted(service, platform)
    clock = MovedClock(TUESDAY)
    await run_until(service.store, platform, clock, TUESDAY + MINUTE)
    others = {(service.name(row.to_id), row.notice) for row in await service.rows(OutboxRow) if "/late/" in row.key}
    # Whoever is told anyway isn't told once more; the deputy director's manager is the next.
    assert others == {("Edith", None), ("Quinn", "undelivered")}
    (about_pat,) = [row for row in await service.rows(OutboxRow) if row.text.startswith("A safety alert for Pat ")]
    since = "has not arrived since Tue 3 Mar 2026 at 10:00: Slack answered status 503."
    assert about_pat.text == f"A safety alert for Pat {since}"
    assert about_pat.urgent

    count = len([row for row in await service.rows(OutboxRow) if row.notice == "undelivered"])
    assert count == len(ALERTED)
    await run_until(service.store, platform, clock, TUESDAY + 14 * MINUTE)
    again = [row for row in await service.rows(OutboxRow) if row.notice == "undelivered"]
    assert len(again) == count


async def test_when_the_platform_is_back_everybody_gets_an_alert_once_within_minutes_and_it_says_since_when(
    service: Service, platform: Platform
) -> None:
    await alerted(service, platform)
    clock = MovedClock(TUESDAY)
    await run_until(service.store, platform, clock, TUESDAY + MINUTE)
    for minutes in (15, 30, 45, 59):
        await beat_at(service, platform, clock, TUESDAY + minutes * MINUTE)
    clock.move_to(TUESDAY + HOUR)
    assert platform.inner.names == []
    platform.works()
    await run_until(service.store, platform, clock, TUESDAY + HOUR + 2 * MINUTE)
    for name in ALERTED:
        (parcel,) = platform.inner.parcels(name)
        assert parcel.card.title == "Safety alert: N-1"
        assert parcel.card.text[0] == (
            "I could not bring you this before. It has been on its way since Tue 3 Mar 2026 at 10:00."
        )
        assert parcel.urgent
    (told,) = platform.inner.parcels("Quinn")
    assert told.card.title == f"{len(ALERTED)} messages could not be delivered in time"
    assert told.card.table is not None
    assert {row[0] for row in told.card.table.rows} == ALERTED
    assert {row[2] for row in told.card.table.rows} == {"N-1"}
    assert len(platform.inner.parcels("Edith")) == 1


@sqlite_only
async def test_a_short_trouble_is_no_news_to_anybody(service: Service, platform: Platform) -> None:
    audit = await alerted(service, platform)
    clock = MovedClock(TUESDAY)
    await run_until(service.store, platform, clock, TUESDAY + MINUTE)
    platform.works()
    await run_until(service.store, platform, clock, TUESDAY + 4 * MINUTE)
    assert set(platform.inner.names) >= ALERTED
    assert "Quinn" not in platform.inner.names
    assert {row.state for row in await service.rows(OutboxRow, OutboxRow.audit_id == audit)} == {"sent", "superseded"}


async def test_an_alert_that_somebody_has_taken_up_comes_as_news_and_what_stood_for_it_not_at_all(
    service: Service, platform: Platform
) -> None:
    audit = await alerted(service, platform)
    clock = MovedClock(TUESDAY)
    for minutes in (0, 1, 19):
        await beat_at(service, platform, clock, TUESDAY + minutes * MINUTE)
    for name in ("Lena", "Dev"):
        await service.happens(audit, "acknowledged", "2026-03-03 10:21", name)
    platform.works()
    await run_until(service.store, platform, clock, TUESDAY + 30 * MINUTE)
    assert platform.titles("Pat") == ["Lena has this: N-1"]
    assert "Edith" not in platform.inner.names
    assert not [row for row in await service.rows(OutboxRow) if row.state in ("queued", "unknown") and row.urgent]


@sqlite_only
async def test_alerts_are_tried_every_two_minutes_and_what_can_wait_every_ten(
    service: Service, platform: Platform
) -> None:
    await put(service, "alert", "Pat", what="alert")
    await put(service, "message", "Cas")
    platform.fails()
    platform.only = frozenset({"Pat", "Cas"})
    await run_until(service.store, platform, MovedClock(TUESDAY), TUESDAY + 30 * MINUTE)
    tries = [name for name, _ in platform.tried]
    assert 16 <= tries.count("Pat") <= 26
    assert 7 <= tries.count("Cas") <= 11


async def test_where_a_platform_asks_for_an_hour_it_gets_it_and_others_hear_at_once(
    service: Service, platform: Platform
) -> None:
    await put(service, "alert", "Pat", what="alert")
    platform.fails(retry_after=HOUR)
    platform.only = frozenset({"Pat"})
    clock = MovedClock(TUESDAY)
    await deliver_due(service.store, platform, clock)
    assert (await row_of(service, "alert")).not_before == TUESDAY + HOUR
    assert sorted(platform.inner.names) == ["Lena", "Quinn"]
    platform.works()
    await run_until(service.store, platform, clock, TUESDAY + HOUR)
    assert [name for name, _ in platform.tried].count("Pat") == 2


@sqlite_only
async def test_an_alert_that_may_have_arrived_is_not_repeated_without_end(service: Service, platform: Platform) -> None:
    audit = await alerted(service, platform)
    platform.fails(Failure.UNKNOWN)
    platform.takes = True
    clock = MovedClock(TUESDAY)
    await run_until(service.store, platform, clock, TUESDAY + 40 * MINUTE)
    parcels = platform.inner.parcels("Pat")
    assert 4 <= len(parcels) <= 9
    assert [parcel.repeat for parcel in parcels] == [False] + [True] * (len(parcels) - 1)
    for name in ("Lena", "Dev"):
        await service.happens(audit, "acknowledged", "2026-03-03 10:41", name)
    platform.works()
    await run_until(service.store, platform, clock, TUESDAY + HOUR)
    # Nobody knows whether one of these arrived, so once the way is free it goes a last time, as news.
    (last,) = platform.inner.parcels("Pat")[len(parcels) :]
    assert (last.card.title, last.repeat) == ("Lena has this: N-1", True)


async def test_an_alert_that_may_not_have_arrived_goes_even_once_somebody_else_has_taken_it_up(
    service: Service, platform: Platform
) -> None:
    audit = await alerted(service, platform)
    platform.fails(Failure.UNKNOWN)
    platform.only = frozenset({"Pat"})
    clock = MovedClock(TUESDAY)
    for minutes in (0, 1, 19):
        await beat_at(service, platform, clock, TUESDAY + minutes * MINUTE)
    assert platform.titles("Pat") == []
    for name in ("Lena", "Dev"):
        await service.happens(audit, "acknowledged", "2026-03-03 10:21", name)
    platform.works()
    await run_until(service.store, platform, clock, TUESDAY + HOUR)
    (parcel,) = platform.inner.parcels("Pat")
    assert (parcel.card.title, parcel.repeat) == ("Lena has this: N-1", True)


@sqlite_only
async def test_an_alert_goes_by_e_mail_once_an_hour_and_a_reminder_never(service: Service, platform: Platform) -> None:
    await alerted(service, platform)
    await put(service, "message", "Cas")
    mail = Letterbox()
    door, clock = EmailFallback(platform, mail), MovedClock(TUESDAY)
    await run_until(service.store, door, clock, TUESDAY + MINUTE)
    assert sorted(mail.names) == sorted([*ALERTED, "Quinn", "Edith"])
    for minutes in (20, 40, 55):
        await beat_at(service, door, clock, TUESDAY + minutes * MINUTE)
    assert sorted(name for name in mail.names if name in ALERTED) == sorted(ALERTED)
    assert "Cas" not in mail.names
    (row,) = [row for row in await service.rows(OutboxRow) if row.text.startswith("A safety alert for Pat ")]
    assert "An e-mail went to them instead" in row.text
    await beat_at(service, door, clock, TUESDAY + 65 * MINUTE)
    assert mail.names.count("Pat") == 2
    platform.works()
    await beat_at(service, door, clock, TUESDAY + 70 * MINUTE)
    assert len(platform.inner.parcels("Pat")) == 1


@sqlite_only
async def test_an_escalation_has_five_minutes_before_others_hear(service: Service, platform: Platform) -> None:
    await put(service, "escalation", "Hana", what="escalation")
    platform.fails()
    platform.only = frozenset({"Hana"})
    clock = MovedClock(TUESDAY)
    await run_until(service.store, platform, clock, TUESDAY + SOON - MINUTE)
    assert platform.inner.names == []
    await run_until(service.store, platform, clock, TUESDAY + SOON + 3 * MINUTE)
    assert sorted(platform.inner.names) == ["Dev", "Quinn"]


@pytest.mark.parametrize("failure", [Failure.TEMPORARY, Failure.UNKNOWN])
async def test_what_is_urgent_goes_by_the_other_platform_and_says_if_it_may_have_come_before(
    service: Service, failure: Failure
) -> None:
    async def broken(_to: Person, _parcel: Parcel) -> None:
        raise NotDelivered(failure, "Slack answered status 503")

    other = Letterbox(keeps_places=True)
    doors = Doors(service.store, {"slack": Placed(Letterbox(before=broken)), "teams": Placed(other)}, LastSeen())
    await put(service, "message", "Priya")
    await put(service, "alert", "Pat", what="alert")
    await deliver_due(service.store, doors, MovedClock(TUESDAY))
    (parcel,) = (parcel for _, parcel in other.arrived)
    assert parcel.keys == ("alert",)
    assert ("You may have had this message before." in parcel.card.text) == (failure is Failure.UNKNOWN)
    assert ((await row_of(service, "alert")).state, (await row_of(service, "message")).state) == (
        "sent",
        "unknown" if failure is Failure.UNKNOWN else "queued",
    )


@dataclass
class Placed:
    """A letterbox as a platform's door, which always says where a message stands."""

    inner: Letterbox

    async def deliver(self, to: Person, parcel: Parcel) -> Place:
        place = await self.inner.deliver(to, parcel)
        assert place is not None
        return place

    async def change(self, to: Person, place: Place, card: Card) -> None:
        await self.inner.change(to, place, card)


# ---- the rest


async def test_later_messages_wait_behind_one_that_failed_and_alerts_do_not(
    service: Service, platform: Platform
) -> None:
    for key in ("first", "second", "third"):
        await put(service, key)
    platform.fails()
    clock = MovedClock(TUESDAY)
    await deliver_due(service.store, platform, clock)
    assert [parcel.keys for _, parcel in platform.tried] == [("first",)]
    await put(service, "alert", what="alert")
    await deliver_due(service.store, platform, clock)
    assert [parcel.keys for _, parcel in platform.tried][1] == ("alert",)
    platform.works()
    await run_until(service.store, platform, clock, TUESDAY + MINUTE)
    assert platform.keys("Marek") == [("alert",), ("first",), ("second",), ("third",)]


async def test_one_message_that_never_goes_does_not_hold_the_others_for_ever(service: Service) -> None:
    for key in ("first", "second"):
        await put(service, key)

    async def refuse(_to: Person, parcel: Parcel) -> None:
        if parcel.keys == ("first",):
            raise NotDelivered(Failure.TEMPORARY, "Slack answered status 500")

    door = Letterbox(before=refuse)
    await run_until(service.store, door, MovedClock(TUESDAY), TUESDAY + 5 * MINUTE)
    assert door.keys == ["second"]


async def test_a_dead_platform_is_not_asked_for_everybody_and_alerts_are_tried_all_the_same(
    service: Service, platform: Platform
) -> None:
    for name in service.ids:
        await put(service, name, name)
    await put(service, "alert", "Cyn", what="alert")
    platform.fails()
    assert len(service.ids) > MOST_IN_VAIN
    await deliver_due(service.store, platform, MovedClock(TUESDAY))
    assert len(platform.tried) == MOST_IN_VAIN
    assert platform.tried[0][1].keys == ("alert",)
    await put(service, "another", "Cora", what="alert")
    platform.tried.clear()
    await deliver_due(service.store, platform, MovedClock(TUESDAY))
    assert platform.tried[0][1].keys == ("another",)
    platform.works()
    await run_until(service.store, platform, MovedClock(TUESDAY), TUESDAY + 10 * MINUTE)
    assert {name for name, _ in platform.inner.arrived} == set(service.ids)


@sqlite_only
async def test_what_failed_before_the_quiet_hours_is_not_tried_in_them(service: Service, platform: Platform) -> None:
    evening = moment("2026-03-06 17:59")
    await put(service, "message", at=evening)
    platform.fails()
    clock = MovedClock(evening)
    await run_until(service.store, platform, clock, moment("2026-03-06 18:05"))
    platform.works()
    await put(service, "alert", what="alert", at=clock.now())
    await run_until(service.store, platform, clock, moment("2026-03-09 07:59"))
    assert platform.keys("Marek") == [("alert",)]
    await run_until(service.store, platform, clock, moment("2026-03-09 08:30"))
    assert platform.keys("Marek") == [("alert",), ("message",)]


@sqlite_only
async def test_what_is_asked_only_now_is_not_reminded_of_at_the_same_time(service: Service, platform: Platform) -> None:
    platform.fails()
    for ref in ("N-1", "N-2", "N-4"):
        await service.allocate(ref, "Marek", "2026-03-03 09:00")
    clock = MovedClock(TUESDAY)
    for at in ("2026-03-03 10:00", "2026-03-04 10:00", "2026-03-05 10:00"):
        clock.move_to(moment(at))
        await catch_up(service.store, platform, clock)
    assert await service.rows(OutboxRow, OutboxRow.what == "nudge")
    platform.works()
    await run_until(service.store, platform, clock, moment("2026-03-05 10:10"))
    assert [key.split("/")[1:3] for (key,) in platform.keys("Marek")] == [
        ["complete_audit", "1"],
        ["accept", "1"],
    ] * 3 or ([key.split("/")[1] for (key,) in platform.keys("Marek")] == ["accept", "complete_audit"] * 3)
    assert {row.state for row in await service.rows(OutboxRow, OutboxRow.what == "nudge")} == {"superseded"}


# ---- a week


async def a_month_begun(service: Service, platform: Platform) -> list[int]:
    """Five audits of which everybody has heard, none of them taken."""
    audits = [
        await service.allocate(ref, auditor, "2026-03-02 09:00")
        for ref, auditor in (("N-1", "Marek"), ("N-2", "Priya"), ("N-3", "Marek"), ("N-4", "Priya"), ("S-1", "Mo"))
    ]
    await catch_up(service.store, platform, MovedClock(moment("2026-03-02 09:00")))
    platform.inner.emptied()
    return audits


async def happened(service: Service, done: int, alert: int) -> None:
    """One audit has been taken, and about another there is an alert."""
    await service.happens(done, "accepted", "2026-03-05 13:00", "Marek")
    await service.happens(alert, "safety_raised", "2026-03-05 13:00", "Priya", text="Alone at night")


def quiet_and_right(platform: Platform, done: int) -> None:
    """Nobody got more than one card of reminders and one of escalations, and none about what is done."""
    for name in set(platform.inner.names):
        parcels = platform.inner.parcels(name)
        kinds = [kind_of(parcel) for parcel in parcels]
        assert kinds.count("reminder") <= 1, (name, kinds)
        assert kinds.count("escalation") <= 1, (name, kinds)
        order = [("alert", "escalation", "ask", "reminder").index(kind) for kind in kinds]
        assert order == sorted(order), (name, kinds)
    assert not [key for key in platform.inner.keys if key.startswith(f"{done}/accept/")]


def kind_of(parcel: Parcel) -> str:
    key = parcel.keys[0]
    if "acknowledge_alert" in key:
        return "alert"
    if parcel.urgent:
        return "escalation"
    return "reminder" if "/nudge@" in key or "/overdue@" in key else "ask"


@pytest.mark.parametrize("which", ["auditloop", "the platform"])
async def test_after_a_week_the_first_ten_minutes_are_quiet_and_right(
    service: Service, platform: Platform, which: str
) -> None:
    done, alert, *_ = await a_month_begun(service, platform)
    clock, back = MovedClock(TUESDAY), moment("2026-03-16 09:30")
    if which == "the platform":
        platform.fails()
        for day in ("03", "05", "06", "09", "10", "13"):
            if day == "06":
                await happened(service, done, alert)
            await beat_at(service, platform, clock, moment(f"2026-03-{day} 10:00"))
        platform.works()
    else:
        # This was the last that happened before it went.
        await happened(service, done, alert)
    clock.move_to(back)
    await run_until(service.store, platform, clock, back + 10 * MINUTE)
    quiet_and_right(platform, done)
    assert platform.titles("Pat")[0] == "Safety alert: N-2"
    # None of the escalations is skipped: each row went, in whatever card.
    escalations = await service.rows(OutboxRow, OutboxRow.what == "escalation", OutboxRow.duty == "accept")
    assert escalations
    assert {row.state for row in escalations if row.notice is None and "/late/" not in row.key} == {"sent"}
    assert not await service.rows(OutboxRow, OutboxRow.state.in_(("queued", "unknown")), OutboxRow.urgent.is_(True))
    platform.inner.emptied()
    await run_until(service.store, platform, clock, back + HOUR)
    assert [parcel.card.title for _, parcel in platform.inner.arrived if not parcel.urgent] == []


@sqlite_only
async def test_a_head_of_service_gets_one_card_with_all_that_is_overdue(service: Service, platform: Platform) -> None:
    await a_month_begun(service, platform)
    clock = MovedClock(moment("2026-04-13 09:30"))
    await tick(service.store, clock.now())
    await deliver_due(service.store, platform, clock)
    cards = [parcel.card for parcel in platform.inner.parcels("Hana") if parcel.urgent]
    assert len(cards) == 1
    assert cards[0].table is not None
    assert cards[0].title == f"{len(cards[0].table.rows)} steps waiting for help"
    assert {row[1] for row in cards[0].table.rows} == {"N-1", "N-2", "N-3", "N-4"}
