"""What the desk shows: the start, a person's desk, and the timeline."""

from dataclasses import replace
from itertools import groupby

from aiohttp import web

from audits.people import Person
from bot.desk import guide
from bot.desk.forms import known_event_id, number, page_number, see_other
from bot.desk.layout import Layout
from bot.desk.service import DeskService, Desktop, Entry, Letter
from bot.desk.trouble import NOBODY, Trouble
from cards.card import Card, Tone
from cards.presenting import SIGNS

MOST_PAGES_SEARCHED = 10
LONGEST_MESSAGE = 2000
EXAMPLES = ("mine", "help")
EXAMPLES_FOR_QUALITY = ("status", "overdue", "help")
NOTHING_TYPED = "Please type something first, for example: help"


class Pages:
    """The pages that can be read. All of them work without a script."""

    def __init__(self, service: DeskService, layout: Layout) -> None:
        self._service = service
        self._layout = layout

    async def start(self, request: web.Request) -> web.Response:
        people = await self._service.people()
        return await self._layout.page(
            request,
            "start.html",
            people,
            title="People",
            teams=_by_team(people),
            steps=guide.steps(people) if self._service.demonstration and people else (),
        )

    async def choose(self, request: web.Request) -> web.Response:
        """From the choice in the header to that person's desk."""
        chosen = number(request.query.get("person"))
        return see_other("/" if chosen is None else f"/people/{chosen}")

    async def desk(self, request: web.Request) -> web.Response:
        person = await self._person(request)
        people = await self._service.people()
        own = next((one for one in people if one.person.id == person.id), None)
        only_waiting = request.query.get("show") == "waiting"
        page = page_number(request)
        letters, pages = await self._service.inbox(person.id, page=page)
        if page > max(pages, 1):
            page = max(pages, 1)
            letters, pages = await self._service.inbox(person.id, page=page)
        first = letters if page == 1 else (await self._service.inbox(person.id))[0]
        waiting, all_found = await self._waiting(person.id, own.open_steps if own else 0, first, pages)
        set_apart = {letter.message_id for letter in waiting} if page == 1 else set()
        reply = await self._reply(request)
        others = [] if only_waiting else [letter for letter in letters if letter.message_id not in set_apart]
        return await self._layout.page(
            request,
            "desk.html",
            people,
            title=_title(person, reply),
            person=person,
            role=own.role if own else person.role,
            away=person.away(self._service.calendar.day_of(self._service.now())),
            waiting=[letter for letter in waiting if not _same(letter.card, reply)],
            waiting_count=len(waiting),
            all_found=all_found,
            set_apart=page == 1 or only_waiting,
            others=[letter for letter in others if not _same(letter.card, reply)],
            only_waiting=only_waiting,
            page=page,
            pages=1 if only_waiting else pages,
            reply=reply,
            mistakes=_mistakes(reply) if reply else 0,
            nothing_typed=NOTHING_TYPED if request.query.get("said") == "nothing" else "",
            longest_message=LONGEST_MESSAGE,
            quality=bool(own and own.quality),
            examples=EXAMPLES_FOR_QUALITY if own and own.quality else EXAMPLES,
        )

    async def own_timeline(self, request: web.Request) -> web.Response:
        return await self._timeline(request, await self._person(request), own=True)

    async def timeline(self, request: web.Request) -> web.Response:
        chosen = number(request.query.get("person"))
        person = None if chosen is None else await self._service.person(chosen)
        if chosen is not None and person is None:
            raise Trouble(404, NOBODY)
        return await self._timeline(request, person, own=False)

    async def _timeline(self, request: web.Request, person: Person | None, *, own: bool) -> web.Response:
        people = await self._service.people()
        desktop = next((one for one in people if person and one.person.id == person.id), None)
        person_id = person.id if person else None
        page = page_number(request)
        entries, pages = await self._service.timeline(person_id=person_id, page=page)
        if page > max(pages, 1):
            page = max(pages, 1)
            entries, pages = await self._service.timeline(person_id=person_id, page=page)
        return await self._layout.page(
            request,
            "timeline.html",
            people,
            title=f"Timeline of {person.name}" if person else "Timeline",
            person=person,
            role=desktop.role if desktop else person.role if person else "",
            own=own,
            days=self._by_day(entries),
            page=page,
            pages=pages,
        )

    def _by_day(self, entries: list[Entry]) -> list[tuple[object, list[Entry]]]:
        calendar = self._service.calendar
        return [(day, list(rows)) for day, rows in groupby(entries, key=lambda entry: calendar.day_of(entry.at))]

    async def _person(self, request: web.Request) -> Person:
        person = await self._service.person(int(request.match_info["person_id"]))
        if person is None:
            raise Trouble(404, NOBODY)
        return person

    async def _reply(self, request: web.Request) -> Card | None:
        event_id = known_event_id(request.query.get("reply", ""))
        return None if event_id is None else await self._service.reply(int(request.match_info["person_id"]), event_id)

    async def _waiting(
        self, person_id: int, expected: int, first: list[Letter], pages: int
    ) -> tuple[list[Letter], bool]:
        """The letters that wait for an answer, alerts first, else newest first; and whether that is all of them.

        The search ends once as many as `expected` are found, at the latest after MOST_PAGES_SEARCHED pages.
        """
        found = [letter for letter in first if letter.waiting]
        page = 1
        while len(found) < expected and page < min(pages, MOST_PAGES_SEARCHED):
            page += 1
            letters, pages = await self._service.inbox(person_id, page=page)
            found.extend(letter for letter in letters if letter.waiting)
        return sorted(found, key=lambda letter: letter.card.tone != Tone.ALERT), len(found) >= expected or page >= pages


def _title(person: Person, reply: Card | None) -> str:
    """The page's title; after an answer it begins with how that went, which is what a screen reader says first."""
    if reply is None:
        return person.name
    return f"{'Error' if _mistakes(reply) else SIGNS[reply.tone].words}: {reply.title} – {person.name}"


def _same(card: Card, reply: Card | None) -> bool:
    """Whether the reply is this card, as it was or with what was typed into it; one of them is then enough."""
    if reply is None:
        return False
    return replace(reply.answered({entry.name: entry.value for entry in card.all_inputs()}, {}), error="") == card


def _mistakes(card: Card) -> int:
    return sum(bool(entry.error) for entry in card.all_inputs())


def _by_team(people: list[Desktop]) -> list[tuple[str, list[Desktop]]]:
    """People under their teams, in the order in which the teams come up; those of no team come last."""
    teams: dict[str, list[Desktop]] = {}
    for one in people:
        teams.setdefault(one.person.team, []).append(one)
    named = [(team, members) for team, members in teams.items() if team]
    return [*named, *([("Across the service", teams[""])] if "" in teams else [])]
