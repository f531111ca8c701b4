"""The desk as a web application over the program behind it."""

from pathlib import Path

from aiohttp import web

from bot.desk.answers import Answers
from bot.desk.forms import MOST_BYTES
from bot.desk.guard import add_headers, middlewares
from bot.desk.layout import Layout
from bot.desk.pages import Pages
from bot.desk.service import DeskService

DEMONSTRATION = web.AppKey("demonstration", bool)
STATIC = Path(__file__).parent / "static"


def build_app(service: DeskService) -> web.Application:
    """The desk over `service`. It has no sign-in: serve it on loopback only (bot.desk.serving)."""
    layout = Layout(service)
    pages, answers = Pages(service, layout), Answers(service)
    app = web.Application(middlewares=middlewares(layout), client_max_size=MOST_BYTES)
    app[DEMONSTRATION] = service.demonstration
    person = "/people/{person_id:[0-9]{1,18}}"
    app.router.add_get("/", pages.start)
    app.router.add_get("/people", pages.choose)
    app.router.add_get(person, pages.desk)
    app.router.add_get(f"{person}/timeline", pages.own_timeline)
    app.router.add_get("/timeline", pages.timeline)
    app.router.add_post(f"{person}/press", answers.press)
    app.router.add_post(f"{person}/say", answers.say)
    if service.demonstration:
        app.router.add_post("/clock", answers.move)
    app.router.add_static("/static", STATIC)
    app.on_response_prepare.append(add_headers)
    return app
