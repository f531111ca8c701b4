"""The door that is a mailbox: a parcel as an e-mail to one person."""

from collections.abc import Iterable

from audits.people import Person
from bot.email.addresses import is_address
from bot.email.letters import letter
from bot.email.server import MailServer
from bot.settings import EmailSettings
from scheduling.clock import Clock
from scheduling.door import Failure, NotDelivered, Parcel


class Postman:
    """Sends e-mails through the mail server of the settings.

    `guidance` tells people in a sentence or two how to answer, since an e-mail takes no answers; `grades` are the
    labels of the framework's grades, which no e-mail may name.
    """

    def __init__(self, settings: EmailSettings, clock: Clock, *, guidance: str, grades: Iterable[str]) -> None:
        self._server = MailServer(settings)
        self._sender = settings.sender
        self._clock = clock
        self._guidance = guidance
        self._grades = tuple(grades)

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        """Send one e-mail, within 20 seconds. Raises NotDelivered; people who have left get none."""
        if not to.active:
            raise NotDelivered(Failure.PERMANENT, f"{to.name} has left the service")
        if not is_address(to.email):
            raise NotDelivered(Failure.PERMANENT, f"{to.name} has no e-mail address that can be used")
        message = letter(
            to,
            parcel,
            sender=self._sender,
            sent_at=self._clock.now(),
            guidance=self._guidance,
            grades=self._grades,
        )
        await self._server.take(to.email, message)
