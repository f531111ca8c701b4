"""Themes: their terms of reference, who signed them off, and how many have begun in a year."""

from collections.abc import Mapping
from datetime import date, datetime, time

from sqlalchemy import func, select

from audits.state import Event
from audits.themes import Theme
from storage.ledger import note
from storage.numbers import next_number
from storage.store import Transaction
from storage.tables import ThemeRow


def same_title(title: str) -> str:
    """A title for comparison: capitals and spacing make no difference."""
    return " ".join(title.split()).casefold()


async def theme_titled(tx: Transaction, title: str) -> Theme | None:
    row = await tx.session.scalar(select(ThemeRow).where(ThemeRow.name == same_title(title)))
    return _theme_of(row) if row is not None else None


async def theme_with(tx: Transaction, theme_id: int) -> Theme | None:
    row = await tx.session.get(ThemeRow, theme_id)
    return _theme_of(row) if row is not None else None


async def all_themes(tx: Transaction) -> list[Theme]:
    """Every theme, the latest first."""
    rows = await tx.session.scalars(select(ThemeRow).order_by(ThemeRow.proposed_at.desc(), ThemeRow.id.desc()))
    return [_theme_of(row) for row in rows]


async def propose(tx: Transaction, title: str, terms: Mapping[str, str], person_id: int, at: datetime) -> Theme:
    """A theme with its terms of reference. Raises IntegrityError (SQLAlchemy) where the title is taken."""
    row = ThemeRow(
        id=await next_number(tx, ThemeRow.table()),
        name=same_title(title),
        title=" ".join(title.split()),
        terms=dict(terms),
        proposed_by=person_id,
        proposed_at=at,
    )
    tx.session.add(row)
    await tx.session.flush()
    await note(tx, Event("theme_proposed", at, person_id, {"theme": row.id, "title": row.title, "terms": dict(terms)}))
    return _theme_of(row)


async def write_terms(tx: Transaction, theme: Theme, terms: Mapping[str, str], person_id: int, at: datetime) -> Theme:
    """The terms of reference, written anew. What was signed off is never rewritten: raises ValueError."""
    if theme.signed_off:
        raise ValueError(f"the terms of {theme.title} are signed off")
    row = await tx.session.get_one(ThemeRow, theme.id)
    row.terms = dict(terms)
    await tx.session.flush()
    await note(tx, Event("theme_terms_written", at, person_id, {"theme": row.id, "terms": dict(terms)}))
    return _theme_of(row)


async def sign_off(tx: Transaction, theme: Theme, signed_off_by: str, person_id: int, at: datetime) -> Theme:
    """Record that a board has signed the terms of reference off: whose sign-off, and who records it."""
    row = await tx.session.get_one(ThemeRow, theme.id)
    row.signed_off_by, row.recorded_by, row.recorded_at = signed_off_by, person_id, at
    await tx.session.flush()
    # The terms as they were signed stand in this entry too, so that it says by itself what was signed.
    values = {"theme": row.id, "signed_off_by": signed_off_by, "terms": dict(row.terms)}
    await note(tx, Event("theme_signed_off", at, person_id, values))
    return _theme_of(row)


async def begin(tx: Transaction, theme: Theme, audit_id: int, at: datetime) -> Theme:
    """A case was allocated for a theme; with its first one the theme has begun."""
    if theme.begun_at is not None:
        return theme
    row = await tx.session.get_one(ThemeRow, theme.id)
    row.begun_at = at
    await tx.session.flush()
    await note(tx, Event("theme_begun", at, None, {"theme": row.id, "audit": audit_id}))
    return _theme_of(row)


async def begun_this_year(tx: Transaction, now: datetime) -> int:
    """How many themes have begun since 1 January, by the service's own clock."""
    since = first_of_year(tx, now)
    return await tx.session.scalar(select(func.count(ThemeRow.id)).where(ThemeRow.begun_at >= since)) or 0


def first_of_year(tx: Transaction, now: datetime) -> datetime:
    """The first moment of the calendar year, local time."""
    return tx.calendar.moment(date(tx.calendar.day_of(now).year, 1, 1), time.min)


def _theme_of(row: ThemeRow) -> Theme:
    return Theme(
        id=row.id,
        title=row.title,
        terms=dict(row.terms),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        signed_off_by=row.signed_off_by,
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
        begun_at=row.begun_at,
        version=row.version,
    )
