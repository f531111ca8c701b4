"""Keys that auditloop makes for itself and keeps in the database, so that every node has the same."""

import secrets

from sqlalchemy.exc import IntegrityError

from storage.store import Store
from storage.tables import SecretRow


async def own_key(store: Store, name: str) -> bytes:
    """The key of this name, made at its first use. 32 random bytes."""
    for _ in range(2):
        try:
            async with store.begin() as tx:
                row = await tx.session.get(SecretRow, name)
                if row is None:
                    row = SecretRow(name=name, value=secrets.token_hex(32))
                    tx.session.add(row)
                    await tx.session.flush()
                return bytes.fromhex(row.value)
        except IntegrityError:
            # Another node made it at the same moment.
            continue
    raise RuntimeError(f"the key {name} could be neither read nor made")
