"""The Agents Playground as the tests use it: proved on a bot that does nothing but note what it hears."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from playwright.async_api import Browser, expect

from tests.conftest import CLIENTS, NODE
from tests.teams.at_playground import PERSONAL_CHAT, Someone, seated
from tests.teams.playground import (
    BOT_ID,
    CHANNEL,
    GROUP_CHAT,
    TENANT_ID,
    Persona,
    PlaygroundFault,
    lines_of,
    playground,
)

pytestmark = [pytest.mark.browser, pytest.mark.clients, pytest.mark.asyncio(loop_scope="module")]

Json = dict[str, Any]
CARD = "application/vnd.microsoft.card.adaptive"
ALICE = Persona("29:alice", "Alice Auditor", "alice@example.org", "a1000000-0000-4000-8000-000000000001")
PAT = Persona("29:pat", "Pat Practitioner", "pat@example.org", "a2000000-0000-4000-8000-000000000002")
GUARD = CLIENTS.parent / "loopback.cjs"


@dataclass
class Bot:
    """A bot without an app id. It notes every activity, and answers an invoke with `answer`."""

    session: ClientSession
    heard: list[Json] = field(default_factory=list)
    answer: Json = field(default_factory=dict)
    endpoint: str = ""

    async def hear(self, request: web.Request) -> web.Response:
        activity = await request.json()
        self.heard.append(activity)
        return web.json_response(self.answer if activity["type"] == "invoke" else {})

    def of(self, kind: str, person: Persona) -> list[Json]:
        return [one for one in self.heard if one["type"] == kind and one["from"]["id"] == person.id]

    async def post(self, someone: Someone, message: Json, activity_id: str = "") -> str:
        """Write to somebody first, or change what was written; the id of the message."""
        person = someone.persona
        service_url = self.of("installationUpdate", person)[0]["serviceUrl"]
        url = f"{service_url}/v3/conversations/{person.personal_chat}/activities/{activity_id}".rstrip("/")
        method = "PUT" if activity_id else "POST"
        async with self.session.request(method, url, json={"type": "message", **message}) as answer:
            assert answer.status in (200, 201), await answer.text()
            return str((await answer.json())["id"])


def card(title: str, *actions: Json, body: list[Json] | None = None) -> Json:
    heading = {"type": "TextBlock", "text": title, "style": "heading", "wrap": True}
    return {"type": "AdaptiveCard", "version": "1.5", "body": [heading, *(body or [])], "actions": list(actions)}


def holding(content: Json) -> Json:
    return {"attachments": [{"contentType": CARD, "content": content}]}


def execute(title: str, verb: str) -> Json:
    fallback = {"type": "Action.Submit", "title": title, "data": {"verb": verb}}
    return {"type": "Action.Execute", "title": title, "verb": verb, "data": {"audit": 1}, "fallback": fallback}


@asynccontextmanager
async def bot_served() -> AsyncIterator[Bot]:
    async with ClientSession() as session:
        bot = Bot(session)
        app = web.Application()
        app.router.add_post("/api/messages", bot.hear)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        bot.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
        try:
            yield bot
        finally:
            await runner.cleanup()


@dataclass(frozen=True)
class Pair:
    bot: Bot
    alice: Someone
    pat: Someone


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Two people with a Playground each, and one bot."""
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(bot_served())

        async def sits(persona: Persona, *others: Persona) -> Someone:
            folder = tmp_path_factory.mktemp("playground")
            opened = await stack.enter_async_context(playground(persona, bot.endpoint, folder, others=others))
            return await stack.enter_async_context(seated(opened, browser))

        alice, pat = await asyncio.gather(sits(ALICE, PAT), sits(PAT, ALICE))
        yield Pair(bot, alice, pat)


async def test_a_card_is_pressed_and_replaced_by_the_answer(pair: Pair) -> None:
    bot, alice = pair.bot, pair.alice
    bot.answer = {"statusCode": 200, "type": CARD, "value": card("You took the audit")}
    message = await bot.post(alice, holding(card("An audit for you", execute("I'll take it", "accept"))))
    asked = await alice.has_card("An audit for you")
    await alice.press("I'll take it", asked)
    await alice.has_card("You took the audit")
    await expect(alice.card("An audit for you")).to_have_count(0)
    await expect(alice.note()).to_have_text("Your response was sent to the app")
    invoke = bot.of("invoke", ALICE)[-1]
    assert invoke["name"] == "adaptiveCard/action"
    assert invoke["replyToId"] == message
    assert invoke["from"]["aadObjectId"] == ALICE.aad_object_id
    assert invoke["channelData"]["tenant"]["id"] == TENANT_ID
    assert invoke["value"]["action"]["verb"] == "accept"
    assert invoke["value"]["action"]["data"] == {"audit": 1}


