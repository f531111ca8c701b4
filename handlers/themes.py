"""Themes of thematic audits: their terms of reference, the sign-off that they wait for, and how many have begun."""

import re
from datetime import datetime
from difflib import get_close_matches

from audits.framework import ThemeRule
from audits.people import Person
from audits.themes import Theme, unwritten
from cards import theme as cards
from cards.card import Card
from cards.wording import listed
from handlers import privacy
from handlers.interaction import Interaction, Reply
from handlers.press import Refused, refusal
from storage.store import Transaction
from storage.themes import all_themes, begun_this_year, propose, sign_off, theme_titled, theme_with, write_terms

SIGNED = re.compile(r"(.+?)(?: (?:has been|was|is))? signed[ -]off", re.IGNORECASE)
TERMS = re.compile(r"(.+?) terms", re.IGNORECASE)
# An order would take these for the end of a title.
NO_TITLE = re.compile(r"\bbecause\b|\bsigned[ -]off$|\bterms$", re.IGNORECASE)


async def order(tx: Transaction, person: Person, rest: str, at: datetime) -> Reply:
    """`TITLE` shows a theme or starts it, `TITLE terms` changes its terms, `TITLE signed off` records the sign-off."""
    rule = _rule(tx)
    if signed := SIGNED.fullmatch(rest):
        return await _record(tx, rule, person, await _kept(tx, signed[1]), at)
    changing = TERMS.fullmatch(rest)
    title = changing[1] if changing else rest
    theme = await theme_titled(tx, title)
    if theme is None:
        said = await _not_kept(tx, _sound(title)) if title else ()
        return Reply(cards.form(tx.framework, rule, None, title, *said))
    if changing:
        _open(theme)
        return Reply(cards.form(tx.framework, rule, theme, theme.title))
    return Reply(_stands(tx, rule, theme))


async def every(tx: Transaction, at: datetime) -> Reply:
    """The list of all themes."""
    rule = _rule(tx)
    return Reply(cards.every(rule, await all_themes(tx), await count(tx, at), tx.calendar))


async def count(tx: Transaction, at: datetime) -> str:
    """How many themes have begun this year: `2 of 4`."""
    return cards.count(_rule(tx), await begun_this_year(tx, at))


async def chosen(tx: Transaction, title: str, ref: str, name: str) -> Theme | None:
    """The theme that a thematic audit is for; None where the framework has none. Raises Refused if it isn't kept."""
    if tx.framework.themes is None and not title:
        return None
    _rule(tx)
    if title:
        return await _kept(tx, title)
    ready = [theme.title for theme in await all_themes(tx) if theme.signed_off]
    raise refusal(
        "Which theme is it for?",
        f"Write it like this: allocate {ref} to {name} as thematic for {ready[0] if ready else 'TITLE'}.",
        f"Signed off: {listed(ready)}." if ready else "No theme is signed off so far. Write themes to see them all.",
    )


async def write(tx: Transaction, person: Person, press: Interaction) -> Reply:
    """The form of the terms of reference was sent: of a theme that is kept, or of one that starts with it."""
    rule = _rule(tx)
    theme = None if press.subject == cards.NEW else await _of_subject(tx, press.subject)
    values = {key: value.strip() for key, value in press.values.items()}
    # Without the stops at its end, as it is read where it is typed in an order.
    title = " ".join(values.get("title", "").split()).strip(" .?!")
    form = cards.form(tx.framework, rule, theme, title)
    if theme is not None:
        _open(theme)
    elif title and (known := await theme_titled(tx, title)) is not None:
        said = f"There is a theme called {known.title} already. To change its terms, write: theme {known.title} terms."
        raise Refused(_stands(tx, rule, known, said))
    errors = _empty(form, values) | privacy.questioned(values, [entry.name for entry in form.all_inputs()])
    if theme is None and "title" not in errors and (trouble := _trouble(title)):
        errors["title"] = trouble
    if errors:
        raise Refused(privacy.again(form, values, errors))
    terms = {ask: values[cards.point(number)] for number, ask in enumerate(rule.asks, 1)}
    if theme is None:
        theme = await propose(tx, title, terms, person.id, press.at)
    elif _version(press.subject) == theme.version:
        theme = await write_terms(tx, theme, terms, person.id, press.at)
    elif terms != theme.terms:
        said = "These terms have been changed meanwhile, so yours weren't saved. This is how they stand."
        raise Refused(_stands(tx, rule, theme, said))
    return Reply(_stands(tx, rule, theme, "The terms of reference are saved."))


