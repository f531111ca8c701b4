"""What is wrong where the database can't be opened, in plain words and without its password."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bot.faults import UserFault
from bot.settings import FILE, Settings

NO_LIBRARY = "The library for PostgreSQL is not installed. Run: make platforms"
TOO_NEW = (
    "This database was brought to a newer version's tables, with which this version of auditloop can't work. Please "
    "install the newer version on this computer too (docs/backup.md)."
)
GUIDE = "docs/several-nodes.md says what to write."


def shown(settings: Settings) -> str:
    """The database of these settings as it may be shown."""
    from storage.postgresql import is_postgresql, without_secrets

    return without_secrets(settings.database) if is_postgresql(settings.database) else settings.database


@contextmanager
def in_reach(settings: Settings) -> Iterator[None]:
    """Say what is wrong where the database of these settings can't be opened. Raises UserFault."""
    from storage.migrating import TooNewError
    from storage.postgresql import UnusableUrl, is_postgresql

    try:
        yield
    except TooNewError as fault:
        raise UserFault(TOO_NEW) from fault
    except ModuleNotFoundError as fault:
        if fault.name != "asyncpg":
            raise
        raise UserFault(NO_LIBRARY) from fault
    except UnusableUrl as fault:
        raise UserFault(f"{FILE}, database: {fault}. {GUIDE}") from None
    except Exception as fault:
        if (option := _about_an_option(fault)) is not None:
            raise UserFault(f"{FILE}, database: {option}. {GUIDE}") from None
        words = _words(settings, fault) if is_postgresql(settings.database) else None
        if words is None:
            raise
        raise UserFault(f"PostgreSQL, {shown(settings)}: {words}") from fault


def _about_an_option(fault: Exception) -> str | None:
    """What asyncpg says of an option in the URL: which it is, and the values that there are."""
    found: BaseException | None = getattr(fault, "orig", fault)
    while found is not None:
        if type(found).__name__ == "ClientConfigurationError":
            return str(found).partition("\n")[0].rstrip(".")
        found = found.__cause__
    return None


def _words(settings: Settings, fault: Exception) -> str | None:
    from storage.interruptions import away, code_of

    code = code_of(fault) or ""
    said = _first_line(fault)
    database = urlsplit(settings.database).path.strip("/")
    refused = f"it doesn't let this user in ({said}). Please check the user and the password. {GUIDE}"
    of_code = {
        "28P01": refused,
        "28000": refused,
        "3D000": f"there is no database {database} there. Please have it made, for example by: createdb {database}",
        "42501": f"this user may not make tables ({said}). Please have it own the database. {GUIDE}",
    }
    if code in of_code:
        return of_code[code]
    if isinstance(fault, ssl.SSLCertVerificationError):
        return (
            f"its certificate isn't known ({fault.verify_message}). Please name the file of its authority as "
            f"sslrootcert. {GUIDE}"
        )
    if isinstance(fault, FileNotFoundError):
        return f"there is no file {Path(fault.filename or '')}; the URL or the environment names it. {GUIDE}"
    if isinstance(fault, ConnectionError) and "SSL upgrade" in str(fault):
        return "it offers no encrypted line, and sslmode asks for one."
    if away(fault) or isinstance(fault, ssl.SSLError):
        return f"it can't be reached ({said or type(fault).__name__})."
    return f"{said}." if code else None


def _first_line(fault: Exception) -> str:
    """What PostgreSQL or the socket said; neither repeats a password."""
    said: object = getattr(fault, "orig", None) or fault
    return str(said).partition("\n")[0].rpartition(">: ")[2].rstrip(".")
