"""Answers in a person's own chat, whatever its platform: what stands where, and what is kept to change it later."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.watching.figures import Figures
from cards import grading
from cards.card import Card, Tone
from cards.scene import Scene
from cards.stored import fingerprint
from handlers.dispatch import answer, given_reply
from handlers.interaction import Interaction, Reply
from scheduling.clock import Clock
from scheduling.composing import duty_card
from scheduling.standing import About, Standing, look_above, shows_already, standing, wait_for_answer
from storage.outbox import claim_about, mark_sent, mark_waiting
from storage.postings import LEASE, Place, keep_answer, posting_named, put_off_posting, settle_posting
from storage.store import Store, Transaction
from storage.tables import OutboxRow, PostingRow


@dataclass(frozen=True)
class Posted:
    """A person's own message in a chat, and what it should show now."""

    row: PostingRow
    standing: Standing


@dataclass(frozen=True)
class AnswerAbout:
    """An answer that shows a duty: the fingerprint of what it showed, and the messages that went with it."""

    person_id: int
    about: About
    shown: str
    messages: tuple[OutboxRow, ...]


@dataclass(frozen=True)
class Below:
    """A message of its own that follows; one that shows a duty is kept up to date from then on."""

    card: Card
    kept: AnswerAbout | None = None


@dataclass(frozen=True)
class Shown:
    """What becomes of a press: the card in the place of the pressed one, and one more that it led to."""

    in_place: Card
    below: Card | None = None


@dataclass(frozen=True)
class Answered:
    """A reply, and the message that is to be sent because of it, if there is one."""

    reply: Reply
    below: Below | None


@dataclass(frozen=True)
class Pressed(Answered):
    """A reply to a press, and what stands in the pressed card's place.

    `token` is what that card is known by from now on, empty where it isn't kept; `posted` is its message so far.
    """

    in_place: Card
    token: str
    posted: Posted | None = None


@dataclass(frozen=True)
class Answering:
    """Answers what people do in chats. What it led to is sent by the next heartbeat."""

    store: Store
    clock: Clock
    figures: Figures = field(default_factory=Figures)
    in_the_answer: bool = True
    """Whether the pressed card changes with the answer itself; else that is done after it, and then settled."""

    async def reply(self, interaction: Interaction) -> Reply:
        """The reply to something of which nothing is kept."""
        with self.figures.answering(interaction.verb):
            return await answer(self.store, replace(interaction, at=self.clock.now()))

    async def say(self, interaction: Interaction) -> Answered:
        """Answer words in a person's own chat.

        An answer that shows a duty takes along what waits for this person about it, so that they aren't asked twice.
        """
        now = self.clock.now()
        found: list[Answered] = []

        async def after(tx: Transaction, reply: Reply) -> None:
            about = await _about(tx, interaction.person_id, reply, now)
            if about is not None:
                await wait_for_answer(tx, about.person_id, about.about, now)
            found.append(Answered(reply, None if reply.again else Below(reply.card, about)))

        with self.figures.answering(interaction.verb):
            await answer(self.store, replace(interaction, at=now), after=after)
        return found[-1]

    async def press(self, interaction: Interaction, token: str, place: Place | None) -> Pressed:
        """Answer a press on the card with this `token`. Where no message has it, the answer is kept at `place`.

        An answer that shows a duty takes along what waits for this person about it, so that they aren't asked twice.
        """
        now = self.clock.now()
        found: list[Pressed] = []

        async def after(tx: Transaction, reply: Reply) -> None:
            found.append(await _pressed(tx, interaction, reply, token, place, now, in_the_answer=self.in_the_answer))

        with self.figures.answering(interaction.verb):
            await answer(self.store, replace(interaction, at=now), after=after)
        return found[-1]

    async def sent(self, below: Below, place: Place | None) -> None:
        """Keep where an answer stands, so that it is changed when its duty is done; None where it couldn't be sent."""
        about, now = below.kept, self.clock.now()
        if about is None:
            return
        async with self.store.begin() as tx:
            if place is None:
                await mark_waiting(tx, about.messages, now, "the answer could not be sent", unknown=True)
            else:
                await _keep(tx, about, place, now, sent_before=True)
            await look_above(tx, about.person_id, about.about, now)

    async def settle(self, posted: Posted) -> None:
        """Say that a message shows what it should now."""
        async with self.store.begin(people=False) as tx:
            await settle_posting(tx, posted.row, fingerprint(posted.standing.card))

    async def unsettle(self, posted: Posted) -> None:
        """Say that a message doesn't show what it should after all."""
        async with self.store.begin() as tx:
            await put_off_posting(tx, posted.row, self.clock.now())

    async def shows(self, person_id: int, token: str) -> Card | None:
        """What a person's own message in a chat should show now; None for a token that isn't theirs."""
        async with self.store.begin(first=True) as tx:
            row = await posting_named(tx, token, person_id)
            found = await standing(tx, row, self.clock.now()) if row else None
        return found.card if found is not None else None

    async def is_kept(self, person_id: int, card_id: str) -> bool:
        """Whether a card can be made anew by its id: not yet, for a message that has only just been sent."""
        if not card_id or "/" in card_id:
            return True
        async with self.store.begin(first=True) as tx:
            return await posting_named(tx, card_id, person_id) is not None

    async def card(self, person_id: int, card_id: str) -> Card | None:
        """The card with this id as its person should see it now, made anew; None for one that isn't theirs.

        An id is the token of a message, `answer/` with the id of an event that was answered, or `duty/` with the
        reference of a duty. A form is whole, with what a message has no room for.
        """
        kind, _, name = card_id.partition("/")
        if kind == "answer" and name:
            reply = await given_reply(self.store, person_id, name)
            return reply.card if reply is not None else None
        now = self.clock.now()
        async with self.store.begin(first=True) as tx:
            if kind == "duty" and name:
                return await _own_duty(tx, person_id, name, now)
            posted = await _posted(tx, person_id, card_id, now)
            if posted is None:
                return None
            about = posted.standing.about
            return await _whole(tx, person_id, posted.standing.card, about, now) if about else posted.standing.card


