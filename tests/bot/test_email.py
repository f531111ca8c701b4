"""E-mail for whom the platform can't reach: what it says, how it goes, and who hears of it all the same."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from socket import socket
from typing import Any, Literal

import pytest

from audits.people import Person
from bot.email.addresses import is_address
from bot.email.checking import examine_email
from bot.email.fallback import EmailFallback
from bot.email.letters import letter
from bot.email.postman import Postman
from bot.email.server import GOODBYE, PATIENCE
from bot.email.server import MailServer as Client
from bot.settings import EmailSettings
from cards.card import Card, Download, Fact, Tone, Why
from scheduling.clock import MovedClock
from scheduling.door import Failure, NotDelivered, Parcel
from storage.postings import Place
from tests.bot.smtp import CONTENT, LOOPBACK, Certificates, MailServer, certificates, listening
from tests.handlers import conftest as southampton
from tests.handlers.conftest import CASE, SENT, Service

founded = southampton.founded
service = southampton.service

ALICE = Person(7, "Alice Avocet", "alice@example.org", "case_holder")
NOW = datetime(2026, 4, 2, 13, 30, tzinfo=UTC)
SENDER = "auditloop@example.org"
GUIDANCE = "Please open auditloop in Teams; if it isn't there, add the app."
GRADES = ("Outstanding", "Good", "Requires improvement", "Inadequate")
PASSWORD = "correct horse £ battery"
CARD = Card(
    title="Your audit for April 2026: K7F-204",
    text=("Please audit this case together with its practitioner.",),
    tone=Tone.ASK,
    facts=(Fact("Case", "K7F-204, child protection plan"), Fact("Answer by", "Thu 9 Apr 2026")),
    why=Why("Please say whether you can take it.", "Framework, 3", ("SOU-1",)),
)
PARCEL = Parcel(keys=("12/accept/ask/7",), card=CARD, urgent=False, repeat=False)


def written(to: Person = ALICE, parcel: Parcel = PARCEL, sent_at: datetime = NOW) -> EmailMessage:
    return letter(to, parcel, sender=SENDER, sent_at=sent_at, guidance=GUIDANCE, grades=GRADES)


def text_of(message: EmailMessage) -> str:
    body = message.get_body()
    assert body is not None
    return str(body.get_content())


def settings_for(server: MailServer, **changed: Any) -> EmailSettings:
    user, password = server.login or ("", "")
    given = {"user": user, "password": password, "security": server.security} | changed
    return EmailSettings(**({"host": LOOPBACK, "port": server.port, "sender": SENDER} | given))


def postman(settings: EmailSettings) -> Postman:
    return Postman(settings, MovedClock(NOW), guidance=GUIDANCE, grades=GRADES)


async def failure_of(settings: EmailSettings, *, patience: float = 15.0) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        await Client(settings, patience).take(ALICE.email, written())
    return caught.value


@pytest.fixture(scope="module")
def vouched(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(vouched: Certificates, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """This computer trusts the authority of the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(vouched.authority))
    return vouched


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A mail server on this computer that wants neither encryption nor a sign-in."""
    async with listening(MailServer()) as opened:
        yield opened


# ---- what it says


def test_an_e_mail_says_what_is_asked_by_when_and_how_to_answer() -> None:
    message = written()
    assert message["Subject"] == "Please answer: K7F-204"
    assert text_of(message) == (
        "Please answer\n\n"
        "Your audit for April 2026: K7F-204\n\n"
        "auditloop could not bring you this message where you usually get it. Please open auditloop in Teams; if it "
        "isn't there, add the app.\n\n"
        "Case: K7F-204\n"
        "Answer by: Thu 9 Apr 2026\n\n"
        "Why am I being asked?\n"
        "Please say whether you can take it.\n"
        "Where it is written: Framework, 3\n"
        "Rule: SOU-1\n\n"
        "Grades, what people wrote and what an audit found are left out of e-mails; you find them in auditloop. "
        "auditloop does not read answers to this e-mail.\n"
    )
    assert not message.is_multipart()


def test_the_headers_say_whose_it_is_and_that_no_programme_should_answer() -> None:
    message = written()
    assert str(message["From"]) == "auditloop <auditloop@example.org>"
    assert str(message["To"]) == "Alice Avocet <alice@example.org>"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["Importance"] is None
    assert written(parcel=replace(PARCEL, urgent=True))["Importance"] == "high"


def test_a_repeat_has_the_same_message_id_and_says_that_it_may_be_one() -> None:
    first = written()
    again = written(parcel=replace(PARCEL, repeat=True), sent_at=NOW + timedelta(hours=1))
    assert again["Message-ID"] == first["Message-ID"]
    assert "You may have had this e-mail before." in text_of(again)
    assert "before" not in text_of(first)


def test_another_message_or_another_person_has_another_message_id() -> None:
    bob = replace(ALICE, id=8, email="bob@example.org")
    joined = replace(PARCEL, keys=("12/accept/ask/7", "13/accept/ask/7"))
    split = replace(PARCEL, keys=("12/accept/ask/7/13/accept/ask/7",))
    ids = {
        str(message["Message-ID"])
        for message in (written(), written(bob), *(written(ALICE, one) for one in (joined, split)))
    }
    assert len(ids) == 4
    backwards = replace(joined, keys=joined.keys[::-1])
    assert written(parcel=backwards)["Message-ID"] == written(parcel=joined)["Message-ID"]


def test_a_message_id_is_one_line_and_in_the_domain_of_the_sender() -> None:
    sender = "auditloop@quality-assurance.childrens-services.a-long-name.example.org"
    message = letter(ALICE, PARCEL, sender=sender, sent_at=NOW, guidance="", grades=())
    (line,) = (one for one in message.as_bytes().split(b"\r\n") if one.lower().startswith(b"message-id"))
    assert line.endswith(b"@quality-assurance.childrens-services.a-long-name.example.org>")


def test_a_safety_alert_says_whom_to_ring_and_not_what_happened() -> None:
    facts = (
        *CARD.facts,
        Fact("Practitioner", "Alice Avocet (Red)"),
        Fact("Raised", "Thu 2 Apr 2026 at 14:00, by Dan Dunlin"),
    )
    alert = Card("Safety alert: K7F-204", ("Left alone at night.",), Tone.ALERT, facts)
    message = written(parcel=replace(PARCEL, card=alert, urgent=True))
    assert message["Subject"] == "Safety alert: K7F-204"
    text = text_of(message)
    assert "please ring one of the people named here. In an emergency ring 999 first." in text
    assert "Practitioner: Alice Avocet (Red)\nRaised: Thu 2 Apr 2026 at 14:00, by Dan Dunlin" in text
    assert "night" not in text


def test_an_invitation_goes_as_a_file() -> None:
    calendar = "BEGIN:VCALENDAR\r\nSUMMARY:Łódź\r\nEND:VCALENDAR\r\n".encode()
    card = replace(CARD, downloads=(Download("Add to your calendar", "audit-K7/F 204.ics", "text/calendar", calendar),))
    message = written(parcel=replace(PARCEL, card=card))
    (attached,) = message.iter_attachments()
    assert attached.get_content_type() == "text/calendar"
    assert attached.get_param("charset") == "utf-8"
    assert attached.get_filename() == "audit-K7-F-204.ics"
    assert attached.get_payload(decode=True) == calendar
    assert "A file goes with this message: Add to your calendar" in text_of(message)


@pytest.mark.parametrize(
    "name",
    [
        "Alice\r\nBcc: everyone@example.org",
        "Alice\n\nClick here: http://example.org",
        "Alice\x0bBcc: everyone@example.org",
        "Alice\u2028Bcc: everyone@example.org",
        "Alice\0",
        "<b>Alice</b> <eve@example.org>",
        'Alice", "Eve" <eve@example.org>, "',
        "Alice =?utf-8?q?=0ABcc=3A_everyone=40example=2Eorg?=",
        "Zoë Ølsen-Łukasz, " * 20,
    ],
)
async def test_no_name_gets_a_header_or_another_recipient_into_an_e_mail(server: MailServer, name: str) -> None:
    card = Card(title=f"{name} sees the audit differently", facts=(Fact("Case", f"{name}, plan"),))
    person = replace(ALICE, name=name)
    await postman(settings_for(server)).deliver(person, replace(PARCEL, card=card))
    mail = server.one
    assert mail.recipients == ("alice@example.org",)
    assert sorted(mail.message.keys()) == sorted(written().keys())
    assert [address.addr_spec for address in mail.message["To"].addresses] == ["alice@example.org"]
    lines = mail.content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    headers = [line.partition(b":")[0].decode() for line in lines if not line.startswith((b" ", b"\t"))]
    assert sorted(headers) == sorted(written().keys())
    assert mail.content.isascii()


async def test_an_e_mail_arrives_letter_by_letter(server: MailServer) -> None:
    title = "Zoë – “quoted” .\u00a0= 100 % ✓"
    guidance = "\n".join([".", "..", "From here: =20", "x" * 2000])
    settings = settings_for(server)
    sending = Postman(settings, MovedClock(NOW), guidance=guidance, grades=())
    await sending.deliver(replace(ALICE, name="Zoë Ölsen"), replace(PARCEL, card=replace(CARD, title=title)))
    assert server.one.message["To"].addresses[0].display_name == "Zoë Ölsen"
    assert "Zoë – “quoted” . = 100 % ✓" in server.one.text
    assert f". .. From here: =20 {'x' * 2000}" in server.one.text
    assert all(len(line) <= 998 for line in server.one.content.split(b"\r\n"))


@pytest.mark.parametrize("address", ["a@b", "alice.avocet@example.org", "o'neill+qa@sub.example.gov.uk"])
def test_a_plain_address_is_one(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "", "alice", "alice@", "@example.org", "a b@example.org", "alice@example.org\n", "alice@example.org\r\nQUIT",
        "Alice <alice@example.org>", "alice@example.org, eve@example.org", '"a b"@example.org', "alice@exa mple.org",
        "alice@example.org>", "zoë@example.org", "alice@-example.org", "alice@[127.0.0.1]", "a" * 250 + "@example.org",
    ],
)  # fmt: skip
def test_anything_else_is_none_and_gets_no_e_mail(address: str) -> None:
    assert not is_address(address)


async def test_a_person_without_a_usable_address_can_not_be_reached(server: MailServer) -> None:
    with pytest.raises(NotDelivered) as caught:
        await postman(settings_for(server)).deliver(replace(ALICE, email="alice@example.org, eve@example.org"), PARCEL)
    assert (caught.value.failure, server.steps) == (Failure.PERMANENT, [])
    assert caught.value.reason == "Alice Avocet has no e-mail address that can be used"


async def test_somebody_who_has_left_gets_no_e_mail(server: MailServer) -> None:
    with pytest.raises(NotDelivered) as caught:
        await postman(settings_for(server)).deliver(replace(ALICE, active=False), PARCEL)
    assert (caught.value.failure, server.steps) == (Failure.PERMANENT, [])


# ---- how it goes


async def test_an_e_mail_goes_to_one_person_from_the_sender_of_the_settings(server: MailServer) -> None:
    await postman(settings_for(server)).deliver(ALICE, PARCEL)
    mail = server.one
    assert (mail.sender, mail.recipients) == (SENDER, ("alice@example.org",))
    assert mail.text.replace("\r\n", "\n") == text_of(written())
    assert server.steps == ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", CONTENT, "QUIT"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_e_mail_goes_encrypted_and_signed_in(
    trusted: Certificates, security: Literal["starttls", "tls"]
) -> None:
    login = ("auditloop", PASSWORD)
    async with listening(MailServer(security=security, login=login, context=trusted.good)) as server:
        await postman(settings_for(server)).deliver(ALICE, PARCEL)
    assert (server.one.encrypted, server.one.user) == (True, "auditloop")
    if security == "starttls":
        assert server.steps.index("STARTTLS") < server.steps.index("AUTH")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nothing_is_said_to_a_server_whose_certificate_is_not_trusted(
    vouched: Certificates, security: Literal["starttls", "tls"]
) -> None:
    async with listening(MailServer(security=security, login=("a", PASSWORD), context=vouched.good)) as server:
        failure = await failure_of(settings_for(server))
    assert failure.failure is Failure.TEMPORARY
    assert "has a certificate that can't be trusted (unable to get local issuer certificate)" in failure.reason
    assert not {"AUTH", "MAIL"} & set(server.steps)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nothing_is_said_to_a_server_with_the_certificate_of_another(
    trusted: Certificates, security: Literal["starttls", "tls"]
) -> None:
    async with listening(MailServer(security=security, login=("a", PASSWORD), context=trusted.elsewhere)) as server:
        failure = await failure_of(settings_for(server))
    assert failure.failure is Failure.TEMPORARY
    assert "IP address mismatch" in failure.reason
    assert not {"AUTH", "MAIL"} & set(server.steps)


async def test_nothing_goes_unencrypted_where_starttls_is_asked_for(server: MailServer) -> None:
    failure = await failure_of(settings_for(server, security="starttls", user="auditloop", password=PASSWORD))
    assert failure.failure is Failure.TEMPORARY
    assert failure.reason == f"the mail server {LOOPBACK}:{server.port} does not offer STARTTLS"
    assert server.steps == ["GREETING", "EHLO"]


async def test_a_port_that_is_not_encrypted_is_named(trusted: Certificates, server: MailServer) -> None:
    failure = await failure_of(settings_for(server, security="tls"))
    assert failure.failure is Failure.TEMPORARY
    assert "is this the right port for the setting security?" in failure.reason


async def test_a_wrong_password_is_ours_to_mend() -> None:
    async with listening(MailServer(login=("auditloop", PASSWORD))) as server:
        failure = await failure_of(settings_for(server, password="wrong"))
    assert failure.failure is Failure.TEMPORARY
    assert failure.reason.endswith("does not accept the user name and password (535)")


async def test_a_server_that_wants_a_sign_in_is_ours_to_mend() -> None:
    async with listening(MailServer(login=("auditloop", PASSWORD))) as server:
        failure = await failure_of(settings_for(server, user="", password=""))
    assert failure.failure is Failure.TEMPORARY
    assert failure.reason.endswith("does not accept the user name and password (530)")


async def test_a_server_without_a_sign_in_is_named(server: MailServer) -> None:
    failure = await failure_of(settings_for(server, user="auditloop", password=PASSWORD))
    assert failure.failure is Failure.TEMPORARY
    assert failure.reason.endswith("offers no sign-in with a password")


@pytest.mark.parametrize(
    ("step", "answer", "kind", "words"),
    [
        ("GREETING", "554 no service", Failure.TEMPORARY, "refuses us while connecting (554)"),
        ("GREETING", "421 too busy", Failure.TEMPORARY, "refuses us while connecting (421)"),
        ("GREETING", "HTTP/1.1 400 Bad", Failure.TEMPORARY, "isn't a mail server's while connecting"),
        ("MAIL", "550 5.7.1 not you", Failure.TEMPORARY, f"does not let auditloop send as {SENDER} (550)"),
        ("RCPT", "550 5.1.1 no such user", Failure.PERMANENT, "refuses the address (550)"),
        ("RCPT", "553 not allowed", Failure.PERMANENT, "refuses the address (553)"),
        ("RCPT", "450 4.2.0 try later", Failure.TEMPORARY, "does not take mail for the address just now (450)"),
        ("RCPT", "421 closing", Failure.TEMPORARY, "does not take mail for the address just now (421)"),
        ("RCPT", "530 sign in first", Failure.TEMPORARY, "does not accept the user name and password (530)"),
        ("DATA", "554 no", Failure.PERMANENT, "refuses the e-mail (554)"),
        (CONTENT, "554 5.7.1 looks like spam", Failure.PERMANENT, "refuses the e-mail (554)"),
        (CONTENT, "452 disk full", Failure.TEMPORARY, "does not take the e-mail just now (452)"),
        (CONTENT, "what?", Failure.UNKNOWN, "isn't a mail server's while taking the e-mail"),
    ],
)
async def test_a_refusal_is_permanent_only_where_it_is_about_this_person_or_this_message(
    server: MailServer, step: str, answer: str, kind: Failure, words: str
) -> None:
    server.answers[step] = answer
    failure = await failure_of(settings_for(server))
    assert (failure.failure, server.taken) == (kind, [])
    assert failure.reason.endswith(words)


EVERY_STEP = ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", CONTENT]
IN_DOUBT = {"DATA", CONTENT}


@pytest.mark.parametrize("step", EVERY_STEP)
async def test_a_server_that_hangs_up_leaves_it_unknown_only_once_the_message_was_on_its_way(
    server: MailServer, step: str
) -> None:
    server.drops_at = step
    failure = await failure_of(settings_for(server))
    assert failure.failure is (Failure.UNKNOWN if step in IN_DOUBT else Failure.TEMPORARY)


@pytest.mark.parametrize("step", EVERY_STEP)
async def test_a_server_that_says_nothing_more_is_given_up_in_time(server: MailServer, step: str) -> None:
    server.hangs_at = step
    failure = await failure_of(settings_for(server), patience=0.2)
    assert failure.failure is (Failure.UNKNOWN if step in IN_DOUBT else Failure.TEMPORARY)
    assert "did not answer in time while" in failure.reason


@pytest.mark.parametrize("fault", [{"hangs_at": "QUIT"}, {"drops_at": "QUIT"}, {"answers": {"QUIT": "500 no"}}])
async def test_an_e_mail_that_was_taken_has_gone_however_the_server_takes_leave(
    monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    monkeypatch.setattr("bot.email.server.GOODBYE", 0.1)
    async with listening(MailServer(**fault)) as server:
        await postman(settings_for(server)).deliver(ALICE, PARCEL)
    assert len(server.taken) == 1


def test_a_call_and_its_goodbye_end_within_twenty_seconds() -> None:
    assert PATIENCE + GOODBYE < 20


async def test_a_server_that_is_not_there_is_a_passing_failure() -> None:
    with socket() as taken:
        taken.bind((LOOPBACK, 0))
        failure = await failure_of(settings_for(MailServer(port=taken.getsockname()[1])))
    assert failure.failure is Failure.TEMPORARY
    assert failure.reason.endswith("can't be reached")


async def test_a_host_that_can_be_none_is_a_passing_failure() -> None:
    failure = await failure_of(EmailSettings(host="mail\r\nQUIT", sender=SENDER))
    assert failure.failure is Failure.TEMPORARY
    assert "can't be spoken to as the settings say" in failure.reason


async def test_a_call_that_is_cancelled_leaves_no_connection_behind(server: MailServer) -> None:
    server.hangs_at = "RCPT"
    call = asyncio.create_task(postman(settings_for(server)).deliver(ALICE, PARCEL))
    await server.hanging.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert server.taken == []
    await asyncio.wait_for(server.left.wait(), 5)


# ---- the check for the doctor


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_the_check_does_everything_but_send(
    trusted: Certificates, security: Literal["starttls", "tls", "none"]
) -> None:
    opening = MailServer(security=security, login=("auditloop", PASSWORD), context=trusted.good)
    async with listening(opening) as server:
        ((well, sentence),) = await examine_email(settings_for(server))
    assert well
    secured = {"starttls": "encrypted by STARTTLS", "tls": "encrypted", "none": "not encrypted, on this computer only"}
    assert sentence == f"mail server {LOOPBACK}:{server.port}, {secured[security]}, signed in as auditloop."
    assert server.taken == []
    assert server.steps[-4:] == ["AUTH", "MAIL", "RSET", "QUIT"]


async def test_the_check_says_that_nobody_signed_in(server: MailServer) -> None:
    ((well, sentence),) = await examine_email(settings_for(server))
    assert well
    assert sentence.endswith("without a sign-in.")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"user": "auditloop"}, "email.user is set and email.password is not."),
        ({"password": PASSWORD}, "email.password is set and email.user is not."),
    ],
)
async def test_the_check_finds_settings_that_do_not_fit(
    server: MailServer, changed: dict[str, str], words: str
) -> None:
    ((well, sentence),) = await examine_email(settings_for(server, **changed))
    assert not well
    assert sentence.startswith(words)
    assert server.steps == []


async def test_the_check_says_what_the_server_did_not_like(server: MailServer) -> None:
    server.answers["MAIL"] = "550 5.7.60 client does not have permissions to send as this sender"
    assert await examine_email(settings_for(server)) == [
        (
            False,
            f"No e-mail can be sent: the mail server {LOOPBACK}:{server.port} does not let auditloop send as {SENDER} "
            "(550).",
        )
    ]


# ---- secrets


async def test_no_password_shows_in_a_failure_a_finding_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echoed = f"535 You said: AUTH PLAIN {PASSWORD}"
    said: list[str] = []
    for step in ("AUTH", "MAIL", "RCPT", CONTENT):
        async with listening(MailServer(login=("auditloop", PASSWORD), answers={step: echoed})) as server:
            settings = settings_for(server)
            failure = await failure_of(settings)
            said += [repr(failure), *traceback.format_exception(failure)]
            said += [sentence for _, sentence in await examine_email(settings)]
            said += [repr(settings), repr(Client(settings)), repr(vars(postman(settings)))]
            with pytest.raises(NotDelivered) as caught:
                await EmailFallback(Blocked(), postman(settings)).deliver(ALICE, PARCEL)
            said.append(caught.value.reason)
    shown = "\n".join([*said, caplog.text])
    assert "correct horse" not in shown
    assert "You said" not in shown
    assert "alice@example.org" not in shown


# ---- the door around another door


def blocked() -> NotDelivered:
    return NotDelivered(Failure.PERMANENT, "Alice Avocet has blocked auditloop.")


@dataclass
class Blocked:
    """A door that fails in one way."""

    failure: NotDelivered = field(default_factory=blocked)

    async def deliver(self, _to: Person, _parcel: Parcel) -> Place | None:
        raise self.failure


@dataclass
class Noting:
    """A door that notes what went through it. `raises` is what it does about each."""

    raises: BaseException | None = None
    gone: list[tuple[Person, Parcel]] = field(default_factory=list)
    place: Place | None = None

    async def deliver(self, to: Person, parcel: Parcel) -> Place | None:
        self.gone.append((to, parcel))
        if self.raises is not None:
            raise self.raises
        return self.place


async def reason_after(email: Noting) -> str:
    with pytest.raises(NotDelivered) as caught:
        await EmailFallback(Blocked(), email).deliver(ALICE, PARCEL)
    assert caught.value.failure is Failure.PERMANENT
    assert email.gone == [(ALICE, PARCEL)]
    return caught.value.reason


async def test_whom_the_door_reaches_gets_no_e_mail() -> None:
    place = Place("teams", "conversation", "activity", "https://example.org", "token")
    email = Noting()
    assert await EmailFallback(Noting(place=place), email).deliver(ALICE, PARCEL) == place
    assert email.gone == []


@pytest.mark.parametrize("kind", [Failure.TEMPORARY, Failure.UNKNOWN])
async def test_a_failure_that_may_pass_is_left_as_it_is(kind: Failure) -> None:
    failure = NotDelivered(kind, "Teams is busy", timedelta(seconds=30))
    email = Noting()
    with pytest.raises(NotDelivered) as caught:
        await EmailFallback(Blocked(failure), email).deliver(ALICE, PARCEL)
    assert caught.value is failure
    assert email.gone == []


async def test_a_door_that_breaks_is_left_to_delivery() -> None:
    email = Noting()
    with pytest.raises(RuntimeError):
        await EmailFallback(Noting(raises=RuntimeError("broken")), email).deliver(ALICE, PARCEL)
    assert email.gone == []


async def test_whom_the_door_can_not_reach_gets_one_e_mail_and_the_failure_stands() -> None:
    assert await reason_after(Noting()) == "Alice Avocet has blocked auditloop. An e-mail went to them instead"


@pytest.mark.parametrize("kind", [Failure.PERMANENT, Failure.TEMPORARY])
async def test_an_e_mail_that_fails_too_is_told_and_not_tried_again(kind: Failure) -> None:
    reason = await reason_after(Noting(raises=NotDelivered(kind, "the mail server can't be reached")))
    assert reason == (
        "Alice Avocet has blocked auditloop. No e-mail could be sent either: the mail server can't be reached"
    )


async def test_an_e_mail_of_which_nobody_knows_is_told_as_that() -> None:
    reason = await reason_after(Noting(raises=NotDelivered(Failure.UNKNOWN, "the mail server closed the connection")))
    assert "Whether an e-mail reached them is not known: the mail server closed the connection" in reason


async def test_a_fault_in_our_own_e_mail_does_not_keep_the_message_from_the_next_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reason = await reason_after(Noting(raises=TypeError("a fault of ours")))
    assert reason == "Alice Avocet has blocked auditloop. No e-mail could be sent either: TypeError"
    assert "an e-mail could not be made or sent" in caplog.text


async def test_a_cancelled_e_mail_cancels_the_delivery() -> None:
    with pytest.raises(asyncio.CancelledError):
        await EmailFallback(Blocked(), Noting(raises=asyncio.CancelledError())).deliver(ALICE, PARCEL)


# ---- with a real service


async def test_the_manager_and_the_qa_officer_hear_that_an_e_mail_went(service: Service, server: MailServer) -> None:
    service.forget()
    service.program.door = EmailFallback(service.post, postman(settings_for(server)))
    service.post.shut["Alice"] = NotDelivered(Failure.PERMANENT, "Alice Avocet has blocked auditloop")
    await service.ok(await service.press("Carol", "accept"))
    await service.ok(await service.press("Carol", "book", when="Tues 2pm"))
    await service.program.beat()
    assert {mail.recipients for mail in server.taken} == {("alice@example.org",)}
    officer = [
        parcel.card.text for _, parcel in service.post.waiting if parcel.card.title.startswith("A message could")
    ]
    assert officer
    assert all("Alice Avocet has blocked auditloop. An e-mail went to them instead." in text for (text,) in officer)
    passed_on = "For Alice Avocet: Does Tue 6 Jan 2026 at 14:00 suit you?"
    assert passed_on in [card.title for card in service.arrived("Bob")]


FREE_TEXT = {
    "rationale": "The plan drifts and nobody has seen the older sibling.",
    "action_1_what": "See the child alone this week.",
    "moderation": "I agree that the plan drifts.",
    "safety": "Left alone at night again.",
    "dispute": "My visits are not on the file yet.",
    "sent_back": "The note of the visit is missing.",
}


@pytest.mark.parametrize("grade", ["good", "inadequate"])
async def test_no_grade_plan_or_free_text_of_a_service_leaves_by_e_mail(
    service: Service, server: MailServer, grade: str
) -> None:
    """Everybody is out of reach, for a story with every kind of free text in it."""
    people = await _everyone(service)
    everything = [(people[name], parcel) for name, parcel in service.post.waiting]
    service.post.waiting.clear()

    async def on(person: str, verb: str, **values: str) -> None:
        await service.press(person, verb, **values)
        everything.extend((people[name], parcel) for name, parcel in service.post.waiting)
        service.post.waiting.clear()

    await on("Carol", "accept")
    await on("Carol", "safety", text=FREE_TEXT["safety"])
    for manager in ("Bob", "Dan", "Erin", "Frank"):
        await on(manager, "acknowledge")
    await on("Carol", "hold")
    texts = {name: FREE_TEXT[name] for name in ("rationale", "action_1_what")}
    await on("Carol", "submit", **(SENT | texts | {"grade": grade}))
    await on("Alice", "dispute", dispute_text=FREE_TEXT["dispute"])
    await on("Grace", "moderate", grade=grade, text=FREE_TEXT["moderation"])
    await on("Dan", "oversee", text=FREE_TEXT["moderation"])
    await on("Alice", "confirm", action="1")
    await on("Bob", "send_back", action="1", text=FREE_TEXT["sent_back"])
    await service.until("2026-01-20T12:00")
    everything.extend((people[name], parcel) for name, parcel in service.post.waiting)

    said_on_cards = "\n".join(southampton.words(parcel.card) for _, parcel in everything)
    assert all(text.rstrip(".") in said_on_cards for text in FREE_TEXT.values()), "the story must show what it hides"
    labels = [one.label for one in service.store.framework.grades]
    sending = Postman(settings_for(server), service.clock, guidance=GUIDANCE, grades=labels)
    for to, parcel in everything:
        await sending.deliver(to, parcel)
    assert len(server.taken) == len(everything) > 20

    for mail in server.taken:
        shown = f"{mail.message['Subject']}\n{mail.text}".casefold()
        for hidden in (*labels, *FREE_TEXT.values(), "plan drifts", "child protection", "at night", "sibling"):
            assert hidden.casefold().rstrip(".") not in shown, shown
    about = [mail for (_, parcel), mail in zip(everything, server.taken, strict=True) if CASE in parcel.card.plain()]
    assert about
    assert all(CASE in mail.text for mail in about)


async def _everyone(service: Service) -> dict[str, Person]:
    async with service.store.begin() as tx:
        return {name: tx.directory.people[number] for name, number in service.people.items()}
