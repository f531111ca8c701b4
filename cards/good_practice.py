"""Good practice on its way to the forum."""

from audits.state import Duty
from cards.card import Card, Emphasis, Fact, TextInput, Tone
from cards.grading import rationale_facts
from cards.scene import Scene
from cards.wording import moment_words


def offer(scene: Scene, duty: Duty) -> Card:
    return Card(
        title=f"Good practice: {scene.audit.case.ref}",
        text=(scene.framework.duties["good_practice"].ask,),
        tone=Tone.ASK,
        facts=(
            *scene.case_facts(),
            *scene.grade_facts(),
            *rationale_facts(scene),
            Fact("Forum", moment_words(duty.nominal, scene.calendar)),
        ),
        inputs=(TextInput("text", "What can others learn from it? (optional)", long=True),),
        actions=scene.button("offer", "Offered to the forum", Emphasis.PRIMARY),
        why=scene.why("good_practice"),
    )
