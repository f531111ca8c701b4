"""The draw: which auditor gets which case, at random from a stored seed, and why one got none."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

from audits.people import Directory, Person
from audits.seating import Seating
from audits.state import CaseFile


@dataclass(frozen=True)
class Draw:
    """The outcome of a draw. `unfilled` pairs an auditor with the reason, in a sentence, why no case fits."""

    seed: int
    drawn: tuple[tuple[Person, CaseFile], ...]
    unfilled: tuple[tuple[Person, str], ...]


def obstacle(auditor: Person, case: CaseFile, directory: Directory, *, own_area: bool) -> str | None:
    """Why this auditor may not audit this case, or None if nothing stands in the way."""
    holder = directory.get(case.holder_id)
    if holder is None:
        return "no practitioner is named for it, so there is nobody to talk it through with"
    if holder.id == auditor.id:
        return "it is their own case"
    if auditor in directory.line_of(holder):
        return "its practitioner is in their own line of management"
    if holder in directory.line_of(auditor):
        return "its practitioner is their own manager"
    if own_area and auditor.service_area and case.service_area and auditor.service_area != case.service_area:
        return "it is in another service area"
    return None


def draw(
    auditors: Sequence[Person],
    cases: Sequence[CaseFile],
    directory: Directory,
    seed: int,
    *,
    own_area: bool = True,
    taken: Collection[int] = (),
    audited: Counter[int] | None = None,
) -> Draw:
    """One case for each auditor, spread evenly over practitioners.

    `taken` are ids of cases already with an auditor; `audited` counts the audits that each practitioner has had
    lately, so that those with fewer come first. The same seed, people and cases give the same draw.
    A practitioner gets another audit in a draw only where an auditor would otherwise be left without a case.
    """
    random = Random(seed)
    order = sorted(auditors, key=lambda person: person.id)
    pool = sorted((case for case in cases if case.on_list and case.id not in taken), key=lambda case: case.id)
    random.shuffle(order)
    random.shuffle(pool)
    pool.sort(key=lambda case: (audited or Counter())[case.holder_id or 0])
    fits = {
        auditor.id: [case for case in pool if obstacle(auditor, case, directory, own_area=own_area) is None]
        for auditor in order
    }
    seating = Seating(fits)
    most = max(Counter(case.holder_id for case in pool).values(), default=0)
    for each in range(1, most + 1):
        if seating.fill([auditor.id for auditor in order], each):
            break
    given = seating.given
    drawn = tuple((auditor, given[auditor.id]) for auditor in order if auditor.id in given)
    unfilled = tuple(
        (auditor, _reason(auditor, pool, fits[auditor.id], directory, own_area=own_area))
        for auditor in order
        if auditor.id not in given
    )
    return Draw(seed, drawn, unfilled)


def _reason(
    auditor: Person, pool: Sequence[CaseFile], fitting: Sequence[CaseFile], directory: Directory, *, own_area: bool
) -> str:
    if not pool:
        return "There are no open cases left on the list."
    if fitting:
        return f"Every case that fits ({len(fitting)}) has gone to another auditor."
    why = Counter(obstacle(auditor, case, directory, own_area=own_area) for case in pool)
    parts = "; ".join(f"{count} because {reason}" for reason, count in why.most_common())
    return f"No open case fits ({len(pool)} looked at): {parts}."
