"""A card's form as a modal: what one action sends, in steps where it is long.

A view is always made anew from its card. Which inputs a step has depends on what the card asks and never on what was
answered, so that a form keeps its steps while it is filled in.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import ceil

from slack_sdk.models.blocks import DividerBlock, PlainTextObject
from slack_sdk.models.views import View

from cards.blocks.buttons import button, inputs_of, opens_form, row
from cards.blocks.moulds import mould
from cards.blocks.parts import Part
from cards.blocks.questions import answers, block_id, can_be_answered, question
from cards.blocks.saying import body, facts, figures, reason, texts
from cards.blocks.texts import LINE, PLAIN, header, heading, note, notes, plain, quiet, section, sections
from cards.card import Action, Card, Emphasis, Input, InputGroup, Tone
from cards.limits import CardTooLarge, units
from cards.moulds import Json, Written
from cards.presenting import SIGNS, error_words, refuse_reserved

__all__ = [
    "BACK",
    "FORM",
    "SAID",
    "WAITING",
    "NotOffered",
    "answers",
    "block_ids",
    "first_wrong_step",
    "form_steps",
    "form_view",
    "said_view",
    "waiting_view",
]

FORM, SAID, WAITING = "form", "said", "waiting"
"""The callback_id of each kind of modal."""
BACK = "back"
"""The action_id of the button that leads to the step before."""
MOST_INPUTS, MOST_ASKING_BLOCKS = 12, 60
"""What one step asks at most, with room left for what the card says and for errors."""
MOST_BLOCKS, MOST_SAYING_BLOCKS = 100, 25
MOST_READ = 20_000
"""How many characters of what a card says a modal shows: the whole of it is in the message, in as many as it takes."""
MOST_BYTES = 240_000
TITLE, LABEL, CONTEXT = 24, 24, 3000

_MODAL = mould(
    View(
        type="modal",
        callback_id=FORM,
        private_metadata="{}",
        title=PLAIN,
        submit=PLAIN,
        close=PlainTextObject(text="Close", emoji=False),
        notify_on_close=True,
        blocks=[DividerBlock()],
    ),
    "callback_id",
    "private_metadata",
    "title",
    "submit",
    "notify_on_close",
    "blocks",
)

Entries = tuple[Input | InputGroup, ...]


class NotOffered(LookupError):
    """The card has no such action, or has it no longer."""


def form_steps(card: Card, verb: str, subject: str) -> int:
    """How many steps the form of this action has. Raises NotOffered."""
    return len(_form(card, verb, subject).steps)


def form_view(card: Card, verb: str, subject: str, *, context: str, step: int = 1) -> Json:
    """One step of the form of this action, as a modal; a step beyond the last is the last.

    `context` comes back with whatever happens in the view (`private_metadata`). The modal has only the inputs that
    the action sends, with the values and errors that the card has. What the card says stands on the first step; its
    error on each. On later steps the button `BACK` leads to the one before. Whatever is put in, and that the modal was
    closed, is told to the app.

    Raises NotOffered, CardTooLarge where a step doesn't fit into a modal, and ValueError if two inputs have one name
    or the context is too long.
    """
    _refuse_long(context)
    form = _form(card, verb, subject)
    here = min(max(step, 1), len(form.steps))
    last = here == len(form.steps)
    blocks = [*form.heading(here), *form.errors(here), *(form.saying() if here == 1 else ()), *form.asking(here)]
    if here > 1:
        blocks.append(row([button("Back", BACK, f"{here - 1}")]))
    if here == 1:
        blocks.extend(reason(card))
    if last and units(quiet(form.action.label)) > LABEL:
        blocks.extend(notes(f"The button in full: {form.action.label}"))
    return _modal(card.title, blocks, FORM, context=context, submit=form.action.label if last else "Next", is_form=True)


def block_ids(card: Card, verb: str, subject: str) -> dict[str, str]:
    """The block of each input of the form, by the input's name, to put errors beside them. Raises NotOffered.

    An input that has no control, because nothing can be chosen, has no block.
    """
    return {one.name: block_id(one) for one in _form(card, verb, subject).inputs if can_be_answered(one)}


def first_wrong_step(card: Card, verb: str, subject: str) -> int:
    """The first step with an error beside an input; the last where there is none. Raises NotOffered."""
    steps = _form(card, verb, subject).steps
    wrong = (number for number, entries in enumerate(steps, start=1) if any(one.error for one in _inputs(entries)))
    return next(wrong, len(steps))


def said_view(card: Card) -> Json:
    """A modal that only says what the card says: nothing can be pressed on it but to close it."""
    sign = SIGNS[card.tone]
    blocks = [*_whole_title(card.title), *([] if card.title.startswith(sign.words) else [note(str(sign))])]
    # A file comes with a message only, so nothing is said of it here.
    said = [block for part in body(replace(card, downloads=())) for block in part.blocks]
    why = reason(card)
    blocks.extend(_kept(said, MOST_BLOCKS - len(blocks) - len(why)))
    return _modal(card.title, [*blocks, *why], SAID)


def waiting_view(text: str, context: str) -> Json:
    """What stands in a modal while the form, or its outcome, is on its way.

    Raises ValueError if the context is too long.
    """
    _refuse_long(context)
    return _modal("One moment…", sections(text) or [section("One moment…")], WAITING, context=context)


@dataclass(frozen=True)
class _Form:
    """What one action of a card asks for."""

    card: Card
    action: Action

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        return inputs_of(self.card, self.action)

    @cached_property
    def steps(self) -> tuple[Entries, ...]:
        """The inputs of each step; one step without any where nothing is asked."""
        asked = {one.name for one in self.inputs}
        entries: list[Input | InputGroup] = []
        for entry in self.card.inputs:
            if not isinstance(entry, InputGroup):
                entries.extend([entry] if entry.name in asked else [])
            elif inputs := tuple(one for one in entry.inputs if one.name in asked):
                entries.extend(_whole(replace(entry, inputs=inputs)))
        return _divided(tuple(entries))

    def heading(self, here: int) -> list[Written]:
        """The title where it doesn't fit above the modal, what is pressing about the card, and which step this is."""
        blocks = _whole_title(self.card.title)
        sign = SIGNS[self.card.tone]
        if self.card.tone in (Tone.LATE, Tone.ALERT) and not self.card.title.startswith(sign.words):
            blocks.append(note(str(sign)))
        if len(self.steps) > 1:
            blocks.append(note(f"Step {here} of {len(self.steps)}"))
        return blocks

    def errors(self, here: int) -> list[Written]:
        """What is wrong with the whole, and what is wrong elsewhere than on this step."""
        said = [error_words(self.card.error)] if self.card.error else []
        for number, entries in enumerate(self.steps, start=1):
            wrong = [one.label for one in _inputs(entries) if one.error]
            if wrong and number != here:
                said.append(error_words(f"Please look again at step {number}: {'; '.join(wrong)}"))
        elsewhere = [one for one in self.card.all_inputs() if one.error and one not in self.inputs]
        said.extend(error_words(f"{one.label}: {one.error}") for one in elsewhere)
        return [section(words) for words in said]

    def saying(self) -> list[Written]:
        """The texts, facts and figures of the card, and a line below them."""
        parts: list[Part] = [*texts(self.card), *facts(self.card.facts), *figures(self.card)]
        blocks = _kept([block for part in parts for block in part.blocks], MOST_SAYING_BLOCKS)
        return [*blocks, LINE] if blocks and self.inputs else blocks

    def asking(self, here: int) -> list[Written]:
        """The inputs of a step; the cursor starts in the first that has an error."""
        entries = self.steps[here - 1]
        wrong = next((one for one in _inputs(entries) if one.error and can_be_answered(one)), None)
        blocks: list[Written] = []
        for entry in entries:
            if isinstance(entry, InputGroup):
                blocks.extend(heading(entry.title))
            for one in _inputs((entry,)):
                blocks.extend(question(one, insisted=self.insists and one.required, focused=one is wrong))
        return blocks

    @cached_property
    def insists(self) -> bool:
        """Whether the client may hold the form back until it is answered: not where answers are only taken along."""
        if self.action.inputs is not None or self.action.emphasis is Emphasis.PRIMARY:
            return True
        return [one for one in self.card.actions if opens_form(self.card, one)] == [self.action]


