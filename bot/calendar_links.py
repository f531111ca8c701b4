"""Links to calendar files: signed, for one person, and good until some days after they were made; and the files."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from yarl import URL

from audits.people import Person
from audits.permissions import sees_grade
from audits.state import Audit
from cards.card import Download
from cards.invitation import invitation, moderation_invitation
from cards.scene import Scene
from storage.store import Store, Transaction

PATH = "/calendar"
GOOD_FOR = timedelta(days=100)
KEY = "calendar links"


@dataclass(frozen=True)
class CalendarLinks:
    """Makes and reads the links. `address` is where the world reaches auditloop, without a slash at its end."""

    key: bytes
    address: str

    def for_person(self, person_id: int, now: datetime) -> Callable[[Download], str | None]:
        """The link of each file for one person; None for a file that no link can bring again."""

        def link(download: Download) -> str | None:
            if not download.ref:
                return None
            until = int((now + GOOD_FOR).timestamp()) // 86_400
            name = f"{download.ref.replace('/', '-')}-{person_id}-{until}"
            return str(URL(self.address) / PATH[1:] / f"{name}-{self._seal(name)}.ics")

        return link

    def read(self, name: str, now: datetime) -> tuple[int, str] | None:
        """Whose file a link's last part names, and its ref; None for a link that isn't ours or is too old."""
        signed, _, seal = name.removesuffix(".ics").rpartition("-")
        if not hmac.compare_digest(seal.encode(), self._seal(signed).encode()):
            return None
        kind, number, person_id, until = signed.split("-")
        if datetime.fromtimestamp((int(until) + 1) * 86_400, UTC) < now:
            return None
        return int(person_id), f"{kind}/{number}"

    def _seal(self, name: str) -> str:
        made = hmac.new(self.key, name.encode(), hashlib.sha256).digest()
        return base64.b32encode(made[:20]).decode().lower()


async def calendar_file(store: Store, person_id: int, ref: str, now: datetime) -> Download | None:
    """The invitation that `ref` names (see Download), as one person gets it; None where there is none any more, or
    where the audit has become somebody else's since the link was made."""
    kind, _, number = ref.partition("/")
    make = {"audit": invitation, "moderation": moderation_invitation}.get(kind)
    async with store.begin() as tx:
        person = tx.directory.get(person_id)
        audit = await tx.audit(int(number)) if number.isdecimal() else None
        if make is None or person is None or not person.active or audit is None or audit.withdrawn:
            return None
        return make(Scene(tx.rules, audit, person, now)) if _has_to_do_with(tx, audit, person, now) else None


def _has_to_do_with(tx: Transaction, audit: Audit, person: Person, now: datetime) -> bool:
    """Whether an audit is a person's own or of those below them, or they have a step of it, or stand in for who has."""
    if sees_grade(tx.rules, audit, person):
        return True
    today = tx.calendar.day_of(now)
    asked = [tx.directory.get(one) for one in (audit.case.holder_id, *(duty.owner_id for duty in audit.open_duties()))]
    return any(person.id in (one.id, tx.directory.stand_in(one, today).id) for one in asked if one is not None)
