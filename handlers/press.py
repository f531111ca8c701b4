"""One press of a button, with what every conversation needs: the audit, the permission, and the refusal in words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from audits.events import EVENTS
from audits.people import Person
from audits.permissions import ONCE, gate, may, out_of_order, own_work
from audits.state import Audit, Duty, Event
from cards import deck
from cards.card import Card, Tone
from cards.invitation import invitation
from cards.scene import Scene
from cards.wording import moment_words
from handlers.interaction import Reply
from storage.ledger import Recorded, record
from storage.store import Transaction

EARLIER = {
    "accepted": "Please say first that you take the audit.",
    "booked": "Please agree a time with the practitioner first.",
    "held": "Please say first that the discussion was held.",
    "self_assessed": "The practitioner's self-assessment comes first. Please ask them for it, or have it waived.",
}

OWN_WORK = {
    "moderate": ("You audited this case yourself", "Please ask a colleague to moderate it."),
    "release": ("This is the outcome of your own audit", "Please ask a colleague to decide on it."),
    "discuss": ("This is the outcome of your own audit", "Whoever talks it through with you says so here."),
    "sign_off": ("You reported this action done yourself", "Someone else signs it off."),
    "send_back": ("You reported this action done yourself", "Someone else looks at it."),
}
"""What is said to whoever would judge what they did themselves."""

THEIRS = "The auditor has a step to take first. We ask you as soon as it is your turn."


class Refused(Exception):
    """What was asked can't be done; `card` says why and what to do instead. Nothing has changed."""

    def __init__(self, card: Card) -> None:
        super().__init__(card.title)
        self.card = card


def refusal(title: str, *text: str) -> Refused:
    return Refused(Card(title=title, text=text, tone=Tone.REFUSED))


@dataclass
class Press:
    """A person's press on one audit, inside one transaction."""

    tx: Transaction
    person: Person
    audit: Audit
    verb: str
    values: Mapping[str, str]
    at: datetime
    action: int | None = None

    @property
    def scene(self) -> Scene:
        return Scene(self.tx.rules, self.audit, self.person, self.at)

    def value(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def duty(self, key: str) -> Duty | None:
        """The latest duty of this kind (of this action, if there is one), open or closed; the person's own first."""
        actions = (None, self.action)
        found = [one for one in self.audit.duties if one.key == key and (self.action is None or one.action in actions)]
        own = [one for one in found if self.person.id in (one.owner_id, one.closed_actor)]
        return (own or found)[-1] if found else None

    def check(self) -> None:
        """Raise Refused unless the rules let this person do this now. Whatever the card said."""
        rules, audit = self.tx.rules, self.audit
        label = rules.framework.verbs[self.verb].label if self.verb in rules.framework.verbs else "do this"
        if own_work(rules, audit, self.verb, self.person, self.action):
            title, words = OWN_WORK[self.verb]
            above = self.tx.directory.manager_of(self.person) if self.action is not None else None
            raise refusal(title, f"{words} Please ask {above.name}." if above else words)
        if not may(rules, audit, self.verb, self.person, self.at, self.action):
            raise refusal(f"Sorry, you can't {label} here", self._who_can())
        if audit.withdrawn:
            raise refusal("This audit has been withdrawn", "Nothing more is needed. Thank you.")
        if self.verb in ONCE and audit.has(EVENTS[self.verb]):
            raise self.already(EVENTS[self.verb])
        too_early = gate(rules, audit, self.verb)
        if too_early is not None:
            raise refusal("It is a little too early for this", too_early)
        missing = out_of_order(rules, audit, self.verb)
        if missing:
            mine = self.person.id == audit.auditor_id
            words = EARLIER.get(missing[0], "An earlier step is still open.") if mine else THEIRS
            raise refusal("Something comes before this", words)

    def _who_can(self) -> str:
        rule = self.tx.framework.verbs.get(self.verb)
        names: list[str] = []
        for target in rule.by if rule else ():
            chosen = self.audit.action(self.action) if self.action is not None else None
            holder = self.tx.rules.address(target, self.audit, self.at, action=chosen)
            if holder is not None and holder.person.name not in names:
                names.append(holder.person.name)
        return f"Please ask {' or '.join(names[:3]) or f'the {self.tx.framework.qa_label}'}."

    def already(self, kind: str) -> Refused:
        """The refusal of a second press: what was done, by whom and when."""
        at, actor = self.audit.done[kind]
        words = deck.who_did(self.scene, kind, actor)
        return refusal("This is already done", f"{words} on {moment_words(at, self.tx.calendar)}.")

    async def record(self, kind: str | None = None, **values: Any) -> Recorded:
        """Record the event of this press and go on with the audit as it is afterwards."""
        event = Event(kind or EVENTS[self.verb], self.at, self.person.id, values)
        recorded = await record(self.tx, self.audit, event)
        self.audit = recorded.audit
        return recorded

    def card(self, key: str) -> Card:
        """The card of a duty as it is now: what was done, or what is asked next."""
        duty = self.duty(key)
        if duty is None:
            return Card(title=f"Case {self.audit.case.ref}", facts=self.scene.case_facts(), tone=Tone.DONE)
        if duty.is_open:
            return deck.ask(self.scene, duty, invitation=invitation(self.scene) if key == "hold_session" else None)
        return deck.done(self.scene, duty)

    def reply(self, key: str, *then: str) -> Reply:
        """The reply after an answer: the card as it is now, with what happens next."""
        duty = self.duty(key)
        return Reply(_with(self.card(key), then), duty=duty.ref if duty else "")


def _with(card: Card, lines: tuple[str, ...]) -> Card:
    return replace(card, text=(*card.text, *lines)) if lines else card


def whole_date(text: str) -> date | None:
    """A day as a date input sends it, or None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
