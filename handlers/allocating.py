"""Giving a case to an auditor by hand: a gap in the month's list, a thematic audit, or a re-audit that is due."""

from datetime import datetime

from sqlalchemy import func, select

from audits.people import Person
from audits.sampling import obstacle
from audits.state import CORE, REAUDIT, THEMATIC, CaseFile
from audits.themes import Theme
from cards.card import Card, Fact, Tone
from cards.scene import Scene
from handlers import privacy, themes
from handlers.interaction import Reply
from handlers.press import refusal
from handlers.questions import find_person
from storage.allocations import ALLOCATING
from storage.by_hand import AtLimit, NotSignedOff, allocate_by_hand, given_this_year
from storage.queries import audits_of_case
from storage.records import case_of
from storage.store import Transaction
from storage.tables import CaseRow

BY_HAND = (CORE, THEMATIC)


async def allocate(
    tx: Transaction,
    ref: str,
    name: str,
    at: datetime,
    viewer: Person,
    *,
    kind: str = CORE,
    reason: str = "",
    title: str = "",
) -> Reply:
    """Allocate a case at once; `title` is the theme of a thematic audit.

    Raises Refused where the rules stand in the way, with what to do instead.
    """
    auditor = find_person(tx, name)
    # Two officers at once would otherwise give one case to two people.
    await tx.alone(ALLOCATING)
    case = await _open_case(tx, ref)
    if kind not in BY_HAND:
        raise refusal(f"“{kind}” is no kind of audit here", f"Kinds are: {' and '.join(BY_HAND)}.")
    if title and kind != THEMATIC:
        raise refusal(
            "Only a thematic audit is for a theme", f"Write: allocate {ref} to {name} as thematic for {title}."
        )
    if auditor.role not in tx.framework.auditor_roles:
        raise refusal(f"{auditor.name} doesn't audit", "Please choose someone whose role audits files.")
    hindrance = obstacle(auditor, case, tx.directory, tx.framework.sampling_terms(by_hand=True))
    if hindrance is not None:
        raise refusal(f"{auditor.name} can't audit {case.ref}", f"The reason: {hindrance}. Please choose someone else.")
    under_way = [one for one in await audits_of_case(tx, case.ref) if not one.withdrawn and not one.has("submitted")]
    if under_way:
        raise refusal(f"{case.ref} is being audited already", f"Write case {case.ref} to see by whom.")
    found = privacy.findings(reason)
    if found:
        raise refusal(
            f"The reason looks as if it has {' and '.join(found)} in it", "Please give it again without that."
        )
    theme = await themes.chosen(tx, title, case.ref, auditor.name) if kind == THEMATIC else None
    written = f"allocate {case.ref} to {auditor.name} as {kind}" + (f" for {theme.title}" if theme else "")
    try:
        audit = await allocate_by_hand(tx, case, auditor.id, at, kind=kind, reason=reason, theme=theme)
    except NotSignedOff as gate:
        title_of = theme.title if theme else "A thematic audit"
        then = f"Write theme {theme.title} to see how it stands." if theme else "Write themes to see them all."
        raise refusal(f"{title_of} can't begin yet", str(gate), then) from gate
    except AtLimit as limit:
        words = f"Write it like this: {written} because of a serious incident."
        raise refusal("That is the most for this year", str(limit), words) from limit
    if audit is None:
        raise refusal("That case can't be allocated", "Please try again.")
    scene = Scene(tx.rules, audit, viewer, at)
    limit_terms = tx.framework.limits.get(kind)
    given = await given_this_year(tx, kind, auditor.id, at)
    counted = (Fact("This year", f"{given} of {limit_terms.most}"),) if limit_terms else ()
    of_theme = await _theme_facts(tx, theme, at)
    again = " to be audited again" if audit.kind == REAUDIT else ""
    return Reply(
        Card(
            title=f"{case.ref} has gone to {auditor.name}{again}",
            text=("They have been told.",),
            tone=Tone.DONE,
            facts=(*scene.case_facts(), *of_theme, *counted),
        )
    )


async def _theme_facts(tx: Transaction, theme: Theme | None, at: datetime) -> tuple[Fact, ...]:
    if theme is None:
        return ()
    return (Fact("Theme", theme.title), Fact("Themes begun this year", await themes.count(tx, at)))


async def _open_case(tx: Transaction, ref: str) -> CaseFile:
    row = await tx.session.scalar(select(CaseRow).where(func.upper(CaseRow.ref) == ref.strip().upper()))
    if row is None:
        raise refusal(
            f"There is no case “{ref.strip()}”", "Please check the reference; it is the one on the case list."
        )
    return case_of(row)
