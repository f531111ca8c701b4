"""An e-mail where another door can't reach a person, or not in time; others hear of it all the same."""

import logging

from audits.people import Person
from scheduling.door import Door, Failure, NotDelivered, Parcel
from scheduling.unreached import SOON
from storage.postings import Place

log = logging.getLogger(__name__)


class EmailFallback:
    """A door that writes an e-mail to whom the door within can't reach for good, or not in time with what is urgent.

    The e-mail is a courtesy to the person and no delivery: the failure stands, so that the message goes up the ladder
    or is tried again, and the QA officer is told, with what became of the e-mail. Each try at a parcel is one e-mail at
    most. Failures that may pass are left to delivery, but for what is urgent and late, or would be when the platform
    takes it again.
    """

    def __init__(self, door: Door, email: Door) -> None:
        self._door = door
        self._email = email

    async def deliver(self, to: Person, parcel: Parcel) -> Place | None:
        """As the door within. Raises NotDelivered."""
        try:
            return await self._door.deliver(to, parcel)
        except NotDelivered as failure:
            if failure.failure is not Failure.PERMANENT and not _presses(parcel, failure):
                raise
            mailed, told = await self._written(to, parcel)
            reason = f"{failure.reason.rstrip(' .')}. {told}"
            raise NotDelivered(failure.failure, reason, failure.retry_after, mailed=mailed) from failure

    async def _written(self, to: Person, parcel: Parcel) -> tuple[bool, str]:
        """Send the e-mail; whether it is out of our hands, and what became of it, as a sentence without its stop."""
        try:
            await self._email.deliver(to, parcel)
        except NotDelivered as failure:
            reason = failure.reason.rstrip(" .")
            if failure.failure is Failure.UNKNOWN:
                return True, f"Whether an e-mail reached them is not known: {reason}"
            return False, f"No e-mail could be sent either: {reason}"
        except Exception as fault:
            # Whatever is wrong with the e-mail, the message must still go to the next person.
            log.exception("an e-mail could not be made or sent")
            return False, f"No e-mail could be sent either: {type(fault).__name__}"
        return True, "An e-mail went to them instead"


def _presses(parcel: Parcel, failure: NotDelivered) -> bool:
    """Whether somebody must hear by e-mail of what may still be delivered."""
    if not parcel.urgent or parcel.mailed:
        return False
    return parcel.late or (failure.retry_after is not None and failure.retry_after >= SOON)