async def _pressed(
    tx: Transaction,
    interaction: Interaction,
    reply: Reply,
    token: str,
    place: Place | None,
    now: datetime,
    *,
    in_the_answer: bool,
) -> Pressed:
    """What stands where after a press, written down in its own transaction."""
    person_id = interaction.person_id
    posted = await _posted(tx, person_id, token, now) if token else None
    kept_here = posted is not None or place is not None
    about = await _about(tx, person_id, reply, now) if kept_here else None
    if posted is None:
        return await _pressed_unkept(tx, reply, about, place, now)
    shown = shown_after(reply, posted.standing, dict(interaction.values))
    if not (reply.refused or reply.again or reply.asks_again):
        if in_the_answer:
            # The answer itself stands in the place of this message; it needn't be changed once more.
            await settle_posting(tx, posted.row, fingerprint(posted.standing.card))
        else:
            # Where the program ends before that, it is changed once the lease has ended.
            await put_off_posting(tx, posted.row, now + LEASE)
    if about is not None and shown.below is None:
        await mark_sent(tx, about.messages, now, None)
    elif about is not None:
        await wait_for_answer(tx, person_id, about.about, now)
    below = Below(shown.below, about) if shown.below is not None and not reply.again else None
    return Pressed(reply, below, shown.in_place, token, posted)


async def _pressed_unkept(
    tx: Transaction, reply: Reply, about: AnswerAbout | None, place: Place | None, now: datetime
) -> Pressed:
    """After a press on a card of which nothing was kept: the answer stands in its place, and is kept there."""
    if about is None or place is None:
        return Pressed(reply, None, reply.card, "")
    if reply.card.all_inputs() and await shows_already(tx, about.person_id, about.about, about.shown):
        # Somebody may have begun to fill in the form that is there.
        await mark_sent(tx, about.messages, now, None)
        return Pressed(reply, None, _further_up(reply.card), "")
    await _keep(tx, about, place, now, sent_before=False)
    return Pressed(reply, None, reply.card, place.token)


