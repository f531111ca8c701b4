"""Forms that were begun and not sent: what was typed is kept for its writer, without what looks personal."""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.privacy import TICK, masked
from scheduling.clock import Clock
from storage.drafts import draft, drop_draft, keep_draft
from storage.store import Store


@dataclass(frozen=True)
class Drafting:
    """Keeps drafts. `form` names a form of one person's; the same name brings the same draft again."""

    store: Store
    clock: Clock

    async def kept(self, person_id: int, form: str) -> dict[str, str]:
        """What was typed so far, by the names of the inputs."""
        async with self.store.begin(first=True, people=False) as tx:
            return await draft(tx, person_id, form, self.clock.now())

    async def keep(self, person_id: int, form: str, values: Mapping[str, str]) -> dict[str, str]:
        """Keep what was typed now, beside what was typed before; all of it.

        What looks like personal data is taken out, unless the writer says with it that it is none.
        """
        checked = values.get(TICK) == "yes"
        kept = {name: value if checked else masked(value) for name, value in values.items()}
        now = self.clock.now()
        async with self.store.begin(first=True, people=False) as tx:
            whole = await draft(tx, person_id, form, now) | kept
            await keep_draft(tx, person_id, form, whole, now)
        return whole

    async def drop(self, person_id: int, form: str) -> None:
        """Forget a draft: the form was taken."""
        async with self.store.begin(first=True, people=False) as tx:
            await drop_draft(tx, person_id, form)
