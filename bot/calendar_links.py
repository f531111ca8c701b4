"""Links to calendar files: signed, for one person, and good until some days after they were made."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from yarl import URL

from cards.card import Download

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
