"""What is asked by a slash command or a shortcut: the words that work everywhere, answered to the asker alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.answering import Answering
from bot.program import Program
from bot.slack.incoming import Incoming
from bot.slack.known import Known, NotKnown
from bot.slack.modals import Modals
from bot.slack.origins import Form, Origin, origin_of
from bot.slack.pressing import answer_id
from bot.slack.responding import Responding
from bot.slack.windows import Windows
from cards.blocks.buttons import opens_form
from cards.blocks.forms import said_view
from cards.blocks.texts import Json
from handlers.commands import asked
from handlers.interaction import Interaction, Reply

SHORTCUTS: Mapping[str, str] = {"my_audits": "mine", "safety_concern": "safety"}
"""The callback_ids of the global shortcuts, and what each asks in words."""
BEHIND_THE_COMMAND = "Here, put {command} before it, so that only you see it and the answer."
ON_ITS_WAY = "One moment, please: the answer is on its way."


@dataclass(frozen=True)
class Asking:
    program: Program
    answering: Answering
    known: Known
    responding: Responding
    modals: Modals
    windows: Windows

    async def command(self, incoming: Incoming) -> None:
        """Answer a slash command. Only what is meant for everyone, and may be, is answered to everyone there."""
        try:
            person_id = await self.known.person(incoming)
        except NotKnown as fault:
            await self.responding.respond(incoming.response_url, fault.card, "", 0)
            return
        line = asked(incoming.text)
        reply = await self._say(incoming, person_id, line.text, in_group=line.share)
        if reply.again:
            return
        card = reply.card
        if reply.refused and not origin_of(incoming).is_own_chat:
            # Written as it is said, it would be a message that everyone there reads.
            card = replace(card, text=(*card.text, BEHIND_THE_COMMAND.format(command=incoming.command)))
        await self.responding.respond(
            incoming.response_url,
            card,
            answer_id(incoming.event_id),
            person_id,
            in_channel=line.share and not reply.refused,
        )

    async def shortcut(self, incoming: Incoming) -> None:
        """Answer a global shortcut in a modal, which is all that Slack has for it."""
        await self.windows.open(incoming.trigger_id, self._answer(incoming), words=ON_ITS_WAY)

    async def _answer(self, incoming: Incoming) -> Json:
        try:
            person_id = await self.known.person(incoming)
        except NotKnown as fault:
            return said_view(fault.card)
        reply = await self._say(incoming, person_id, SHORTCUTS[incoming.callback_id])
        action = next((one for one in reply.card.actions if opens_form(reply.card, one)), None)
        if action is None:
            return said_view(reply.card)
        form = Form(action.verb, action.subject, answer_id(incoming.event_id), Origin())
        return await self.modals.view_of(person_id, reply.card, form)

    async def _say(self, incoming: Incoming, person_id: int, text: str, *, in_group: bool = False) -> Reply:
        said = Interaction(person_id, "say", incoming.event_id, self.program.now(), text=text, in_group=in_group)
        reply = await self.answering.reply(said)
        if not (reply.refused or reply.again):
            self.program.call()
        return reply
