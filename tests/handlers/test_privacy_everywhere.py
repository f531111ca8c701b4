"""Whoever presses whatever, with a child's number in every value that a form could send: it is kept nowhere."""

import asyncio
from pathlib import Path

from audits.frameworks import framework_named
from bot.rehearsal.playing import play
from bot.rehearsal.script import read_script
from bot.rehearsal.timeline import timeline
from handlers.verbs import VERBS
from tests.handlers.conftest import NHS_NUMBER, SENT, Service, kept

WORDS = f"Her number is {NHS_NUMBER}."
NAMES = (
    *("text", "reason", "where", "dispute_text", "rationale", "safety_text", "good_example", "when", "day", "at", "to"),
    *("until", "duty", "decision", "concern", "learning", "another", "grade", "which", "check_1", "section_planning"),
    *("feedback_child", "feedback_child_reason", "action_1_what", "action_1_owner", "action_1_due", "action_9_what"),
    *("stretch_practitioner", "stretch_manager", "title", "ask_1", "made_up"),
)
STATES = {"talked": ("Carol",), "sent": ("Alice", "Dan", "Gil"), "confirmed": ("Dan",)}
"""Who presses every verb, while an audit stands so."""


async def test_no_verb_keeps_a_childs_number_from_any_value(service: Service, tmp_path: Path) -> None:
    right = SENT | {"grade": "inadequate", "concern": "no", "decision": "review", "check_1": "yes", "learning": "no"}
    words = {name: WORDS for name in NAMES if name not in right and name not in ("which", "action_1_owner")}
    await service.talked()
    taken: list[str] = []
    for state, people in STATES.items():
        if state == "sent":
            sent = SENT | {"grade": "inadequate", "neglect": "yes"}
            await service.ok(await service.press("Carol", "submit", **sent))
        elif state == "confirmed":
            await service.ok(await service.press("Gil", "moderate", grade="inadequate", text="It is."))
        for verb in sorted(VERBS):
            for person in people:
                reply = await service.press(person, verb, action=1, **(right | words))
                if not reply.refused:
                    taken.append(verb)
        await service.press(people[0], "raise_safety", **dict.fromkeys(NAMES, WORDS))
    for text in ("safety K7F-204", "waive K7F-204 because", "commission K7F-204 because", "theme", "who", "case"):
        await service.says("Grace", f"{text} {WORDS}")
    assert not kept(tmp_path, NHS_NUMBER)
    assert {"safety", "accept", "oversee"} & set(taken), "some presses had an effect"


def test_a_second_word_in_a_disagreement_is_checked_like_the_first(tmp_path: Path) -> None:
    """Where a disagreement climbs at once, saying that it isn't settled has words of its own."""
    script = tmp_path / "dispute.yaml"
    script.write_text(
        f"""
framework: dudley
start: 2026-03-02T09:00
until: 2026-04-20T18:00
cases: [{{ref: D-1, plan: CP}}]
steps:
  - {{at: 2026-03-02T15:00, do: allocate, case: D-1}}
  - {{at: 2026-03-03T15:15, by: auditor, do: submit, case: D-1, grade: good,
     stretch: {{practitioner: "More.", manager: "More."}}}}
  - {{at: 2026-03-04T10:00, by: tm, do: dispute, case: D-1, text: "I see the planning differently."}}
  - {{at: 2026-03-10T10:00, by: tm, do: dispute, case: D-1, text: "{WORDS}"}}
""",
        encoding="utf-8",
    )

    async def work() -> list[str]:
        stage = await play(*read_script(script))
        try:
            return [line.text for line in await timeline(stage) if line.what == "refused"]
        finally:
            await stage.store.close()

    assert framework_named("dudley").duties["dispute"].ladder_from == "opening"
    (refused,) = asyncio.run(work())
    assert "an NHS number" in refused
