"""From an interaction to its reply: once for each event, with its permission checked, in one transaction."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from audits.people import Person
from cards.card import Card, Tone
from cards.stored import from_json, to_json
from handlers import commands, safety, themes
from handlers.interaction import Interaction, Reply
from handlers.press import Refused, refusal
from handlers.questions import only_for
from handlers.verbs import audit_in, press
from storage.answers import GivenAnswer, answer_to, keep_given
from storage.interruptions import away, in_the_way, pause_before
from storage.store import Store, Transaction

TRIES = 4
LONGEST_VALUE = 2000
"""No input of a card takes more."""
WITHOUT_AUDIT: dict[str, Callable[[Transaction, Person, Interaction], Awaitable[Reply]]] = {
    "raise_safety": safety.raise_chosen,
    "theme_terms": themes.write,
    "theme_signed_off": themes.signed_off,
}
"""Buttons of cards that are about no audit."""

Before = Callable[[Transaction], Awaitable[None]]
After = Callable[[Transaction, Reply], Awaitable[None]]


async def answer(
    store: Store, interaction: Interaction, *, before: Before | None = None, after: After | None = None
) -> Reply:
    """Answer an interaction.

    1. The same event gets the reply that it got before. 2. The person and the audit are looked up; nothing that the
    card carried is trusted. 3. The conversation records what follows. 4. The reply is kept with it, in one transaction.
    Another transaction that was in the way, or a line to the database that was lost, makes this one start again.
    `before` is done first, in the same transaction: where the answer is refused, it hasn't happened either. `after` is
    done last, with the reply, also where it is a refusal or was given before.
    """
    for tries in range(1, TRIES):
        try:
            return await _once(store, interaction, before, after)
        except Exception as fault:
            if not in_the_way(fault) and not away(fault):
                raise
        await asyncio.sleep(pause_before(tries))
    return await _once(store, interaction, before, after)


async def given_reply(store: Store, person_id: int, event_id: str) -> Reply | None:
    """The reply that a person's event got, if it has had one."""
    async with store.begin(people=False) as tx:
        kept = await answer_to(tx, event_id)
        return _reply_of(kept) if kept and kept.person_id == person_id else None


async def _once(store: Store, interaction: Interaction, before: Before | None, after: After | None) -> Reply:
    async def given(tx: Transaction, reply: Reply) -> Reply:
        if after is not None:
            await after(tx, reply)
        return reply

    async def refusing(tx: Transaction, refused: Refused) -> Reply:
        reply = Reply(refused.card, refused=True)
        if interaction.person_id in tx.directory.people:
            await _keep(tx, interaction, reply)
        return await given(tx, reply)

    try:
        async with store.begin(first=True) as tx:
            kept = await answer_to(tx, interaction.event_id)
            if kept is not None:
                return await given(tx, _known(kept, interaction))
            if before is not None:
                await before(tx)
            try:
                reply = await _handle(tx, interaction)
            except Refused as refused:
                if not tx.untouched:
                    raise
                return await refusing(tx, refused)
            await _keep(tx, interaction, reply)
            return await given(tx, reply)
    except Refused as refused:
        # What was refused was rolled back; only the reply is kept.
        async with store.begin(first=True) as tx:
            kept = await answer_to(tx, interaction.event_id)
            return await (given(tx, _known(kept, interaction)) if kept is not None else refusing(tx, refused))


def _known(row: GivenAnswer, interaction: Interaction) -> Reply:
    if row.person_id != interaction.person_id:
        card = Card(title="This was answered by someone else", text=("Please use your own card.",), tone=Tone.REFUSED)
        return Reply(card, refused=True)
    return _reply_of(row)


def _reply_of(row: GivenAnswer) -> Reply:
    kept = json.loads(row.reply)
    return Reply(from_json(kept["card"]), refused=kept["refused"], duty=kept.get("duty", ""), again=True)


async def _keep(tx: Transaction, interaction: Interaction, reply: Reply) -> None:
    kept = json.dumps({"card": to_json(reply.card), "refused": reply.refused, "duty": reply.duty})
    await keep_given(tx, interaction.event_id, GivenAnswer(interaction.person_id, kept), interaction.at)


async def _handle(tx: Transaction, interaction: Interaction) -> Reply:
    person = tx.directory.get(interaction.person_id)
    if person is None or not person.active:
        raise refusal(
            "Sorry, I don't know you",
            f"Please ask the {tx.framework.qa_label} to add you to the people of this service.",
        )
    if any(len(value) > LONGEST_VALUE for value in interaction.values.values()):
        raise refusal("That is too long", f"Please use at most {LONGEST_VALUE} characters for each answer.")
    if interaction.verb == "say":
        about = audit_in(interaction.subject)
        return await commands.say(
            tx, person, interaction.text, interaction.at, in_group=interaction.in_group, about=about
        )
    if interaction.verb in WITHOUT_AUDIT:
        only_for(tx, person, interaction.verb)
        return await WITHOUT_AUDIT[interaction.verb](tx, person, interaction)
    return await press(tx, person, interaction)
