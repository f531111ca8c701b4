"""Thematic audits by theme: terms of reference, their sign-off, and how many have begun in the year.

It is Mon 2 Mar 2026, 09:00, in Wokingham. Quinn and Rob are QA Officers, Petra is the Principal Social Worker; the
cases T-1 to T-6 are Ali's and on the list.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import date, datetime, time
from pathlib import Path

import pytest
from sqlalchemy import select

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from audits.reading import FrameworkError, parse_framework
from bot.program import Program
from cards.card import Card
from handlers.interaction import Reply
from scheduling.clock import MovedClock
from storage.database import open_database, sqlite_url
from storage.ledger import verify
from storage.migrating import migrate
from storage.store import Store
from storage.tables import CaseRow, LedgerRow, ThemeRow
from tests.handlers.conftest import FREE_CASE, NHS_NUMBER, Postbox, Service, errors, kept, sends, typed, verbs, words

STAFF = (
    ("Ada Auk", "ad_qa", None, ""),
    ("Quinn Quail", "qa_officer", "Ada", ""),
    ("Rob Robin", "qa_officer", "Ada", ""),
    ("Petra Petrel", "psw", "Ada", ""),
    ("Asa Asity", "ad_csc", None, ""),
    ("Sue Siskin", "sm", "Asa", "Early Help"),
    ("Tom Tern", "tm", "Sue", "Early Help"),
    ("Ali Avocet", "practitioner", "Tom", "Early Help"),
)
CASES = tuple(f"T-{number}" for number in range(1, 7))
ASKED = (
    "Why this theme, and why now",
    "Scope and key lines of enquiry",
    "How it will be done",
    "When it will be complete and reported",
)
"""The points of Wokingham's document, 3. Thematic audits, that terms of reference specify."""
TERMS = {
    "point_1": "Neglect stood out in the core audits.",
    "point_2": "Twelve families of one service; do we see chronic neglect early?",
    "point_3": "File reading and focus groups.",
    "point_4": "Complete by the end of May, reported in June.",
}


def _told(path: Path, people: dict[str, int]) -> Service:
    store = Store(open_database(sqlite_url(path)), framework_named("wokingham"), WorkCalendar())
    post = Postbox()
    clock = MovedClock(WorkCalendar().moment(*_local("2026-03-02T09:00")))
    return Service(Program(store, clock, post, demonstration=True), clock, post, dict(people))


async def _found(path: Path) -> dict[str, int]:
    told = _told(path, {})
    try:
        await migrate(told.store.database)
        for name, role, manager, area in STAFF:
            await told.hire(name, role, manager, area=area)
        async with told.store.begin() as tx:
            for ref in CASES:
                tx.session.add(CaseRow(ref=ref, plan="CIN", service_area="Early Help", holder_id=told.people["Ali"]))
    finally:
        await told.store.close()
    return told.people


@pytest.fixture(scope="module")
def wokingham(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The file that every story of this module starts from, and who is who in it."""
    path = tmp_path_factory.mktemp("wokingham") / "service.sqlite3"
    return path, asyncio.run(_found(path))


@pytest.fixture
async def quality(wokingham: tuple[Path, dict[str, int]], tmp_path: Path) -> AsyncIterator[Service]:
    """The service of this module's first lines."""
    founded, people = wokingham
    # One story is about the service of the other stories too, whose file lies in the same folder.
    told = _told(Path(shutil.copyfile(founded, tmp_path / "service.sqlite3.wokingham")), people)
    try:
        yield told
    finally:
        await told.store.close()


def _local(text: str) -> tuple[date, time]:
    at = datetime.fromisoformat(text)
    return at.date(), at.time()


async def sent(service: Service, card: Card, person: str = "Quinn", **written: str) -> Reply:
    """The terms on a form are written and sent."""
    subject, values = sends(card, "theme_terms", **written)
    return await service.press(person, "theme_terms", subject=subject, **values)


async def started(service: Service, title: str) -> Card:
    """A theme with its terms of reference, not signed off."""
    form = await service.ok(await service.says("Quinn", f"theme {title}"))
    return (await service.ok(await sent(service, form.card, **TERMS))).card


async def ready(service: Service, *titles: str) -> None:
    """Themes that are signed off."""
    for title in titles:
        await started(service, title)
        await service.ok(await service.says("Quinn", f"theme {title} signed off"))


async def begun(service: Service, *titles: str) -> None:
    """Themes whose first case has been allocated, T-1 for the first of them."""
    await ready(service, *titles)
    for ref, title in zip(CASES, titles, strict=False):
        await service.ok(await service.says("Quinn", f"allocate {ref} to Petra as thematic for {title}"))


async def themes(service: Service) -> list[ThemeRow]:
    async with service.store.begin() as tx:
        return list(await tx.session.scalars(select(ThemeRow).order_by(ThemeRow.id)))


async def entries(service: Service) -> list[tuple[str, int | None]]:
    """What the service's own ledger says of themes: what happened, and who did it."""
    async with service.store.begin() as tx:
        _, broken = await verify(tx)
        wanted = select(LedgerRow).where(LedgerRow.kind.startswith("theme")).order_by(LedgerRow.id)
        rows = list(await tx.session.scalars(wanted))
    assert not broken
    assert {row.chain for row in rows} <= {"service"}
    return [(row.kind, row.actor_id) for row in rows]


async def test_a_thematic_audit_waits_for_the_sign_off_of_its_terms_of_reference(quality: Service) -> None:
    """WOK-S12."""
    form = (await quality.ok(await quality.says("Quinn", "theme Neglect"))).card
    assert tuple(entry.label for entry in form.all_inputs()) == ("Theme", *ASKED)
    assert form.why is not None
    assert "3. Thematic audits" in form.why.place
    order = "allocate T-1 to Petra as thematic for Neglect"
    nothing = await quality.says("Quinn", order)
    assert nothing.refused
    assert nothing.card.title == "There is no theme called “Neglect”"

    await quality.ok(await sent(quality, form, **TERMS))
    blocked = await quality.says("Quinn", order)
    assert blocked.refused
    assert blocked.card.title == "Neglect can't begin yet"
    assert "Still missing for Neglect: the sign-off of the QA Board" in words(blocked.card)
    assert "3. Thematic audits" in words(blocked.card)
    assert await quality.number("T-1") == 0
    assert not quality.unread()

    signed = (await quality.ok(await quality.says("Rob", "theme neglect signed off"))).card
    assert "by the QA Board; noted by Rob Robin, Mon 2 Mar 2026 at 09:00" in words(signed)
    allowed = (await quality.ok(await quality.says("Quinn", order))).card
    assert allowed.title == "T-1 has gone to Petra Petrel"
    assert "Themes begun this year: 1 of 4" in words(allowed)
    audit = await quality.audit("T-1")
    assert (audit.kind, audit.facts["theme"]) == ("thematic", "Neglect")
    quinn, rob = quality.people["Quinn"], quality.people["Rob"]
    assert await entries(quality) == [("theme_proposed", quinn), ("theme_signed_off", rob), ("theme_begun", None)]


async def test_no_reason_opens_the_gate_of_a_sign_off(quality: Service) -> None:
    await started(quality, "Neglect")
    reply = await quality.says("Quinn", "allocate T-1 to Petra as thematic for Neglect because the Director asked")
    assert reply.refused
    assert reply.card.title == "Neglect can't begin yet"
    assert await quality.number("T-1") == 0


async def test_a_thematic_audit_without_its_theme_is_asked_for_it(quality: Service) -> None:
    reply = await quality.says("Quinn", "allocate T-1 to Petra as thematic")
    assert reply.refused
    assert "No theme is signed off so far." in words(reply.card)
    await ready(quality, "Neglect", "Diversity")
    reply = await quality.says("Quinn", "allocate T-1 to Petra as thematic")
    assert "allocate T-1 to Petra Petrel as thematic for Diversity" in words(reply.card)
    assert "Signed off: Diversity and Neglect." in words(reply.card)
    assert await quality.number("T-1") == 0


async def test_an_ordinary_allocation_has_no_theme(quality: Service) -> None:
    await ready(quality, "Neglect")
    reply = await quality.says("Quinn", "allocate T-1 to Petra as core for Neglect")
    assert reply.card.title == "Only a thematic audit is for a theme"
    done = await quality.ok(await quality.says("Quinn", "allocate T-1 to Petra"))
    assert "Theme" not in words(done.card)
    assert "theme" not in (await quality.audit("T-1")).facts


async def test_several_cases_of_one_theme_count_once(quality: Service) -> None:
    await begun(quality, "Neglect")
    second = await quality.ok(await quality.says("Quinn", "allocate T-2 to Petra as a thematic audit for NEGLECT"))
    assert "Themes begun this year: 1 of 4" in words(second.card)


async def test_a_fifth_theme_of_a_year_needs_a_reason(quality: Service) -> None:
    await begun(quality, "Neglect", "Diversity", "Care plans", "Exploitation")
    assert "Begun this year: 4 of 4." in words((await quality.says("Quinn", "themes")).card)
    await ready(quality, "The child's voice")
    order = "allocate T-5 to Petra as thematic for The child's voice"
    fifth = await quality.says("Quinn", order)
    assert fifth.refused
    assert "4 themes have begun in 2026 already, and the framework has 4 a year" in words(fifth.card)
    assert "January 2024, 3. Thematic audits" in words(fifth.card)
    assert "The child's voice can begin in 2027" in words(fifth.card)
    assert await quality.number("T-5") == 0
    going_on = await quality.ok(await quality.says("Quinn", "allocate T-5 to Petra as thematic for Neglect"))
    assert "4 of 4" in words(going_on.card), "a theme that has begun goes on"
    asked = "allocate T-6 to Petra as thematic for The child's voice because the Board asked for a fifth"
    beyond = await quality.ok(await quality.says("Quinn", asked))
    assert "Themes begun this year: 5 of 4" in words(beyond.card)
    assert (await quality.audit("T-6")).facts["beyond_limit"] == "the Board asked for a fifth"


async def test_a_theme_counts_in_the_year_of_its_first_case(quality: Service) -> None:
    await begun(quality, "Neglect", "Diversity", "Care plans", "Exploitation")
    await ready(quality, "Supervision")
    quality.clock.moment = quality.moment("2026-12-31T23:30")
    assert (await quality.says("Quinn", "allocate T-5 to Petra as thematic for Supervision")).refused
    quality.clock.moment = quality.moment("2027-01-01T00:30")
    reply = await quality.ok(await quality.says("Quinn", "allocate T-5 to Petra as thematic for Supervision"))
    assert "Themes begun this year: 1 of 4" in words(reply.card)


async def test_the_button_of_the_card_records_the_sign_off(quality: Service) -> None:
    card = await started(quality, "Neglect")
    assert verbs(card) == {"theme_signed_off"}
    subject, values = sends(card, "theme_signed_off")
    assert values == {}
    await quality.ok(await quality.press("Rob", "theme_signed_off", subject=subject))
    again = await quality.press("Quinn", "theme_signed_off", subject=subject)
    assert again.refused
    assert "This is already done." in words(again.card)
    assert "noted by Rob Robin" in words(again.card)
    (theme,) = await themes(quality)
    assert (theme.signed_off_by, theme.recorded_by) == ("QA Board", quality.people["Rob"])


async def test_terms_that_changed_since_the_card_are_not_signed_off_unseen(quality: Service) -> None:
    card = await started(quality, "Neglect")
    form = (await quality.says("Rob", "theme Neglect terms")).card
    assert typed(form) == TERMS
    await quality.ok(await sent(quality, form, "Rob", point_4="Complete in July."))
    stale = await quality.press("Quinn", "theme_signed_off", subject=sends(card, "theme_signed_off")[0])
    assert stale.refused
    assert "These terms have been changed since that card." in words(stale.card)
    assert "Complete in July." in words(stale.card)
    (theme,) = await themes(quality)
    assert theme.recorded_at is None
    subject, _ = sends(stale.card, "theme_signed_off")
    await quality.ok(await quality.press("Quinn", "theme_signed_off", subject=subject))


async def test_two_who_change_the_terms_at_once_do_not_undo_each_other(quality: Service) -> None:
    await started(quality, "Neglect")
    form = (await quality.says("Quinn", "theme Neglect terms")).card
    await quality.ok(await sent(quality, form, "Rob", point_4="Complete in July."))
    late = await sent(quality, form, "Quinn", point_3="Interviews.")
    assert late.refused
    assert "yours weren't saved" in words(late.card)
    (theme,) = await themes(quality)
    assert (theme.terms[ASKED[2]], theme.terms[ASKED[3]]) == (TERMS["point_3"], "Complete in July.")


async def test_what_was_signed_off_stays_as_it_was_signed(quality: Service) -> None:
    await started(quality, "Neglect")
    form = (await quality.says("Quinn", "theme Neglect terms")).card
    await quality.ok(await quality.says("Quinn", "theme Neglect signed off"))
    for reply in (
        await sent(quality, form, point_1="Something else."),
        await quality.says("Quinn", "theme Neglect terms"),
    ):
        assert reply.refused
        assert reply.card.title == "The terms of Neglect are signed off"
    (theme,) = await themes(quality)
    assert theme.terms[ASKED[0]] == TERMS["point_1"]


async def test_every_point_of_the_terms_is_asked_for(quality: Service) -> None:
    form = (await quality.says("Quinn", "theme Neglect")).card
    reply = await sent(quality, form, **(TERMS | {"point_2": " ", "point_4": ""}))
    assert reply.refused
    assert set(errors(reply.card)) == {"point_2", "point_4"}
    assert typed(reply.card)["point_1"] == TERMS["point_1"], "what was written isn't lost"
    assert await themes(quality) == []


async def test_the_same_title_is_the_same_theme(quality: Service) -> None:
    first = (await quality.says("Quinn", "theme Care  plans")).card
    second = (await quality.says("Rob", "theme care plans")).card
    await quality.ok(await sent(quality, first, **TERMS))
    twice = await sent(quality, second, "Rob", **(TERMS | {"point_1": "Another reason."}))
    assert twice.refused
    assert "There is a theme called Care plans already." in words(twice.card)
    (theme,) = await themes(quality)
    assert theme.terms[ASKED[0]] == TERMS["point_1"]
    shown = (await quality.says("Rob", "theme CARE PLANS.")).card
    assert shown.title == "Theme: Care plans"
    assert verbs(shown) == {"theme_signed_off"}


async def test_a_misspelt_theme_is_not_started_unseen(quality: Service) -> None:
    await ready(quality, "Neglect")
    reply = await quality.says("Quinn", "theme Neglct signed off")
    assert reply.refused
    assert "Do you mean Neglect?" in words(reply.card)
    form = await quality.ok(await quality.says("Quinn", "theme Neglct"))
    assert "Do you mean Neglect?" in words(form.card)
    assert len(await themes(quality)) == 1


@pytest.mark.parametrize("name", ["point_2", "title"])
async def test_personal_data_in_a_theme_is_questioned_and_kept_nowhere(
    quality: Service, tmp_path: Path, name: str
) -> None:
    form = (await quality.says("Quinn", "theme Neglect")).card
    reply = await sent(quality, form, **(TERMS | {name: f"As with {NHS_NUMBER}"}))
    assert reply.refused
    assert "an NHS number" in errors(reply.card)[name]
    assert NHS_NUMBER not in words(reply.card)
    assert await themes(quality) == []
    assert not kept(tmp_path, NHS_NUMBER)


@pytest.mark.parametrize(
    "order", ["theme {}", "theme {} terms", "theme {} signed off", "allocate T-1 to Petra as thematic for {}"]
)
async def test_personal_data_in_an_order_is_kept_nowhere(quality: Service, tmp_path: Path, order: str) -> None:
    reply = await quality.says("Quinn", order.format(f"Child {NHS_NUMBER}"))
    assert reply.refused
    assert NHS_NUMBER not in words(reply.card)
    assert not kept(tmp_path, NHS_NUMBER)


@pytest.mark.parametrize("title", ["x" * 81, "Drift because of delay", "Terms signed off "])
async def test_a_title_that_an_order_could_not_name_is_refused(quality: Service, title: str) -> None:
    form = (await quality.says("Quinn", "theme")).card
    reply = await sent(quality, form, title=title, **TERMS)
    assert reply.refused
    assert set(errors(reply.card)) == {"title"}
    assert await themes(quality) == []


@pytest.mark.parametrize("person", ["Petra", "Ada", "Tom"])
async def test_themes_are_the_qa_officers(quality: Service, person: str) -> None:
    card = await started(quality, "Neglect")
    form = (await quality.says("Quinn", "theme Neglect terms")).card
    replies = [
        await quality.says(person, text)
        for text in ("themes", "theme Neglect", "theme Other", "theme Neglect terms", "theme Neglect signed off")
    ]
    replies.append(await sent(quality, form, person, point_1="Mine."))
    replies.append(await quality.press(person, "theme_terms", subject="new", title="Mine", **TERMS))
    replies.append(await quality.press(person, "theme_signed_off", subject=sends(card, "theme_signed_off")[0]))
    for reply in replies:
        assert reply.refused
        assert reply.card.title.startswith("That question is for the ")
        assert TERMS["point_1"] not in words(reply.card)
    assert await entries(quality) == [("theme_proposed", quality.people["Quinn"])]


@pytest.mark.parametrize("subject", ["", "7:0", "x", "1:1:1:1x", "-1", "9" * 30])
@pytest.mark.parametrize("verb", ["theme_terms", "theme_signed_off"])
async def test_a_forged_card_finds_no_theme(quality: Service, verb: str, subject: str) -> None:
    reply = await quality.press("Quinn", verb, subject=subject, **TERMS)
    assert reply.refused
    assert reply.card.title == "I can't find that theme"


async def test_the_list_names_every_theme_and_what_it_waits_for(quality: Service) -> None:
    empty = (await quality.ok(await quality.says("Quinn", "themes"))).card
    assert "Begun this year: 0 of 4." in words(empty)
    assert "None so far." in words(empty)
    await begun(quality, "Neglect", "Diversity")
    await started(quality, "Care plans")
    table = (await quality.says("Quinn", "themes")).card.table
    assert table is not None
    assert table.rows == (
        ("Care plans", "not signed off; still missing: the sign-off of the QA Board", "not yet"),
        ("Diversity", "signed off by the QA Board", "Mon 2 Mar 2026 at 09:00"),
        ("Neglect", "signed off by the QA Board", "Mon 2 Mar 2026 at 09:00"),
    )


async def test_help_names_the_orders_where_there_are_themes(quality: Service, service: Service) -> None:
    assert "theme TITLE signed off" in words((await quality.says("Quinn", "help")).card)
    assert "theme TITLE" not in words((await quality.says("Petra", "help")).card)
    assert "theme TITLE" not in words((await service.says("Grace", "help")).card)


async def test_without_themes_a_thematic_audit_asks_for_nothing_more(service: Service) -> None:
    for text in ("themes", "theme Neglect", f"allocate {FREE_CASE} to Leo as thematic for Neglect"):
        reply = await service.says("Grace", text)
        assert reply.refused
        assert reply.card.title == "Southampton keeps no list of themes"
    done = await service.ok(await service.says("Grace", f"allocate {FREE_CASE} to Leo as thematic"))
    assert "Theme" not in words(done.card)
    assert (await service.audit(FREE_CASE)).kind == "thematic"


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ("most = 4\nsigned_off_by", "most = 0\nsigned_off_by", "most"),
        ('signed_off_by = "QA Board"', 'signed_off_by = ""', "signed_off_by"),
        ('signed_off_by = "QA Board"\n', "", "signed_off_by"),
    ],
)
def test_a_framework_that_says_themes_wrongly_is_refused_with_its_key(was: str, becomes: str, named: str) -> None:
    text = (Path(__file__).parents[2] / "audits" / "frameworks" / "wokingham.toml").read_text("utf-8")
    assert text.count(was) == 1
    with pytest.raises(FrameworkError, match=named) as found:
        parse_framework(text.replace(was, becomes), "wokingham.toml")
    assert any("themes" in problem for problem in found.value.problems)