INPUTS: list[Json] = [
    {"type": "Input.Text", "id": "why", "label": "Why this grade?", "isRequired": True, "errorMessage": "Say why."},
    {"type": "Input.ChoiceSet", "id": "grade", "label": "Overall grade", "style": "expanded"},
    {"type": "Input.ChoiceSet", "id": "list", "label": "Kind of plan"},
    {"type": "Input.ChoiceSet", "id": "some", "label": "What was seen", "isMultiSelect": True},
    {"type": "Input.ChoiceSet", "id": "ticks", "label": "Who was there", "isMultiSelect": True, "style": "expanded"},
    {"type": "Input.Date", "id": "due", "label": "By which day?"},
    {"type": "Input.Time", "id": "at", "label": "At what time?"},
    {"type": "Input.Number", "id": "visits", "label": "Visits"},
    {"type": "Input.Toggle", "id": "read", "title": "I have read it"},
]
CHOICES = [{"title": title, "value": title.casefold()} for title in ("Good", "Fair", "Poor")]


async def test_every_kind_of_input_is_filled_in_and_sent(pair: Pair) -> None:
    bot, pat = pair.bot, pair.pat
    inputs = [{**one, "choices": CHOICES} if one["type"] == "Input.ChoiceSet" else one for one in INPUTS]
    submit = {"type": "Action.Submit", "title": "Send", "data": {"verb": "submit"}}
    await bot.post(pat, holding(card("A form", submit, body=inputs)))
    form = await pat.has_card("A form")
    heard = len(bot.heard)

    await pat.click("Send", form)
    await expect(form).to_contain_text("Say why.")
    assert len(bot.heard) == heard

    await pat.fill("Why this grade?", "Seen,\nand heard.", form)
    await pat.choose("Overall grade", "Fair", card=form)
    await pat.choose("Kind of plan", "Poor", card=form)
    await pat.choose("What was seen", "Good", "Poor", card=form)
    await pat.choose("Who was there", "Fair", "Poor", card=form)
    await pat.pick_date("By which day?", date(2026, 12, 24), form)
    await pat.pick_time("At what time?", "14:30", form)
    await pat.fill("Visits", "3", form)
    await pat.tick("I have read it", form)
    await pat.press("Send", form)
    message = bot.of("message", PAT)[-1]
    assert "text" not in message
    assert message["value"] == {
        "verb": "submit",
        "why": "Seen, and heard.",
        "grade": "fair",
        "list": "poor",
        "some": "good,poor",
        "ticks": "fair,poor",
        "due": "2026-12-24",
        "at": "14:30",
        "visits": "3",
        "read": "true",
    }


async def test_words_and_errors_stand_under_the_card_and_what_was_typed_is_gone(pair: Pair) -> None:
    bot, alice = pair.bot, pair.alice
    text = {"type": "Input.Text", "id": "why", "label": "Why?"}
    await bot.post(alice, holding(card("A question", execute("Answer", "answer"), body=[text])))
    asked = await alice.has_card("A question")
    await alice.fill("Why?", "Because.", asked)
    bot.answer = {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "Thank you."}
    await alice.press("Answer", asked)
    await expect(alice.note(asked)).to_have_text("Thank you.")
    await expect(alice.field("Why?", asked)).to_have_value("")
    assert bot.of("invoke", ALICE)[-1]["value"]["action"]["data"] == {"audit": 1, "why": "Because."}
    refusal = {"code": "BadRequest", "message": "That isn't yours."}
    bot.answer = {"statusCode": 400, "type": "application/vnd.microsoft.error", "value": refusal}
    await alice.press("Answer", asked)
    await expect(alice.note(asked)).to_have_text("That isn't yours.")


async def test_a_card_sent_first_changes_in_place(pair: Pair) -> None:
    bot, alice = pair.bot, pair.alice
    message = await bot.post(alice, holding(card("Due on Thu 2 Apr 2026")))
    await alice.has_card("Due on Thu 2 Apr 2026")
    shown = await alice.cards.count()
    assert await bot.post(alice, holding(card("Done by somebody else")), message) == message
    await alice.has_card("Done by somebody else")
    await expect(alice.card("Due on Thu 2 Apr 2026")).to_have_count(0)
    await expect(alice.cards).to_have_count(shown)


async def test_a_link_on_a_card_opens(pair: Pair) -> None:
    bot, pat = pair.bot, pair.pat
    address = bot.endpoint.replace("/api/messages", "/calendar/session.ics")
    await bot.post(pat, holding(card("A session", {"type": "Action.OpenUrl", "title": "Open", "url": address})))
    assert await pat.follow("Open", await pat.has_card("A session")) == address


async def test_two_people_talk_to_one_bot_as_themselves(pair: Pair) -> None:
    bot = pair.bot
    await asyncio.gather(pair.alice.say("status"), pair.pat.say("mine"))
    from_alice, from_pat = bot.of("message", ALICE)[-1], bot.of("message", PAT)[-1]
    assert (from_alice["text"], from_pat["text"]) == ("status", "mine")
    assert from_alice["from"] == {"id": ALICE.id, "name": ALICE.name, "aadObjectId": ALICE.aad_object_id}
    assert from_pat["from"] == {"id": PAT.id, "name": PAT.name, "aadObjectId": PAT.aad_object_id}
    assert from_alice["serviceUrl"] != from_pat["serviceUrl"]
    assert from_alice["conversation"]["id"] != from_pat["conversation"]["id"]
    await bot.post(pair.alice, {"text": "Only for the auditor."})
    await bot.post(pair.pat, {"text": "Only for the practitioner."})
    await pair.alice.reads("Only for the auditor.")
    await pair.pat.reads("Only for the practitioner.")
    await expect(pair.alice.words("Only for the practitioner.")).to_have_count(0)
    ids = [activity["id"] for activity in bot.heard]
    assert len(set(ids)) == len(ids)


async def test_in_a_channel_and_a_group_chat_the_bot_hears_only_its_mention(pair: Pair) -> None:
    bot, pat = pair.bot, pair.pat
    for place, kind in ((CHANNEL, "channel"), (GROUP_CHAT, "groupChat")):
        await pat.open(place)
        await pat.say("Does anyone know?")
        await pat.mention("status please")
        message = bot.of("message", PAT)[-1]
        assert message["text"] == "<at>auditloop</at> status please"
        assert message["conversation"]["conversationType"] == kind
        assert [one["mentioned"]["id"] for one in message["entities"] if one["type"] == "mention"] == [BOT_ID]
        reply = f"{message['serviceUrl']}/v3/conversations/{message['conversation']['id']}/activities/{message['id']}"
        async with bot.session.post(reply, json={"type": "message", "text": f"An answer in a {kind}"}) as answer:
            assert answer.status == 201
        await pat.reads(f"An answer in a {kind}")
    assert not [one for one in bot.heard if one.get("text") == "Does anyone know?"]
    await pat.open(PERSONAL_CHAT)


async def test_it_is_installed_and_uninstalled_and_sends_any_activity(pair: Pair) -> None:
    bot, alice = pair.bot, pair.alice
    await alice.uninstall()
    assert bot.of("installationUpdate", ALICE)[-1]["action"] == "remove"
    await alice.install()
    assert bot.of("installationUpdate", ALICE)[-1]["action"] == "add"
    reaction = {"type": "messageReaction", "reactionsAdded": [{"type": "like"}], "replyToId": "1"}
    await alice.mock("Custom activity", reaction)
    sent = bot.of("messageReaction", ALICE)[-1]
    assert reaction.items() <= sent.items()
    assert sent["conversation"]["id"] == ALICE.personal_chat


async def test_all_that_goes_to_and_fro_can_be_seen(pair: Pair) -> None:
    await pair.alice.say("is this noted")
    await pair.bot.post(pair.alice, {"text": "It is."})
    await pair.alice.reads("It is.")
    said, answered = await pair.alice.exchanges.worded("is this noted", "It is.")
    assert (said.from_bot, said.activity, said.body["text"], said.status) == (False, "message", "is this noted", 200)
    assert (answered.from_bot, answered.body["text"], answered.status) == (True, "It is.", 201)
    assert set(answered.answer) == {"id"}


