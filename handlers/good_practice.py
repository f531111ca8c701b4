"""Good practice: its offer to the forum."""

from handlers import privacy, steps
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal


async def offer(press: Press) -> Reply:
    press.check()
    if steps.answered(press) not in (None, "good_practice"):
        return await steps.answer(press)
    if press.duty("good_practice") is None:
        raise refusal("This audit isn't on its way to a forum", "Only work graded Good or Outstanding is offered.")
    errors = privacy.questioned(press.values, ("text",))
    if errors:
        raise Refused(privacy.again(press.card("good_practice"), press.values, errors))
    await press.record(text=press.value("text"))
    return press.reply("good_practice")