async def signed_off(tx: Transaction, person: Person, press: Interaction) -> Reply:
    """The button of a theme's card: the terms on it have been signed off."""
    rule = _rule(tx)
    theme = await _of_subject(tx, press.subject)
    if not theme.signed_off and _version(press.subject) != theme.version:
        said = (
            "These terms have been changed since that card. Please check that what was signed off is what stands here."
        )
        raise Refused(_stands(tx, rule, theme, said))
    return await _record(tx, rule, person, theme, press.at)


async def _record(tx: Transaction, rule: ThemeRule, person: Person, theme: Theme, at: datetime) -> Reply:
    if theme.signed_off:
        raise Refused(_stands(tx, rule, theme, "This is already done."))
    lacking = unwritten(rule, theme)
    if lacking:
        said = f"The {rule.signed_off_by} signs off the whole of the terms. Please write the missing points first."
        raise Refused(cards.form(tx.framework, rule, theme, theme.title, said))
    theme = await sign_off(tx, theme, rule.signed_off_by, person.id, at)
    return Reply(_stands(tx, rule, theme, f"Thank you. The sign-off is noted; {theme.title} can begin."))


def _stands(tx: Transaction, rule: ThemeRule, theme: Theme, *said: str) -> Card:
    return cards.stands(tx.framework, rule, theme, tx.calendar, lambda one: _name(tx, one), *said)


def _name(tx: Transaction, person_id: int | None) -> str:
    person = tx.directory.get(person_id)
    return person.name if person else "somebody who has left"


def _rule(tx: Transaction) -> ThemeRule:
    if tx.framework.themes is None:
        raise refusal(
            f"{tx.framework.about.title} keeps no list of themes",
            "A thematic audit can be allocated without one. Write: allocate REF to NAME as thematic.",
        )
    return tx.framework.themes


async def _kept(tx: Transaction, title: str) -> Theme:
    theme = await theme_titled(tx, title)
    if theme is None:
        hint = await _not_kept(tx, title)
        raise refusal(
            f"There is no theme called “{title.strip()}”",
            *hint,
            "Write theme and its title to start it with its terms of reference.",
        )
    return theme


async def _not_kept(tx: Transaction, title: str) -> tuple[str, ...]:
    near = get_close_matches(title, [theme.title for theme in await all_themes(tx)], 3, 0.6)
    return (f"Do you mean {' or '.join(near)}?",) if near else ()


async def _of_subject(tx: Transaction, subject: str) -> Theme:
    number = subject.partition(":")[0]
    theme = await theme_with(tx, int(number)) if number.isdecimal() and len(number) < 10 else None
    if theme is None:
        raise refusal("I can't find that theme", "Write themes to see them all.")
    return theme


def _version(subject: str) -> int | None:
    number = subject.partition(":")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else None


def _open(theme: Theme) -> None:
    if theme.signed_off:
        raise refusal(
            f"The terms of {theme.title} are signed off",
            "They stay as they were signed. For other terms, please start a theme with a title of its own.",
        )


def _sound(title: str) -> str:
    """The title, if it can be one. Raises Refused."""
    found = privacy.findings(title)
    if found:
        raise refusal(f"The title looks as if it has {' and '.join(found)} in it", "Please choose another one.")
    trouble = _trouble(title)
    if trouble:
        raise refusal("That can't be a title", trouble)
    return title


def _trouble(title: str) -> str:
    if len(title) > cards.LONGEST_TITLE:
        return f"Please choose a title of at most {cards.LONGEST_TITLE} characters."
    if NO_TITLE.search(title):
        return "Please choose a title without “because”, and without “terms” or “signed off” at its end."
    return ""


def _empty(form: Card, values: dict[str, str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for entry in form.all_inputs():
        written = values.get(entry.name, "")
        if not written:
            errors[entry.name] = "Please write something here."
        elif entry.kind == "text" and len(written) > entry.length:
            errors[entry.name] = f"Please shorten this to at most {entry.length} characters."
    return errors
