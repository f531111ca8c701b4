"""An e-mail where another door can't reach a person; the ladder and the QA officer hear of it all the same."""

import logging

from audits.people import Person
from scheduling.door import Door, Failure, NotDelivered, Parcel
from storage.postings import Place

log = logging.getLogger(__name__)


class EmailFallback:
    """A door that writes an e-mail to whom the door within can't reach for good.

    The e-mail is a courtesy to the person and no delivery: the failure stands, so that the message goes up the ladder
    and the QA officer is told, with what became of the e-mail. Each try at a parcel is one e-mail at most, and one that
    fails isn't tried again, because others have the message by then. Failures that may pass are left to delivery.
    """

    def __init__(self, door: Door, email: Door) -> None:
        self._door = door
        self._email = email

    async def deliver(self, to: Person, parcel: Parcel) -> Place | None:
        """As the door within. Raises NotDelivered."""
        try:
            return await self._door.deliver(to, parcel)
        except NotDelivered as failure:
            if failure.failure is not Failure.PERMANENT:
                raise
            told = await self._written(to, parcel)
            reason = f"{failure.reason.rstrip(' .')}. {told}"
            raise NotDelivered(Failure.PERMANENT, reason, failure.retry_after) from failure

    async def _written(self, to: Person, parcel: Parcel) -> str:
        """Send the e-mail; what became of it, as a sentence without its stop."""
        try:
            await self._email.deliver(to, parcel)
        except NotDelivered as failure:
            reason = failure.reason.rstrip(" .")
            if failure.failure is Failure.UNKNOWN:
                return f"Whether an e-mail reached them is not known: {reason}"
            return f"No e-mail could be sent either: {reason}"
        except Exception as fault:
            # Whatever is wrong with the e-mail, the message must still go to the next person.
            log.exception("an e-mail could not be made or sent")
            return f"No e-mail could be sent either: {type(fault).__name__}"
        return "An e-mail went to them instead"
