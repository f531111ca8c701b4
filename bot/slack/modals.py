"""Forms in modals: opened in time, sent in steps, answered beside their inputs; what was typed is never lost."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.answering import Answering, Pressed
from bot.beside import Beside
from bot.counts import Counts
from bot.drafting import Drafting
from bot.slack.filling import NOT_ANSWERED, asked_back, faults, filled, laid_out, personal, questioned_in
from bot.slack.hometab import HomeTab
from bot.slack.incoming import Incoming, NotReadable, SeenView
from bot.slack.known import Known, NotKnown
from bot.slack.open_form import OpenForm, action_of, form_in, named
from bot.slack.origins import Form, origin_of, unpacked
from bot.slack.pressing import Press, Pressing, answer_id
from bot.slack.responding import Responding
from bot.slack.unsent import Unsent
from bot.slack.views import blocks_of, made_anew, refilled, unanswered, unchanged
from bot.slack.windows import Windows
from cards.blocks.buttons import inputs_of, opens_form
from cards.blocks.forms import said_view, waiting_view
from cards.blocks.texts import Json
from cards.card import Card, Tone
from handlers.privacy import TICK

KEPT_IN = 2.0
"""So many seconds the answer to a form is waited for; after three, Slack tells the person that nothing worked."""
STILL_BEING_KEPT = "Still being kept. You can leave this open: the answer comes here."
NOT_KEPT = "This could not be kept just now. Everything that you typed is still here; please send it once more."
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What becomes of a form that was sent. `view` is what stands in its place; `closes`, where that needn't be shown.

    `errors` are for the inputs of the view that is open, by their blocks, where that is enough. `apart` is said in the
    person's own chat, where the form was closed before its outcome was known.
    """

    view: Json
    closes: bool = False
    errors: Mapping[str, str] | None = None
    apart: Card | None = None

    def ack(self) -> Json:
        """The answer to a form on the same request."""
        if self.closes:
            return {}
        if self.errors:
            return {"response_action": "errors", "errors": dict(self.errors)}
        return {"response_action": "update", "view": self.view}


