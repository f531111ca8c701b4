"""A demonstration's clock: where it can be moved to, and the words for where it has been moved."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.desk.service import DeskService
from cards.wording import counted, moment_words

ALREADY = "already"


@dataclass(frozen=True)
class Offer:
    """A button that moves the clock to a moment (UTC)."""

    label: str
    moment: datetime

    @property
    def stamp(self) -> str:
        return stamp(self.moment)


def stamp(moment: datetime) -> str:
    """The moment as it stands in a form or an address, in UTC and to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")


def moment_of(text: str) -> datetime | None:
    """The moment that `stamp` wrote, or None."""
    if not re.fullmatch(r"[0-9]{8}T[0-9]{12}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None


async def offers(service: DeskService) -> tuple[Offer, ...]:
    """The moments to which the clock can be moved now, nearest purpose first; none of them is in the past."""
    now, calendar = service.now(), service.calendar
    local = calendar.local(now)
    tomorrow = calendar.moment(calendar.shift(local.date(), 1), local.time())
    happens = await service.next_moment()
    found = [
        *([Offer("To the next thing that happens", happens)] if happens is not None else []),
        Offer("One working day on", tomorrow),
        Offer("Through to the end of the month’s cycle", await service.month_end()),
    ]
    return tuple(offer for offer in found if offer.moment > now)


async def latest(service: DeskService) -> datetime:
    """The furthest moment that a form may ask for: no slip of an address sends the clock years ahead."""
    return max((offer.moment for offer in await offers(service)), default=service.now())


def outcome(moment: datetime, sent: int) -> str:
    """What the address says after a move, so that the next page can tell."""
    return f"{stamp(moment)}-{sent}"


def notice(text: str, service: DeskService) -> str:
    """The sentence for what an address says of the last move; empty once the clock has moved on."""
    if text == ALREADY:
        return f"The clock stood there already. It is {moment_words(service.now(), service.calendar)}."
    parts = re.fullmatch(r"([0-9T]{21})-([0-9]{1,6})", text)
    moment = moment_of(parts[1]) if parts else None
    if parts is None or moment is None or stamp(moment)[:13] != stamp(service.now())[:13]:
        return ""
    sent = int(parts[2])
    messages = f"{counted(sent, 'message')} {'was' if sent == 1 else 'were'}" if sent else "no message was"
    return f"Moved to {moment_words(moment, service.calendar)}; {messages} sent."
