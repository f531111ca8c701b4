"""What goes wrong between auditloop and Slack: either Slack said no, or nobody knows what it would have said."""

from datetime import timedelta


class Refused(Exception):
    """Slack answered with an error. `code` is Slack's own word, `status` HTTP's, `retry_after` what it asked for.

    `needed` names the scope that the token would have to have, where that is what is wrong.
    """

    def __init__(self, code: str, status: int = 200, retry_after: timedelta | None = None, *, needed: str = "") -> None:
        told = f"{code} ({needed})" if needed else code or f"status {status}"
        super().__init__(f"Slack answered {told}")
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.needed = needed


class Unanswered(Exception):
    """Slack didn't answer, or not readably.

    `may_have_arrived` is False where the request can't have left this machine.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived
