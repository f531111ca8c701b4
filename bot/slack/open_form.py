"""A form that somebody has open, made anew from its card each time that something happens in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.slack.filling import laid_out
from bot.slack.origins import Form
from cards.blocks.buttons import inputs_of, opens_form
from cards.blocks.forms import first_wrong_step, form_steps, form_view
from cards.blocks.texts import Json
from cards.card import Action, Card


@dataclass(frozen=True)
class OpenForm:
    """A form as it is made anew for whoever fills it in: the card, with the action that sends it."""

    person_id: int
    form: Form
    card: Card
    action: Action

    @property
    def names(self) -> set[str]:
        return {one.name for one in inputs_of(self.card, self.action)}

    @property
    def steps(self) -> int:
        return form_steps(self.card, self.form.verb, self.form.subject)

    def view(self, step: int) -> Json:
        form = self.form.at(min(max(step, 1), self.steps))
        return form_view(self.card, form.verb, form.subject, context=form.packed(), step=form.step)

    def wrong_view(self) -> Json:
        """The first step on which something is wrong."""
        return self.view(first_wrong_step(self.card, self.form.verb, self.form.subject))


def form_in(person_id: int, form: Form, card: Card) -> OpenForm | None:
    """A form with nothing in it; None where the card has it no longer."""
    action = action_of(card, form)
    if action is None:
        return None
    card = laid_out(card, form.tick)
    return OpenForm(person_id, form, card, action_of(card, form) or action)


def named(values: Mapping[str, str], names: set[str]) -> dict[str, str]:
    """Of these values, those of inputs that a form has."""
    return {name: value for name, value in values.items() if name in names}


def action_of(card: Card, form: Form) -> Action | None:
    """The action of a card that sends a form; None where the card has it no longer."""
    called = [one for one in card.actions if (one.verb, one.subject) == (form.verb, form.subject)]
    return next((one for one in called if opens_form(card, one)), called[0] if called else None)