@dataclass(frozen=True)
class Modals:
    answering: Answering
    drafting: Drafting
    unsent: Unsent
    known: Known
    pressing: Pressing
    responding: Responding
    hometab: HomeTab
    windows: Windows
    counts: Counts
    beside: Beside

    # ---- opening

    async def open(self, incoming: Incoming) -> None:
        """Open the form of a button."""
        form = Form(incoming.verb, incoming.subject, incoming.card_id, origin_of(incoming))
        opened = await self.windows.open(incoming.trigger_id, self._first_view(incoming, form))
        if not opened:
            await self._say_elsewhere(incoming, NOT_OPENED)

    async def _say_elsewhere(self, incoming: Incoming, card: Card) -> None:
        """Say something where somebody acted, or in their own chat where there is no place for it."""
        if incoming.response_url:
            await self.responding.respond(incoming.response_url, card, "", 0)
            return
        try:
            person_id = await self.known.person(incoming)
        except NotKnown:
            return
        await self.responding.privately(card, "", person_id)

    async def _first_view(self, incoming: Incoming, form: Form) -> Json:
        try:
            person_id = await self.known.person(incoming)
        except NotKnown as fault:
            return said_view(fault.card)
        await self.pressing.settled(person_id, form.card_id)
        card = await self.answering.card(person_id, form.card_id)
        if card is None:
            self.counts.refuse("card")
            return said_view(OUT_OF_DATE)
        return await self.view_of(person_id, card, form)

    async def view_of(self, person_id: int, card: Card, form: Form) -> Json:
        """The form of a card, with what was typed into it before; what became of it, where it has none any more."""
        action = action_of(card, form)
        if action is None or not opens_form(card, action):
            return said_view(card)
        draft = await self.drafting.kept(person_id, form.name)
        return OpenForm(person_id, form, filled(card, draft), action).view(1)

    # ---- sending

    async def submitted(self, incoming: Incoming) -> Json:
        """The answer to a form that was sent, for its acknowledgement.

        1. What it says is kept, or read, for as long as Slack can wait. 2. Where that takes longer, the form gives its
        place to a word that it is being kept, and then to the outcome.
        """
        view = incoming.view
        if view is None:
            return {}
        incoming = replace(incoming, values={**incoming.values, **unchanged(view.content, incoming.values)})
        # What was on its way to be kept is in the form itself.
        self.unsent.leave(view)
        work = asyncio.get_running_loop().create_task(self._outcome(incoming, view))
        await asyncio.wait({work}, timeout=KEPT_IN)
        if work.done():
            if (outcome := work.result()).errors:
                self.unsent.stay(view)
            return outcome.ack()
        self.beside.do(self._shown_late(incoming, view, work))
        return {"response_action": "update", "view": waiting_view(STILL_BEING_KEPT, "")}

    async def _shown_late(self, incoming: Incoming, view: SeenView, work: "asyncio.Task[Outcome]") -> None:
        outcome = await work
        if not await self.windows.change(view.id, outcome.view) and outcome.apart is not None:
            await self._say_elsewhere(incoming, outcome.apart)

    async def _outcome(self, incoming: Incoming, view: SeenView) -> Outcome:
        try:
            await self.unsent.written(view)
            return await self._sent(incoming, view)
        except NotKnown as fault:
            return Outcome(said_view(fault.card), apart=fault.card)
        except NotReadable:
            self.counts.refuse("unreadable")
            return Outcome(said_view(OUT_OF_DATE))
        except Exception:
            log.exception("a form can't be kept")
            return Outcome(refilled(view.content, NOT_KEPT), apart=_LOST)

    async def _sent(self, incoming: Incoming, view: SeenView) -> Outcome:
        """What becomes of one step of a form. Raises NotKnown and NotReadable."""
        form, person_id = unpacked(view.metadata), await self.known.person(incoming)
        card = await self.answering.card(person_id, form.inputs_of)
        if card is None:
            self.counts.refuse("card")
            await self.drafting.keep(person_id, form.name, incoming.values)
            return Outcome(said_view(OUT_OF_DATE), apart=OUT_OF_DATE)
        found = form_in(person_id, form, card)
        if found is None:
            # The conversation knows best why this can't be answered any more.
            return await self._pressed(incoming, person_id, form, dict(incoming.values), None)
        values = named(incoming.values, found.names)
        wrong = faults(inputs_of(found.card, found.action), incoming.values)
        if len(values) < len(incoming.values) or wrong:
            self.counts.refuse("value")
        if form.step < found.steps:
            # Slack itself holds a step back until it is complete; of the last one the conversation says more.
            wrong = dict.fromkeys(unanswered(view.content, incoming.values), NOT_ANSWERED) | wrong
        if wrong:
            return self._back(found, values, wrong, incoming)
        if form.step < found.steps:
            return await self._next(found, values, incoming)
        return await self._last(found, values, incoming)

    async def _next(self, found: OpenForm, values: dict[str, str], incoming: Incoming) -> Outcome:
        asked = personal(inputs_of(found.card, found.action), values)
        whole = await self.drafting.keep(found.person_id, found.form.name, values)
        if asked:
            return self._back(found, whole | values, asked, incoming)
        return Outcome(replace(found, card=filled(found.card, whole)).view(found.form.step + 1))

    async def _last(self, found: OpenForm, values: dict[str, str], incoming: Incoming) -> Outcome:
        """Send the form, with what was kept of its earlier steps, and what stood in inputs that nobody touched."""
        untold = found.steps > 1 or not found.names <= values.keys()
        kept = await self.drafting.kept(found.person_id, found.form.name) if untold else {}
        stood = {one.name: one.value for one in inputs_of(found.card, found.action)}
        whole = named(stood | kept | values, found.names)
        if personal(inputs_of(found.card, found.action), values):
            # What was said about an earlier step doesn't hold for this one.
            whole.pop(TICK, None)
        return await self._pressed(incoming, found.person_id, found.form, whole, found)

    async def _pressed(
        self, incoming: Incoming, person_id: int, form: Form, whole: dict[str, str], found: OpenForm | None
    ) -> Outcome:
        """Let the conversation answer the form; `found` is what it was made of, if that is still asked."""
        press = Press(incoming.event_id, form.verb, form.subject, form.card_id, form.origin, whole)
        pressed = await self.pressing.press(person_id, press)
        reply = pressed.reply
        self.beside.do(self._followed(incoming, person_id, press, pressed))
        if not (reply.refused or reply.asks_again):
            await self.drafting.drop(person_id, form.name)
            seen = form.origin.stands or (bool(form.origin.response_url) and not form.origin.home)
            return Outcome(said_view(reply.card), closes=seen, apart=None if seen else reply.card)
        if found is not None and reply.card.all_inputs():
            return await self._asked_again(found, pressed, incoming)
        await self.drafting.keep(person_id, form.name, whole)
        return Outcome(said_view(reply.card), apart=reply.card)

    async def _followed(self, incoming: Incoming, person_id: int, press: Press, pressed: Pressed) -> None:
        await self.pressing.follow(person_id, press, pressed)
        if press.origin.home:
            await self.hometab.show(person_id, incoming.user_id)

    async def _asked_again(self, found: OpenForm, pressed: Pressed, incoming: Incoming) -> Outcome:
        """The form come back from the conversation: itself with its errors, or a question that it led to."""
        card, form = pressed.reply.card, found.form
        if _asks(card) != _asks(found.card):
            action = next((one for one in card.actions if opens_form(card, one)), None)
            if action is None:
                return Outcome(said_view(card), apart=card)
            form = replace(form, verb=action.verb, subject=action.subject, shown=answer_id(incoming.event_id))
            asked = OpenForm(found.person_id, replace(form, step=1, tick=""), card, action)
            return Outcome(asked.view(1), apart=_again(card))
        await self.drafting.keep(found.person_id, form.name, {one.name: one.value for one in card.all_inputs()})
        # An answer that had its effect says so above the form.
        return self._wrong(found, card, incoming.values, incoming, beside=pressed.reply.refused)

    def _back(self, found: OpenForm, values: Mapping[str, str], wrong: dict[str, str], incoming: Incoming) -> Outcome:
        """The form with errors of its own, which no conversation has seen."""
        card = asked_back(filled(found.card, values), values, wrong)
        return self._wrong(found, card, values, incoming, beside=True)

    def _wrong(
        self, found: OpenForm, card: Card, typed: Mapping[str, str], incoming: Incoming, *, beside: bool
    ) -> Outcome:
        """The form with what is wrong: beside the inputs that are open where that is all, else made anew."""
        form = replace(found.form, tick=questioned_in(card) or found.form.tick)
        card = laid_out(card, form.tick)
        action = action_of(card, form)
        if action is None:
            return Outcome(said_view(card), apart=card)
        changed = [one.name for one in card.all_inputs() if one.name in typed and one.value != typed[one.name]]
        shown = made_anew(OpenForm(found.person_id, form, card, action).wrong_view(), changed, incoming.event_id)
        errors = {one.name: one.error for one in card.all_inputs() if one.error}
        here = blocks_of(incoming.view.content) if incoming.view is not None else {}
        if beside and errors and not changed and form.tick == found.form.tick and errors.keys() <= here.keys():
            return Outcome(shown, errors={here[name]: words for name, words in errors.items()}, apart=_again(card))
        return Outcome(shown, apart=_again(card))

    # ---- leaving

    async def back(self, incoming: Incoming) -> None:
        """Go back to the step before; what was typed on this one is kept."""
        view = incoming.view
        if view is None or view.is_home:
            self.counts.refuse("unreadable")
            return
        form, person_id = unpacked(view.metadata), await self.known.person(incoming)
        card = await self.answering.card(person_id, form.inputs_of)
        found = form_in(person_id, form, card) if card is not None else None
        if found is None:
            self.counts.refuse("card")
            await self.windows.change(view.id, said_view(OUT_OF_DATE), hash=view.hash)
            return
        self.unsent.leave(view)
        await self.unsent.written(view)
        whole = await self.drafting.keep(person_id, form.name, named(incoming.values, found.names))
        shown = replace(found, card=filled(found.card, whole)).view(form.step - 1)
        if not await self.windows.change(view.id, shown, hash=view.hash):
            self.unsent.stay(view)


def _asks(card: Card) -> set[str]:
    return {one.name for one in card.all_inputs() if one.name != TICK}


def _again(card: Card) -> Card:
    """What is said of a form that was closed before it came back."""
    return replace(_LOST, text=(f"“{card.title}”: {card.error or 'it needs another look'}", *_LOST.text))


NOT_OPENED = Card(
    title="The form could not be opened",
    text=("Slack didn't open it in time. Please press the button once more.",),
    tone=Tone.REFUSED,
)
OUT_OF_DATE = Card(
    title="This card is out of date",
    text=("Nothing was changed. Write mine to see what waits for you.",),
    tone=Tone.REFUSED,
)
_LOST = Card(
    title="Your form was not taken yet",
    text=("What you typed is kept. Please open the form again, from the same button, and send it.",),
    tone=Tone.REFUSED,
)
