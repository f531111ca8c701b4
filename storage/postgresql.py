"""PostgreSQL, which several nodes may share, through asyncpg.

The URL is PostgreSQL's own, as its libpq has it: TLS (`sslmode`, `sslrootcert` …), several hosts, and a password that
stands in PGPASSWORD or a password file instead.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
HIDDEN = "***"
CONNECTIONS, MORE = 8, 8
"""A node keeps up to so many connections open, and opens so many more while they are all in use."""
WAIT_FOR_CONNECTION = 30
CONNECTS_WITHIN = 10
ANSWERS_WITHIN = 300
"""Seconds until a server that has gone silent is given up; longer than the server itself lets a statement take."""
SERVER = {
    "application_name": "auditloop",
    "statement_timeout": "60000",
    "lock_timeout": "15000",
    # A node that hangs in the middle of a transaction must not keep the others from its audits.
    "idle_in_transaction_session_timeout": "60000",
    "timezone": "UTC",
}
"""What each connection asks of the server; times are in milliseconds."""


class UnusableUrl(ValueError):
    """A URL that names no database. The text never repeats it, since a password may stand anywhere in it."""


def is_postgresql(url: str) -> bool:
    return url.partition("://")[0].lower() in SCHEMES


def engine_for(url: str) -> AsyncEngine:
    """An engine for `postgresql://user@host/database?sslmode=…`. Raises UnusableUrl, and ImportError without asyncpg.

    Connections are looked at before they are used, so that a database which was started again is found again.
    """
    import asyncpg

    where = _dsn(url)

    async def connect(**_options: Any) -> Any:
        return await asyncpg.connect(
            where, timeout=CONNECTS_WITHIN, command_timeout=ANSWERS_WITHIN, server_settings=SERVER
        )

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=CONNECTIONS,
        max_overflow=MORE,
        pool_timeout=WAIT_FOR_CONNECTION,
    )


def _dsn(url: str) -> str:
    """The URL as asyncpg takes it; `ssl` is another word for `sslmode`."""
    try:
        parts = urlsplit(url)
        ports = [host.rpartition(":")[2] for host in parts.netloc.rpartition("@")[2].split(",") if _has_port(host)]
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        # Its own words may show a part of a password.
        raise UnusableUrl(_UNREADABLE) from None
    if parts.netloc.count("@") > 1 or parts.fragment or not all(port.isdecimal() for port in ports):
        raise UnusableUrl(_UNREADABLE)
    query = urlencode([("sslmode" if name == "ssl" else name, value) for name, value in options])
    return f"postgresql://{parts.netloc}{parts.path}{'?' if query else ''}{query}"


_UNREADABLE = (
    "it can't be read. Write postgresql://user:password@host/database, with characters such as @ : / # ? % in the "
    "password as %40 %3A %2F %23 %3F %25"
)


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


def without_secrets(url: str) -> str:
    """A URL of PostgreSQL that may be shown: no password, wherever it stands."""
    try:
        parts = urlsplit(url)
        _dsn(url)
    except ValueError:
        return f"{url.partition('://')[0]}://{HIDDEN}"
    login, at, hosts = parts.netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    options = [
        f"{name}={HIDDEN if 'password' in name else value}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    shown = f"{user}{colon and ':' + HIDDEN}{at}{hosts}"
    return f"{parts.scheme}://{shown}{parts.path}{'?' if options else ''}{'&'.join(options)}"


async def standing_of(database: AsyncEngine) -> tuple[str, bool, bool]:
    """Which version of PostgreSQL answers, whether the line to it is encrypted, and whether it is on this computer."""
    async with database.connect() as connection:
        version, encrypted, address = (
            await connection.execute(
                text(
                    "SELECT current_setting('server_version'), "
                    "coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false), "
                    "host(inet_server_addr())"
                )
            )
        ).one()
    return version, encrypted, address is None or address.startswith("127.") or address == "::1"