def _form(card: Card, verb: str, subject: str) -> _Form:
    refuse_reserved(card, frozenset())
    called = [one for one in card.actions if (one.verb, one.subject) == (verb, subject)]
    if not called:
        raise NotOffered(f"“{card.title}” has no action {verb!r} on {subject!r}.")
    return _Form(card, next((one for one in called if opens_form(card, one)), called[0]))


def _inputs(entries: Entries) -> list[Input]:
    return [one for entry in entries for one in (entry.inputs if isinstance(entry, InputGroup) else (entry,))]


def _blocks_of(entry: Input | InputGroup) -> int:
    """How many blocks an entry takes before anything was answered."""
    own = heading(entry.title) if isinstance(entry, InputGroup) else []
    return len(own) + sum(len(question(_empty(one), insisted=True)) for one in _inputs((entry,)))


def _empty(entry: Input) -> Input:
    return replace(entry, value="", error="") if entry.value or entry.error else entry


def _whole(group: InputGroup) -> list[InputGroup]:
    """The group, cut only if it is more than a step by itself."""
    if len(group.inputs) <= MOST_INPUTS and _blocks_of(group) <= MOST_ASKING_BLOCKS:
        return [group]
    cut = _divided(group.inputs)
    return [replace(group, inputs=tuple(_inputs(entries))) for entries in cut]


