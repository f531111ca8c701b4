"""Keys that auditloop makes for itself and keeps in the database, so that every node has the same."""

import secrets

from storage.store import Store, Transaction
from storage.tables import SecretRow


async def own_key(store: Store, name: str) -> bytes:
    """The key of this name, made at its first use. 32 random bytes."""

    async def key(tx: Transaction) -> bytes:
        row = await tx.session.get(SecretRow, name)
        if row is None:
            row = SecretRow(name=name, value=secrets.token_hex(32))
            tx.session.add(row)
            # Where another node makes it at the same moment, this is done again and finds it.
            await tx.session.flush()
        return bytes.fromhex(row.value)

    return await store.attempt(key)
