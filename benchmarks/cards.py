"""Cards drawn for Slack and Teams, beside what it takes to write the same JSON and to read it.

The cards are real ones: every message of an audit under each framework that comes with auditloop, and its whole grade
form with a mistake in it.
"""

import asyncio
import json
from collections.abc import Callable
from time import process_time
from typing import Any

from audits.frameworks import framework_named, shipped
from bot.rehearsal.playing import play
from bot.rehearsal.script import Script
from cards import adaptive, blocks
from cards.blocks.buttons import opens_form
from cards.blocks.forms import form_steps, form_view
from cards.card import Card
from cards.grading import form
from cards.scene import Scene

ROUNDS = 15
STEPS = ({"at": "2026-03-02T09:00", "do": "allocate"}, {"at": "2026-03-06T09:00", "by": "auditor", "do": "hold"})


async def drawn(framework: str) -> tuple[list[Card], Card]:
    """The messages of an audit until its discussion has been held, and the grade form that then came back once."""
    times = {"start": "2026-03-02T09:00", "until": "2026-05-01T09:00"}
    script = Script.model_validate(
        {"framework": framework, "steps": [{**step, "case": "C-1"} for step in STEPS], **times}
    )
    stage = await play(script, framework_named(framework))
    try:
        async with stage.store.begin() as tx:
            audit = await tx.audit(1)
            auditor = tx.directory.get(audit.auditor_id) if audit is not None else None
            if audit is None or auditor is None:
                raise RuntimeError(f"nobody was given an audit under {framework}")
            duty = next(one for one in audit.duties if one.key == "complete_audit")
            whole = form(Scene(tx.rules, audit, auditor, stage.clock.now()), duty, whole=True)
    finally:
        await stage.store.close()
    return stage.arrived, whole.answered({}, {"rationale": "Please say why."}, "One answer needs another look.")


def steps_of(card: Card) -> list[dict[str, Any]]:
    """Every step of the form of a card, as Slack shows it."""
    action = next(one for one in card.actions if opens_form(card, one))
    verb, subject = action.verb, action.subject
    steps = range(1, form_steps(card, verb, subject) + 1)
    return [form_view(card, verb, subject, context="", step=step) for step in steps]


def seconds(work: Callable[[], object]) -> float:
    """The quickest of some rounds, so that what else the computer does counts little."""
    taken: list[float] = []
    for _ in range(ROUNDS):
        begun = process_time()
        work()
        taken.append(process_time() - begun)
    return min(taken)


def compare(what: str, drawn: Callable[[], object]) -> None:
    made = drawn()
    plainly = seconds(lambda: json.loads(json.dumps(made)))
    print(f"{what:<38}{seconds(drawn) / plainly:5.1f} times as long as to write and read their JSON")


async def main() -> None:
    found = [await drawn(name) for name in sorted(shipped())]
    messages, forms = [card for arrived, _ in found for card in arrived], [card for _, card in found]
    compare("messages in Slack:", lambda: [blocks.render(one, card_id="1").blocks for one in messages])
    compare("whole grade forms in Slack, by steps:", lambda: [steps_of(one) for one in forms])
    compare("messages in Teams:", lambda: [adaptive.render(one, card_id="1") for one in messages])
    compare("whole grade forms in Teams:", lambda: [adaptive.render(one, card_id="1") for one in forms])


if __name__ == "__main__":
    asyncio.run(main())