def _divided(entries: Entries) -> tuple[Entries, ...]:
    """The entries in as few steps as hold them, none of them much longer than the others."""
    measured = [(entry, len(_inputs((entry,))), _blocks_of(entry)) for entry in entries]
    fewest = _filled(measured, MOST_INPUTS)
    even = ceil(len(_inputs(entries)) / len(fewest))
    return next(steps for most in range(even, MOST_INPUTS + 1) if len(steps := _filled(measured, most)) == len(fewest))


def _filled(measured: Sequence[tuple[Input | InputGroup, int, int]], most: int) -> tuple[Entries, ...]:
    """The entries, each with how many inputs and blocks it is, in steps of at most so many inputs, filled in turn."""
    steps: list[list[Input | InputGroup]] = [[]]
    inputs = blocks = 0
    for entry, more, taken in measured:
        if steps[-1] and (inputs + more > most or blocks + taken > MOST_ASKING_BLOCKS):
            steps.append([])
            inputs = blocks = 0
        steps[-1].append(entry)
        inputs, blocks = inputs + more, blocks + taken
    return tuple(tuple(step) for step in steps)


def _whole_title(title: str) -> list[Written]:
    return [header(title)] if units(quiet(title.strip())) > TITLE else []


def _kept(blocks: Sequence[Written], most: int) -> list[Written]:
    """As many as fit, and then a word that there is more."""
    read = list(accumulate(Part([block]).weight for block in blocks))
    if len(blocks) <= most and (not read or read[-1] <= MOST_READ):
        return list(blocks)
    kept = min(most - 1, bisect_right(read, MOST_READ))
    return [*blocks[:kept], note("There is more to read. It is in the message that this belongs to.")]


def _refuse_long(context: str) -> None:
    if units(context) > CONTEXT:
        raise ValueError(f"A modal carries at most {CONTEXT} characters of context, not {units(context)}.")


def _modal(
    title: str,
    blocks: Sequence[Written],
    callback_id: str,
    *,
    context: str = "",
    submit: str = "",
    is_form: bool = False,
) -> Json:
    if len(blocks) > MOST_BLOCKS:
        raise CardTooLarge(f"A step of this form takes {len(blocks)} blocks and a modal of Slack has {MOST_BLOCKS}.")
    view = _MODAL.filled(
        callback_id=callback_id,
        private_metadata=context or None,
        title=plain(" ".join(title.split()), TITLE, "…"),
        submit=plain(submit, LABEL, "…") if is_form else None,
        notify_on_close=True if is_form else None,
        blocks=list(blocks) or [header(title)],
    )
    return small_enough(view)


def small_enough(view: Written) -> Json:
    """The view as Slack takes it. Raises CardTooLarge if it is more than Slack takes, as with thousands of choices."""
    whole = view.to_dict()
    # Slack is sent six characters for a unit at most, so hardly any view has to be written like that to be measured.
    if units(view) * 6 > MOST_BYTES and (size := len(json.dumps(whole))) > MOST_BYTES:
        raise CardTooLarge(
            f"This view takes {size // 1000} kB and Slack takes {MOST_BYTES // 1000}. Ask for less at once."
        )
    return whole