async def test_nothing_of_a_whole_session_leaves_this_machine(pair: Pair) -> None:
    for someone in (pair.alice, pair.pat):
        await someone.say("still here")
        sockets = someone.playground.sockets()
        port = int(someone.playground.address.rpartition(":")[2])
        assert [one.port for one in sockets if one.listens] == [port]
        assert [one for one in sockets if not one.stays_here] == []
        assert someone.playground.tried_elsewhere() == []
        # Its page asks for fonts; none of them came.
        assert {url.split("/")[2] for url in someone.elsewhere} <= {"res-1.cdn.office.net"}
        assert someone.reached == []


ATTEMPTS = {
    "connect 192.0.2.1": "net.connect(443, '192.0.2.1').on('error', done)",
    "connect 192.0.2.2": "require('http').get('http://192.0.2.2/').on('error', done)",
    "connect 192.0.2.3": "require('tls').connect({port: 443, host: '192.0.2.3'}).on('error', done)",
    "connect 2001:db8::1": "new net.Socket().connect({port: 443, host: '2001:db8::1'}).on('error', done)",
    "connect example.org": "fetch('https://example.org/').catch(error => done(error.cause))",
    "connect 192.0.2.4": "require('http2').connect('https://192.0.2.4').on('error', done)",
    "lookup a.example": "dns.lookup('a.example', done)",
    "lookup b.example": "dns.promises.lookup('b.example').catch(done)",
    "lookup c.example": "import('node:dns/promises').then(({resolve4}) => resolve4('c.example')).catch(done)",
    "lookup d.example": "new dns.Resolver().resolveTxt('d.example', done)",
    "datagram 192.0.2.5": "dgram.createSocket('udp4').unref().send('x', 53, '192.0.2.5', done)",
    "datagram 192.0.2.6": "dgram.createSocket('udp4').unref().connect(53, '192.0.2.6', done)",
    "spawn xdg-open": "try { require('child_process').spawn('xdg-open') } catch (error) { done(error) }",
}


async def guarded(script: str, log: Path) -> tuple[list[str], list[str]]:
    """What a script printed under the guard, and the attempts that were noted."""
    assert NODE
    environment = {"PATH": os.environ["PATH"], "LOOPBACK_LOG": str(log)}
    prelude = (
        "const [net, dns, dgram] = ['net', 'dns', 'dgram'].map(require); const done = error => console.log(error.code);"
    )
    process = await asyncio.create_subprocess_exec(
        *[NODE, "--no-warnings", "--require", str(GUARD), "--eval", prelude + script],
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    return printed.decode().split(), lines_of(log)


async def test_the_guard_refuses_and_notes_every_way_out(tmp_path: Path) -> None:
    printed, noted = await guarded(";\n".join(ATTEMPTS.values()), tmp_path / "log")
    assert sorted(noted) == sorted(ATTEMPTS)
    refusals = {"connect": "ECONNREFUSED", "datagram": "ECONNREFUSED", "lookup": "ENOTFOUND", "spawn": "EACCES"}
    assert sorted(printed) == sorted(refusals[attempt.split()[0]] for attempt in ATTEMPTS)


async def test_under_the_guard_a_server_listens_here_only_and_is_reached(tmp_path: Path) -> None:
    servers = [
        "[0]", "['0']", "[0, '0.0.0.0']", "[{port: 0, host: '::'}]", "[{port: 0}]", "[0, 5]", "[]", "[() => {}]"
    ]  # fmt: skip
    script = """
        for (const given of [%s]) {
            const server = net.createServer(socket => socket.end());
            server.listen(...given);
            server.on('listening', () => net.connect(server.address().port, 'localhost', () => {
                console.log(server.address().address);
                server.close();
            }).resume());
        }
        const udp = dgram.createSocket('udp4');
        udp.bind(0, () => udp.send('x', udp.address().port, '127.0.0.1'));
        udp.on('message', (words, from) => { console.log(from.address); udp.close(); });
    """
    printed, noted = await guarded(script % ", ".join(servers), tmp_path / "log")
    assert printed == ["127.0.0.1"] * (len(servers) + 1)
    assert noted == []


async def test_a_playground_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(PlaygroundFault, match="must NOT have more than 5 items"):
        async with playground(ALICE, "http://127.0.0.1:9/api/messages", tmp_path, others=[PAT] * 6):
            raise AssertionError("it opened")
