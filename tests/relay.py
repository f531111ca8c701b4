"""A relay in front of a database's socket: it can be closed for a while, cut its lines, and speak TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit, urlunsplit

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@dataclass
class Relay:
    """Takes connections on loopback to the database of a URL. `encrypted` counts those that came with TLS."""

    database: str
    tls: ssl.SSLContext | None = None
    encrypted: int = field(default=0, init=False)
    port: int = field(default=0, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)
    _lines: set[asyncio.StreamWriter] = field(default_factory=set, init=False)

    def url(self, options: str = "") -> str:
        parts = urlsplit(self.database)
        user = parts.netloc.rpartition("@")[0].partition(":")[0]
        return urlunsplit(("postgresql", f"{user}@127.0.0.1:{self.port}", parts.path, options, ""))

    async def open(self) -> None:
        """Let connections in, on the port of the first time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut every line and let nobody in, as a database does that is started again."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    def cut(self) -> None:
        for line in self._lines:
            line.transport.abort()
        self._lines.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun = await reader.readexactly(8)
        if begun == SSL_REQUEST:
            writer.write(b"S" if self.tls is not None else b"N")
            await writer.drain()
            if self.tls is not None:
                try:
                    await writer.start_tls(self.tls)
                except (OSError, ssl.SSLError):
                    return
                self.encrypted += 1
            begun = b""
        there, onward = await self._database()
        self._lines |= {writer, onward}
        onward.write(begun)
        await asyncio.gather(_pass_on(reader, onward), _pass_on(there, writer))
        self._lines -= {writer, onward}

    async def _database(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.database)
        if parts.hostname:
            return await asyncio.open_connection(parts.hostname, parts.port or 5432)
        folder = parse_qs(parts.query)["host"][0]
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()


@asynccontextmanager
async def relaying(database: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Relay]:
    relay = Relay(database, tls)
    await relay.open()
    try:
        yield relay
    finally:
        await relay.close()
