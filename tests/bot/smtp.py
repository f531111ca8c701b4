"""A mail server on loopback that keeps what it takes, and refuses, hangs or drops the connection where it is told to.

It speaks SMTP as RFC 5321 has it, with STARTTLS, TLS from the start, and the sign-in AUTH PLAIN.
"""

import asyncio
import base64
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LOOPBACK = "127.0.0.1"
CONTENT = "."
"""The step at which the whole message has come in."""
USUAL = {
    "GREETING": "220 mail.test ready",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 welcome",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    CONTENT: "250 taken",
    "RSET": "250 ok",
    "QUIT": "221 bye",
}


@dataclass(frozen=True)
class Mail:
    """A message that was taken, its envelope, and how it came."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    encrypted: bool
    user: str

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        """What a person reads in it."""
        body = self.message.get_body()
        assert body is not None
        return str(body.get_content())


@dataclass
class MailServer:
    """What to do and what was done. Steps are the commands' names, GREETING, and CONTENT."""

    port: int = 0
    security: Literal["starttls", "tls", "none"] = "none"
    login: tuple[str, str] | None = None
    context: ssl.SSLContext | None = None
    answers: dict[str, str] = field(default_factory=dict)
    """The answer of a step, in place of the usual one."""
    hangs_at: str = ""
    drops_at: str = ""
    taken: list[Mail] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    """Every step of every connection, in the order in which they came."""
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has come to the step at which it hangs, and `left` when a client has gone."""
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def one(self) -> Mail:
        (mail,) = self.taken
        return mail


class _HungUp(Exception):
    pass


@dataclass
class _Connection:
    server: MailServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool
    user: str = ""
    sender: str = ""
    recipients: list[str] = field(default_factory=list)

    async def serve(self) -> None:
        await self._step("GREETING")
        while line := await self.reader.readline():
            command, _, rest = line.decode().rstrip("\r\n").partition(" ")
            await self._obey(command.upper(), rest)

    async def _obey(self, command: str, rest: str) -> None:
        match command:
            case "EHLO":
                await self._step("EHLO", "\r\n".join(self._extensions()))
            case "STARTTLS":
                await self._step("STARTTLS")
                await self.writer.start_tls(self._context())
                self.encrypted = True
            case "AUTH":
                await self._step("AUTH", USUAL["AUTH"] if self._signs_in(rest) else "535 no")
            case "MAIL":
                self.sender, self.recipients = _address(rest), []
                barred = self.server.login is not None and not self.user
                await self._step("MAIL", "530 sign in first" if barred else USUAL["MAIL"])
            case "RCPT":
                self.recipients.append(_address(rest))
                await self._step("RCPT")
            case "DATA":
                if (await self._step("DATA")).startswith("354"):
                    await self._content()
            case "QUIT":
                await self._step("QUIT")
                raise _HungUp
            case "RSET":
                await self._step("RSET")
            case _:
                await self._step(command, "500 what?")

    def _extensions(self) -> list[str]:
        lines = ["mail.test", "8BITMIME"]
        if self.server.security == "starttls" and not self.encrypted:
            lines.append("STARTTLS")
        elif self.server.login is not None:
            lines.append("AUTH PLAIN")
        return [*(f"250-{line}" for line in lines), "250 SIZE 1000000"]

    def _signs_in(self, rest: str) -> bool:
        _, user, password = base64.b64decode(rest.removeprefix("PLAIN ")).decode().split("\0")
        if (user, password) != self.server.login:
            return False
        self.user = user
        return True

    async def _content(self) -> None:
        lines: list[bytes] = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise _HungUp
            assert line.endswith(b"\r\n"), line
            lines.append(line.removeprefix(b"."))
        if (await self._step(CONTENT)).startswith("250"):
            mail = Mail(self.sender, tuple(self.recipients), b"".join(lines), self.encrypted, self.user)
            self.server.taken.append(mail)

    async def _step(self, step: str, usual: str | None = None) -> str:
        self.server.steps.append(step)
        if step == self.server.drops_at:
            raise _HungUp
        if step == self.server.hangs_at:
            self.server.hanging.set()
            await self.reader.read()
            raise _HungUp
        answer = self.server.answers.get(step, usual or USUAL[step])
        self.writer.write(f"{answer}\r\n".encode())
        await self.writer.drain()
        return answer

    def _context(self) -> ssl.SSLContext:
        assert self.server.context is not None
        return self.server.context


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


@asynccontextmanager
async def listening(server: MailServer) -> AsyncIterator[MailServer]:
    """Opens the server on a free port, and closes what is still connected at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _Connection(server, reader, writer, server.security == "tls").serve()
        except (_HungUp, ConnectionError, ssl.SSLError):
            pass
        finally:
            tasks.discard(task)
            server.left.set()
            writer.transport.abort()

    context = server.context if server.security == "tls" else None
    opened = await asyncio.start_server(connected, LOOPBACK, 0, ssl=context)
    server.port = opened.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        opened.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await opened.wait_closed()


@dataclass(frozen=True)
class Certificates:
    """An authority of the tests' own, and what it vouches for: `good` for loopback, `elsewhere` for another name."""

    authority: Path
    good: ssl.SSLContext
    elsewhere: ssl.SSLContext


def certificates(folder: Path) -> Certificates:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "auditloop tests")])
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    root = (
        _certificate(name, key.public_key())
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(own, critical=False)
        .sign(key, hashes.SHA256())
    )
    authority = folder / "authority.pem"
    authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))

    def vouched(label: str, names: list[x509.GeneralName]) -> ssl.SSLContext:
        ours = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, label)])
        signed = (
            _certificate(subject, ours.public_key())
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(ours.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False)
            .sign(key, hashes.SHA256())
        )
        file = folder / f"{label}.pem"
        file.write_bytes(
            ours.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + signed.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    loopback = x509.IPAddress(ip_address(LOOPBACK))
    return Certificates(authority, vouched("good", [loopback]), vouched("elsewhere", [x509.DNSName("mail.test")]))


def _certificate(subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