async def _own_duty(tx: Transaction, person_id: int, ref: str, now: datetime) -> Card | None:
    """A duty of this very person, as they see it now."""
    number = ref.partition("/")[0]
    audit = await tx.audit(int(number)) if number.isdecimal() and len(number) <= 12 else None
    duty = next((one for one in audit.duties if one.ref == ref), None) if audit is not None else None
    person = tx.directory.get(person_id)
    if audit is None or duty is None or person is None or not person.active:
        return None
    if person_id not in (duty.owner_id, duty.closed_actor):
        return None
    card = await duty_card(tx, audit.id, ref, person, now)
    return await _whole(tx, person_id, card, About(audit.id, ref), now) if card is not None else None


async def _whole(tx: Transaction, person_id: int, card: Card, about: About, now: datetime) -> Card:
    """The card of a duty; the grade form with the grades by heading on it, which otherwise have a card of their own."""
    if not any(one.verb == "grade_sections" for one in card.actions):
        return card
    audit, person = await tx.audit(about.audit_id), tx.directory.get(person_id)
    duty = next((one for one in audit.duties if one.ref == about.ref), None) if audit is not None else None
    if audit is None or duty is None or person is None:
        return card
    whole = grading.form(Scene(tx.rules, audit, person, now), duty, whole=True)
    return replace(card, inputs=whole.inputs, actions=whole.actions)


async def _posted(tx: Transaction, person_id: int, token: str, now: datetime) -> Posted | None:
    row = await posting_named(tx, token, person_id)
    found = await standing(tx, row, now, pressed=True) if row else None
    return Posted(row, found) if row is not None and found is not None else None


async def _about(tx: Transaction, person_id: int, reply: Reply, now: datetime) -> AnswerAbout | None:
    """What an answer shows of a duty, with the messages about it that needn't be sent any more."""
    if not reply.duty or reply.refused or reply.again:
        return None
    person = tx.directory.get(person_id)
    # A duty's reference begins with its audit's number (audits/engine.py).
    about = About(int(reply.duty.partition("/")[0]), reply.duty)
    card = await duty_card(tx, about.audit_id, about.ref, person, now) if person is not None else None
    if card is None:
        return None
    messages = await claim_about(tx, person_id, about.ref, now)
    return AnswerAbout(person_id, about, fingerprint(card), tuple(messages))


async def _keep(tx: Transaction, answered: AnswerAbout, place: Place, now: datetime, *, sent_before: bool) -> None:
    about = answered.about
    await mark_sent(tx, answered.messages, now, None)
    shown = answered.shown
    await keep_answer(tx, answered.person_id, place, about.audit_id, about.ref, shown, now, sent_before=sent_before)


def shown_after(reply: Reply, own: Standing, values: dict[str, str]) -> Shown:
    """What stands in the place of a pressed card, of which `own` is what its message should show now.

    A form comes back with what was typed and its errors. Another refusal stands on the card itself, whose buttons are
    still wanted. An answer about the very duty of the card takes its place. Where the card or its answer asks for
    something more, the answer is a message of its own below it.
    """
    card = own.card
    if reply.refused:
        if reply.card.all_inputs():
            return Shown(reply.card)
        words = " ".join(
            part if part.endswith((".", "?", "!")) else f"{part}." for part in (reply.card.title, *reply.card.text)
        )
        return Shown(card.answered(values, {}, words))
    same = own.about is not None and own.about.ref == reply.duty
    if same or reply.asks_again or not (reply.card.actions or card.actions):
        return Shown(reply.card)
    # What was typed is still wanted where the answer asks for the rest of it, and taken where it doesn't.
    kept = card.answered(values, {}) if reply.card.all_inputs() else card
    return Shown(kept, below=reply.card)


def _further_up(form: Card) -> Card:
    """What stands in the place of a pressed card whose answer is a form that is in the chat already."""
    return Card(
        title="Thank you. This is kept",
        text=(f"Please go on in “{form.title}” further up in our chat. What you typed there is still there.",),
        tone=Tone.DONE,
        facts=form.facts,
    )
