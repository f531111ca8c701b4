"""Every page of the desk in its common frame: the header, the choice of a person, a demonstration's clock."""

from datetime import date, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from yarl import URL

from audits.dates import day_words
from bot.desk import clock
from bot.desk.service import DeskService, Desktop
from bot.desk.trouble import Words
from cards.card import Card
from cards.html import render
from cards.wording import counted, moment_words

KINDS = {
    "message": ("Message", "inform"),
    "opened": ("Asked", "ask"),
    "nudge": ("Reminder", "ask"),
    "overdue": ("Overdue", "late"),
    "escalation": ("Escalation", "late"),
    "alert": ("Safety alert", "alert"),
    "safety alert": ("Safety alert", "alert"),
    "event": ("Event", "done"),
    "closed": ("Done", "done"),
    "refused": ("Not possible", "refused"),
}
SENT = frozenset({"message", "nudge", "overdue", "escalation", "alert", "safety alert"})
STATES = {
    "queued": "Waiting to be sent",
    "sending": "Being sent",
    "sent": "Sent",
    "failed": "Could not be delivered",
    "unknown": "May have been sent",
    "superseded": "Not sent, as it was no longer needed",
}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence_case(word: str) -> str:
    return _capital(word.replace("_", " ").strip())


def kind_words(kind: str) -> str:
    return KINDS[kind][0] if kind in KINDS else _sentence_case(kind)


def kind_tone(kind: str) -> str:
    return KINDS[kind][1] if kind in KINDS else "inform"


def state_words(state: str) -> str:
    return STATES.get(state) or _sentence_case(state)


def _address_without_news(request: web.Request) -> str:
    """Where a page is, less what it says only once."""
    kept = {name: value for name, value in request.query.items() if name in {"show", "person"}}
    return str(URL.build(path=request.path, query=kept))


class Layout:
    """The templates of one desk. Moments are shown in local time."""

    def __init__(self, service: DeskService) -> None:
        self._service = service
        environment = Environment(
            loader=PackageLoader("bot.desk"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(
            counted=counted,
            day=self._day,
            hour=self._hour,
            iso=datetime.isoformat,
            kind_tone=kind_tone,
            is_sent=SENT.__contains__,
            kind_words=kind_words,
            moment=self._moment,
            sentence=_capital,
            state_words=state_words,
        )
        environment.globals.update(
            card_html=self._card,
            demonstration=service.demonstration,
            new_event=lambda: str(uuid4()),
            title_of_desk=service.title,
        )
        self._environment = environment

    def _moment(self, moment: datetime) -> str:
        return moment_words(moment, self._service.calendar)

    def _day(self, day: date) -> str:
        return day_words(day)

    def _hour(self, moment: datetime) -> str:
        return f"{self._service.calendar.local(moment):%H:%M}"

    def _card(self, card: Card, person_id: int, show: str = "") -> Markup:
        """The card with an event id of its own, so that the same form takes effect once."""
        query = {"show": show} if show else {}
        address = URL.build(path=f"/people/{person_id}/press", query=query)
        return render(card, action_url=str(address), event_id=str(uuid4()), heading_level=3)

    async def page(self, request: web.Request, template: str, people: list[Desktop], **values: Any) -> web.Response:
        """The page in its frame. `values` are the template's own, and must have a `title`."""
        offers = await clock.offers(self._service) if self._service.demonstration else ()
        html = self._environment.get_template(template).render(
            people=people,
            here=request.path,
            way_back=_address_without_news(request),
            now=self._service.now(),
            offers=offers,
            notice=clock.notice(request.query.get("clock", ""), self._service),
            **values,
        )
        return web.Response(text=html, content_type="text/html")

    def trouble(self, status: int, words: Words) -> web.Response:
        """A page about what went wrong; it asks nothing of the program, which may be what is broken."""
        html = self._environment.get_template("trouble.html").render(words=words, title=words.title, framed=False)
        return web.Response(text=html, content_type="text/html", status=status)
