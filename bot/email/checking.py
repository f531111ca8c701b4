"""The check of the e-mail settings, for `auditloop doctor`."""

from bot.email.server import MailServer
from bot.settings import EmailSettings
from scheduling.door import NotDelivered

SECURED = {"starttls": "encrypted by STARTTLS", "tls": "encrypted", "none": "not encrypted, on this computer only"}


async def examine_email(settings: EmailSettings) -> list[tuple[bool, str]]:
    """Whether e-mails could go out, each finding as a sentence that says what to mend; nothing is sent.

    The mail server is called, for 20 seconds at most. No sentence has the password in it.
    """
    if bool(settings.user) != bool(settings.password.get_secret_value()):
        has, lacks = ("user", "password") if settings.user else ("password", "user")
        return [
            (False, f"email.{has} is set and email.{lacks} is not. Set both, or neither for a server without sign-in.")
        ]
    try:
        await MailServer(settings).greet()
    except NotDelivered as failure:
        return [(False, f"No e-mail can be sent: {failure.reason}.")]
    signed_in = f"signed in as {settings.user}" if settings.user else "without a sign-in"
    return [(True, f"mail server {settings.host}:{settings.port}, {SECURED[settings.security]}, {signed_in}.")]
