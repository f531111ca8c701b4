"""A parcel as an e-mail: what it says, and the headers by which mail programs and mail servers know what it is."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from audits.people import Person
from bot.email.addresses import domain_of
from cards.card import Card, Download, Tone
from cards.discretion import discreet, headline
from cards.plain import one_line, render
from scheduling.door import Parcel

NAME = "auditloop"
OPENING = "auditloop could not bring you this message where you usually get it."
REPEATED = "You may have had this e-mail before."
ALERT = (
    "This is a safety alert. What it says is in auditloop, not in this e-mail. If you can't look there now, please "
    "ring one of the people named here. In an emergency ring 999 first."
)
CLOSING = (
    "Grades, what people wrote and what an audit found are left out of e-mails; you find them in auditloop. "
    "auditloop does not read answers to this e-mail."
)
LONGEST_NAME = 100
LONGEST_SUBJECT = 120

# Seven bits, so that every mail server passes it on unchanged.
_POLICY = SMTP.clone(cte_type="7bit")


def letter(
    to: Person, parcel: Parcel, *, sender: str, sent_at: datetime, guidance: str, grades: Iterable[str]
) -> EmailMessage:
    """The e-mail about a parcel. Both addresses must be ones that `is_address` takes.

    It holds what cards/discretion.py lets through and `guidance`, which says how to answer. The same parcel to the
    same person has the same Message-ID, so that a mail program shows a repeat once.
    """
    card = discreet(parcel.card, grades)
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(NAME, addr_spec=sender)
    message["To"] = Address(_in_header(to.name)[:LONGEST_NAME], addr_spec=to.email)
    message["Subject"] = _in_header(headline(card))[:LONGEST_SUBJECT]
    message["Date"] = sent_at
    message["Message-ID"] = _message_id(to, parcel, domain_of(sender))
    # What a programme sends by itself is answered by no other programme (RFC 3834); Exchange has a header of its own.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    if parcel.urgent:
        message["Importance"] = "high"
    message.set_content(_body(card, guidance, repeat=parcel.repeat))
    for download in card.downloads:
        _attach(message, download)
    return message


def _in_header(text: str) -> str:
    """The text for a header. The standard library would decode an encoded word in it, with line breaks and all."""
    return re.sub(r"=\?+", "=", one_line(text))


def _message_id(to: Person, parcel: Parcel, domain: str) -> str:
    named = json.dumps([to.email.casefold(), *sorted(parcel.keys)])
    return f"<{hashlib.sha256(named.encode()).hexdigest()[:32]}@{domain}>"


def _body(card: Card, guidance: str, *, repeat: bool) -> str:
    text = (
        REPEATED if repeat else "",
        ALERT if card.tone is Tone.ALERT else "",
        f"{OPENING} {guidance}",
    )
    return f"{render(replace(card, text=text))}\n\n{CLOSING}\n"


def _attach(message: EmailMessage, download: Download) -> None:
    kind, _, subtype = download.media_type.partition(";")[0].partition("/")
    message.add_attachment(
        download.content,
        maintype=kind,
        subtype=subtype,
        filename=re.sub(r"[^\w.-]+", "-", download.filename, flags=re.ASCII),
        params={"charset": "utf-8"},
    )
