"""The mail server: connecting to it as the settings say, handing a message over, and what its refusals mean."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from socket import gaierror

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from bot.email.addresses import domain_of
from bot.settings import EmailSettings
from scheduling.door import Failure, NotDelivered

PATIENCE = 17.0
"""Seconds for a whole call, from the name of the server to its receipt."""
GOODBYE = 2.0
"""Seconds for taking leave, when the message is already handed over or refused."""
SIGN_IN_WANTED = frozenset({530, 534, 535, 538})
"""Codes that speak of our sign-in, at whatever step a server gives them."""


@dataclass
class _Call:
    """How far a call has come, in words; `in_doubt` from when the message may have been taken."""

    step: str = "while connecting"
    in_doubt: bool = False


@dataclass(frozen=True)
class MailServer:
    """The mail server of the settings. Every call is a connection of its own and ends within 20 seconds.

    Certificates are checked against this computer's trusted authorities (a council's own can be named by the
    environment variable SSL_CERT_FILE). What a server says in words is never repeated: it may say anything, even what
    was sent to it. Its code is.
    """

    settings: EmailSettings
    patience: float = PATIENCE

    async def take(self, recipient: str, message: EmailMessage) -> None:
        """Hand a message over. Raises NotDelivered.

        Permanent: it refuses this recipient or this message for good. Unknown: it was handed over and nothing came
        back. Temporary: everything else, a wrong setting too, since it may be mended.
        """
        content = message.as_bytes()
        async with self._called() as (smtp, call):
            call.step = "while taking the address"
            await smtp.mail(self.settings.sender)
            await smtp.rcpt(recipient)
            call.step, call.in_doubt = "while taking the e-mail", True
            await smtp.data(content)

    async def greet(self) -> None:
        """Do everything but send: connect, encrypt, sign in, and ask to send as the sender. Raises NotDelivered."""
        async with self._called() as (smtp, call):
            call.step = "while taking the sender's address"
            await smtp.mail(self.settings.sender)
            await smtp.rset()

    @asynccontextmanager
    async def _called(self) -> AsyncIterator[tuple[SMTP, _Call]]:
        call = _Call()
        smtp = SMTP(
            port=self.settings.port,
            local_hostname=domain_of(self.settings.sender),
            timeout=self.patience,
            use_tls=self.settings.security == "tls",
            # STARTTLS is asked for below: left to itself, the library goes on without it.
            start_tls=False,
        )
        try:
            async with asyncio.timeout(self.patience):
                await self._open(smtp, call)
                yield smtp, call
            await _leave(smtp)
        except (SMTPException, OSError, ValueError) as error:
            if isinstance(error, SMTPResponseException):
                await _leave(smtp)
            # Without its cause: that holds the server's words.
            raise self._explained(error, call) from None
        finally:
            smtp.close()

    async def _open(self, smtp: SMTP, call: _Call) -> None:
        settings = self.settings
        await smtp.connect(hostname=settings.host)
        await smtp.ehlo()
        if settings.security == "starttls":
            call.step = "while encrypting"
            if not smtp.supports_extension("starttls"):
                raise NotDelivered(Failure.TEMPORARY, f"{self._name} does not offer STARTTLS")
            await smtp.starttls()
            await smtp.ehlo()
        if settings.user:
            call.step = "while signing in"
            if not smtp.supported_auth_methods:
                raise NotDelivered(Failure.TEMPORARY, f"{self._name} offers no sign-in with a password")
            await smtp.login(settings.user, settings.password.get_secret_value())

    @property
    def _name(self) -> str:
        return f"the mail server {self.settings.host}:{self.settings.port}"

    def _explained(self, error: Exception, call: _Call) -> NotDelivered:
        if isinstance(error, SMTPResponseException) and error.code > 0:
            return self._refused(error, call)
        broken = error if isinstance(error, ssl.SSLError) else error.__cause__
        if isinstance(broken, ssl.SSLCertVerificationError):
            words = f"has a certificate that can't be trusted ({broken.verify_message})"
        elif isinstance(broken, ssl.SSLError):
            words = "could not agree with us on encryption; is this the right port for the setting security?"
        elif isinstance(error, TimeoutError):
            words = f"did not answer in time {call.step}"
        elif isinstance(broken, gaierror):
            words = "is not known by that name"
        elif isinstance(error, SMTPServerDisconnected):
            words = f"closed the connection {call.step}"
        elif isinstance(error, SMTPResponseException):
            words = f"gave an answer that isn't a mail server's {call.step}"
        elif isinstance(error, OSError):
            words = "can't be reached"
        else:
            words = f"can't be spoken to as the settings say ({type(error).__name__} {call.step})"
        return NotDelivered(Failure.UNKNOWN if call.in_doubt else Failure.TEMPORARY, f"{self._name} {words}")

    def _refused(self, error: SMTPResponseException, call: _Call) -> NotDelivered:
        final = error.code >= 500
        failure = Failure.TEMPORARY
        if isinstance(error, SMTPAuthenticationError) or error.code in SIGN_IN_WANTED:
            words = "does not accept the user name and password" if final else "can't check the password just now"
        elif isinstance(error, SMTPSenderRefused):
            words = f"does not let auditloop send as {self.settings.sender}"
        elif isinstance(error, SMTPRecipientRefused):
            failure = Failure.PERMANENT if final else Failure.TEMPORARY
            words = "refuses the address" if final else "does not take mail for the address just now"
        elif isinstance(error, SMTPDataError):
            failure = Failure.PERMANENT if final else Failure.TEMPORARY
            words = "refuses the e-mail" if final else "does not take the e-mail just now"
        else:
            words = f"refuses us {call.step}"
        return NotDelivered(failure, f"{self._name} {words} ({error.code})")


async def _leave(smtp: SMTP) -> None:
    with suppress(SMTPException, OSError):
        await smtp.quit(timeout=GOODBYE)
