"""What a person does at the desk: presses a button, writes a message, moves a demonstration's clock."""

import asyncio
import re

from aiohttp import web
from yarl import URL

from bot.desk import clock
from bot.desk.forms import event_id, fields, see_other
from bot.desk.pages import LONGEST_MESSAGE
from bot.desk.service import DeskService
from bot.desk.trouble import NOBODY, NOT_UNDERSTOOD, Trouble
from handlers.interaction import Interaction

PAGES_WITH_A_CLOCK = re.compile(
    r"/(?:timeline|people/[0-9]{1,18}(?:/timeline)?)?(?:\?(?:show=[a-z]{1,20}|person=[0-9]{0,18}))?"
)


class Answers:
    """The forms of the desk. Each leads on to a page that can be loaded again without sending anything twice."""

    def __init__(self, service: DeskService) -> None:
        self._service = service
        self._moving = asyncio.Lock()

    async def press(self, request: web.Request) -> web.Response:
        """A button of a card: `press` is its verb and subject, the other fields are the inputs."""
        person_id = await self._person_id(request)
        values = await fields(request)
        event = event_id(values.pop("event_id", ""))
        verb, _, subject = values.pop("press", "").partition("|")
        if not verb:
            raise Trouble(400, NOT_UNDERSTOOD)
        now = self._service.now()
        await self._service.answer(Interaction(person_id, verb, event, now, subject=subject, values=values))
        return self._to_reply(request, person_id, event)

    async def say(self, request: web.Request) -> web.Response:
        """A typed message, or one of the examples beside it."""
        person_id = await self._person_id(request)
        values = await fields(request)
        event = event_id(values.get("event_id", ""))
        text = (values.get("example") or values.get("text", "")).strip()[:LONGEST_MESSAGE]
        if not text:
            return see_other(f"/people/{person_id}?said=nothing#write")
        await self._service.answer(Interaction(person_id, "say", event, self._service.now(), text=text))
        return self._to_reply(request, person_id, event)

    async def move(self, request: web.Request) -> web.Response:
        """The clock, to the moment that stood on the button; a second press finds it there already."""
        values = await fields(request)
        moment = clock.moment_of(values.get("to", ""))
        if moment is None:
            raise Trouble(400, NOT_UNDERSTOOD)
        async with self._moving:
            if moment <= self._service.now():
                news = clock.ALREADY
            elif moment > await clock.latest(self._service):
                raise Trouble(400, NOT_UNDERSTOOD)
            else:
                news = clock.outcome(moment, await self._service.move_to(moment))
        back = values.get("back", "")
        page = URL(back if PAGES_WITH_A_CLOCK.fullmatch(back) else "/")
        return see_other(f"{page.update_query(clock=news)}#clock")

    async def _person_id(self, request: web.Request) -> int:
        person_id = int(request.match_info["person_id"])
        if await self._service.person(person_id) is None:
            raise Trouble(404, NOBODY)
        return person_id

    def _to_reply(self, request: web.Request, person_id: int, event: str) -> web.Response:
        query = {"show": "waiting"} if request.query.get("show") == "waiting" else {}
        return see_other(str(URL.build(path=f"/people/{person_id}", query={**query, "reply": event}, fragment="reply")))
