"""What a transaction can meet on a database that others use as well, and that goes by."""

import random

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm.exc import StaleDataError

IN_THE_WAY = frozenset({"40001", "40P01", "55P03"})
"""What PostgreSQL says where transactions were in each other's way: not serializable, deadlock, lock not free."""
AWAY = frozenset({"57P01", "57P02", "57P03", "25P03", "53300"})
"""What it says while it stops, starts or has no connection left, and of a transaction that it has given up."""
READ_ONLY = "25006"


def in_the_way(fault: BaseException) -> bool:
    """Whether another transaction was in the way, so that a new one may well succeed.

    An IntegrityError counts: mostly, two have put in the same thing at once, and the second will now find it.
    """
    if isinstance(fault, (StaleDataError, IntegrityError)):
        return True
    return code_of(fault) in IN_THE_WAY or type(getattr(fault, "orig", None)).__name__ == "InvalidCachedStatementError"


def away(fault: BaseException) -> bool:
    """Whether the database couldn't be reached, or the line to it was lost."""
    if isinstance(fault, DBAPIError) and fault.connection_invalidated:
        return True
    if type(getattr(fault, "orig", None)).__name__ == "InternalClientError":
        # What asyncpg says where the server ended the line while nobody listened.
        return True
    code = code_of(fault)
    if code is not None:
        return code in AWAY or code.startswith("08")
    # What a socket says comes as it is.
    return isinstance(fault, (OSError, NoConnectionFree)) and not isinstance(fault, FileNotFoundError)


def of_the_database(fault: BaseException) -> bool:
    """Whether the database itself can't do its work, such as with a full disk: no fault of what was to be written."""
    if isinstance(fault, (OperationalError, InterfaceError)) or away(fault):
        return True
    code = code_of(fault) or ""
    return code.startswith(("53", "58")) or code == READ_ONLY


def pause_before(tries: int) -> float:
    """Seconds to wait after so many tries, never twice the same, so that those who met don't meet again."""
    return float(0.01 * 2 ** min(tries, 6) * random.uniform(0.5, 1.5))


def code_of(fault: BaseException) -> str | None:
    """PostgreSQL's five characters for a fault, if it is one of PostgreSQL's."""
    told = fault.orig if isinstance(fault, DBAPIError) else fault
    if isinstance(told, SQLAlchemyError):
        return None
    code = getattr(told, "sqlstate", None)
    return code if isinstance(code, str) else None
