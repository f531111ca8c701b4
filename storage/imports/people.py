"""The people of a service: who they are, what they do, who manages them, and who stands in for them."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from storage.imports.books import Book, open_book
from storage.imports.cells import (
    counted,
    is_blank,
    is_error,
    is_moment,
    listed,
    looks_like_formula,
    normal_name,
    says_nobody,
    shown,
    words_of,
)
from storage.imports.rejected import SHOWN_PROBLEMS, FileRejected, ImportRejected, Problem
from storage.imports.sheets import Column, Headers, Progress, Row, find_headers, read_rows

COLUMNS = (
    Column("name", "Name", ("name", "full name", "person", "staff name", "staff member", "employee name")),
    Column(
        "email", "Email", ("email", "e mail", "email address", "e mail address", "work email", "work e mail", "mail")
    ),
    Column("role", "Role", ("role", "job role", "job title", "post", "position")),
    Column("team", "Team", ("team", "team name")),
    Column(
        "manager",
        "Manager",
        (
            *("manager", "line manager", "manager email", "manager e mail", "line manager email"),
            *("line manager e mail", "managers email", "reports to", "supervisor"),
        ),
    ),
    Column("service_area", "Service area", ("service area", "service", "area", "directorate", "department")),
    Column("cover", "Cover", ("cover", "leave cover", "cover while on leave", "covered by", "deputy"), needed=False),
    Column(
        "linked",
        "Linked centres",
        ("linked centres", "linked centre", "linked centers", "linked center", "linked to", "linked family centres"),
        needed=False,
    ),
    Column("auditing", "Auditing", ("auditing", "auditing status", "auditor status", "audit training"), needed=False),
)

# How far somebody is with auditing (audits/people.py), in the words that a list may use.
AUDITING = {
    "": "",
    "proficient": "",
    "trained": "",
    "new": "new",
    "new to auditing": "new",
    "support": "support",
    "needs support": "support",
    "untrained": "untrained",
    "not trained": "untrained",
    "not yet trained": "untrained",
}

# Words for one job, whichever of them a framework uses.
SAME_ROLE = tuple(
    frozenset(names.split(" | "))
    for names in (
        "practitioner | lead practitioner | case holder | worker | allocated worker | social worker | sw",
        "advanced practitioner | ap",
        "assistant team manager | deputy team manager | atm",
        "team manager | tm",
        "practice manager | pm",
        "group manager | gm",
        "service manager | sm",
        "service lead | sl",
        "head of service | hos",
        "assistant director | ad",
        "deputy director | dd",
        "director | service director",
        "director of childrens services | director of children s services | dcs",
        "principal social worker | psw",
        "independent reviewing officer | iro",
        "child protection chair | cp chair",
        "quality assurance officer | qa officer",
    )
)
LONGEST = 255

_EMAIL = re.compile(r"[^@\s,;:<>()\[\]\"]+@[^@\s,;:<>()\[\]\"._][^@\s,;:<>()\[\]\"]*\.[^@\s.,;:<>()\[\]\"]{2,}")
_IN_BRACKETS = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>")


@dataclass(frozen=True)
class ListedPerson:
    """A person as the file gives them. `role` is the framework's key; e-mail addresses are in lower case.

    `linked` and `auditing` are None where the file has no such column, so that what is known of them stays.
    """

    name: str
    email: str
    role: str
    team: str
    manager_email: str | None
    service_area: str
    cover_email: str | None
    sheet: str
    row: int
    linked: tuple[str, ...] | None = None
    auditing: str | None = None


@dataclass(frozen=True)
class PeopleList:
    """Every person of a file in which nothing is wrong, and what a reader should know about it all the same."""

    rows: list[ListedPerson]
    notices: list[str]


def read_people(
    path: Path,
    *,
    roles: Mapping[str, str],
    existing: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> PeopleList:
    """Reads a CSV file or .xlsx workbook of people.

    `roles` maps each role's key to its label; `existing` maps the e-mail of people already known to their name, so that
    they can be somebody's manager or cover. Only circles of managers within the file are seen.
    Raises ImportRejected with every problem found; FileRejected if the file or its headings can't be used.
    """
    known = {email.strip().casefold(): name for email, name in (existing or {}).items()}
    with open_book(path) as book:
        headers = _pick_sheet(book)
        if not headers.complete or headers.problems:
            raise headers.reject()
        rows = list(read_rows(book, headers, COLUMNS, progress))
    if not rows:
        message = "There are headings but no people under them. Add a row for each person."
        raise FileRejected.because(message, sheet=headers.sheet)
    reading = _Reading(roles, known, rows)
    people = reading.people()
    if reading.problems:
        order = {row.number: place for place, row in enumerate(rows)}
        raise ImportRejected(sorted(reading.problems, key=lambda problem: order.get(_row_of(problem), 0)))
    return PeopleList(people, _notices(people))


def _row_of(problem: Problem) -> int:
    return int(re.sub(r"\D", "", problem.cell) or 0)


def _pick_sheet(book: Book) -> Headers:
    every = [find_headers(book, name, COLUMNS) for name in book.names]
    complete = [headers for headers in every if headers.complete]
    if len(complete) > 1:
        names = listed(headers.sheet for headers in complete)
        raise FileRejected.because(f"More than one sheet holds people: {names}. Keep the one that is meant.")
    if not every:
        raise FileRejected.because("The workbook has no sheets with cells. Add one with a row for each person.")
    return complete[0] if complete else max(every, key=lambda headers: len(headers.positions))


class _Roles:
    """What may stand in a role's cell."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        self._labels = dict(roles)
        self._meant: dict[str, set[str]] = defaultdict(set)
        for key, label in roles.items():
            self._meant[words_of(label)].add(key)
        for key in roles:
            self._meant[words_of(key)] = {key}
        for names in SAME_ROLE:
            keys = {key for name in names for key in self._meant.get(name, ())}
            for name in names - self._meant.keys():
                self._meant[name] = keys

    def key(self, text: str) -> str | None:
        """The one role that is meant, or None."""
        keys = self._meant.get(words_of(text), set())
        return next(iter(keys)) if len(keys) == 1 else None

    def advice(self, text: str) -> str:
        words = words_of(text)
        several = self._meant.get(words, set())
        close = get_close_matches(words, self._meant, n=6, cutoff=0.6)
        keys = (
            sorted(several) if several else list(dict.fromkeys(key for name in close for key in self._meant[name]))[:3]
        )
        if several:
            return f"More than one role is called that. Write one of these instead: {', '.join(keys)}."
        if keys:
            nearest = " or ".join(f"“{self._labels[key]}”" for key in keys)
            return f"This framework has no such role. The nearest: {nearest}."
        return f"This framework has no such role. Its roles: {listed(self._labels.values())}."


class _Reading:
    """One pass over the rows, gathering people and problems."""

    def __init__(self, roles: Mapping[str, str], existing: Mapping[str, str], rows: Sequence[Row]) -> None:
        self.problems: list[Problem] = []
        self._roles = _Roles(roles)
        self._rows = rows
        self._first: dict[str, Row] = {}
        for row in rows:
            self._first.setdefault(_email_in(row.text("email")), row)
        self._emails = {*self._first, *existing} - {""}
        self._named: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            self._named[normal_name(row.text("name"))].add(_email_in(row.text("email")))
        for email, name in existing.items():
            # The file is newer than what is known of the same person.
            if email not in self._first:
                self._named[normal_name(name)].add(email)
        self._named.pop("", None)
        every = [*existing.values(), *(row.text("name") for row in rows)]
        self._written = {normal_name(name): name for name in every}

    def people(self) -> list[ListedPerson]:
        people = [person for row in self._rows if (person := self._person(row))]
        self._find_circles({person.email: person for person in people})
        return people

    def _wrong(self, row: Row, key: str, message: str) -> None:
        self.problems.append(Problem(row.sheet, row.address(key), shown(row.cells.get(key)), message))

    def _person(self, row: Row) -> ListedPerson | None:
        if row.torn:
            self.problems.append(Problem(row.sheet, f"row {row.number}", "", row.torn))
            return None
        before = len(self.problems)
        for key in row.columns:
            self._check_plain(row, key)
        if len(self.problems) > before:
            return None
        name, email, role = row.text("name"), self._email(row), self._role(row)
        if says_nobody(name):
            self._wrong(row, "name", "The name is missing. Write the person's full name.")
        manager = self._other(row, "manager", email, "their own manager", "leave the cell empty if they have none")
        cover = self._other(row, "cover", email, "their own cover", "leave the cell empty if nobody covers for them")
        linked, auditing = self._linked(row), self._auditing(row)
        if len(self.problems) > before or role is None:
            return None
        team, area = ("" if says_nobody(text := row.text(key)) else text for key in ("team", "service_area"))
        return ListedPerson(name, email, role, team, manager, area, cover, row.sheet, row.number, linked, auditing)

    def _check_plain(self, row: Row, key: str) -> None:
        value, text = row.cells.get(key), row.text(key)
        if is_error(value):
            self._wrong(row, key, "Excel couldn't work this cell out. Type the value in.")
        elif is_moment(value) or isinstance(value, bool):
            self._wrong(
                row, key, "Excel has turned this into a date or a true/false. Format the cell as text and retype it."
            )
        elif not says_nobody(text) and looks_like_formula(text):
            self._wrong(row, key, "This looks like a formula. Type plain text that doesn't begin with =, +, - or @.")
        elif len(text) > LONGEST:
            self._wrong(row, key, f"This is longer than {LONGEST} characters. Shorten it.")

    def _email(self, row: Row) -> str:
        email = _email_in(row.text("email"))
        if not email:
            self._wrong(row, "email", "The e-mail address is missing. Add it: it tells people apart.")
        elif not _is_email(email):
            self._wrong(row, "email", "This isn't an e-mail address. Write it like name@council.gov.uk.")
        elif (first := self._first[email]) is not row:
            self._wrong(
                row, "email", f"The same address stands in {first.address('email')}. Each person needs one row only."
            )
        return email

    def _role(self, row: Row) -> str | None:
        text = row.text("role")
        role = self._roles.key(text)
        if is_blank(text):
            self._wrong(row, "role", "The role is missing. Write the person's role.")
        elif role is None:
            self._wrong(row, "role", self._roles.advice(text))
        return role

    def _linked(self, row: Row) -> tuple[str, ...] | None:
        """The centres in the cell, or None where the file has no such column."""
        if "linked" not in row.columns:
            return None
        names = [name for part in row.text("linked").split(";") if not says_nobody(name := part.strip())]
        if any(looks_like_formula(name) for name in names):
            self._wrong(row, "linked", "This looks like a formula. Type the centres' names with semicolons between.")
        return tuple(dict.fromkeys(names))

    def _auditing(self, row: Row) -> str | None:
        """How far the person is with auditing, or None where the file has no such column."""
        if "auditing" not in row.columns:
            return None
        text = row.text("auditing")
        found = AUDITING.get("" if says_nobody(text) else words_of(text))
        if found is None:
            self._wrong(
                row,
                "auditing",
                "This isn't known. Write new, support or untrained, or leave the cell empty for a proficient auditor.",
            )
        return found

    def _other(self, row: Row, key: str, own: str, themselves: str, otherwise: str) -> str | None:
        """The e-mail of the manager or cover that the cell names."""
        text = row.text(key)
        if says_nobody(text):
            return None
        email = _email_in(text)
        found = {email} & self._emails if "@" in email else self._named.get(normal_name(text), set())
        if own and found == {own}:
            self._wrong(row, key, f"This makes the person {themselves}. Name somebody else, or {otherwise}.")
        elif len(found) > 1:
            self._wrong(
                row, key, f"{len(found)} people have this name. Write the e-mail address of the one who is meant."
            )
        elif not found:
            self._wrong(row, key, f"Nobody in the file, or known already, is called this.{self._near(text)}")
        return next(iter(found)) if len(found) == 1 else None

    def _near(self, text: str) -> str:
        if len(self.problems) >= SHOWN_PROBLEMS:
            # It won't be shown, and looking through thousands of names for each of thousands of rows takes long.
            return ""
        pool = self._emails if "@" in text else self._named
        close = get_close_matches(_email_in(text) if "@" in text else normal_name(text), pool, n=2, cutoff=0.75)
        names = [self._written.get(name, name) for name in close]
        return f" Did you mean {' or '.join(names)}?" if names else " Add a row for them, or correct the spelling."

    def _find_circles(self, people: Mapping[str, ListedPerson]) -> None:
        rows = {row.number: row for row in self._rows}
        settled: set[str] = set()
        for start in people:
            path: dict[str, None] = {}
            email = start
            while email in people and email not in settled:
                if email in path:
                    circle = [*path][[*path].index(email) :]
                    names = " → ".join(people[one].name for one in [*circle, email])
                    message = (
                        f"These people manage one another in a circle: {names}. One of them needs another manager."
                    )
                    first = min(circle, key=lambda one: people[one].row)
                    self._wrong(rows[people[first].row], "manager", message)
                    break
                path[email] = None
                email = people[email].manager_email or ""
            settled.update(path)


def _email_in(text: str) -> str:
    bracketed = _IN_BRACKETS.search(text)
    email = (bracketed.group(1) if bracketed else text).casefold()
    return email.removeprefix("mailto:").strip()


def _is_email(text: str) -> bool:
    return len(text) <= 254 and ".." not in text and _EMAIL.fullmatch(text) is not None


def _notices(people: Sequence[ListedPerson]) -> list[str]:
    return [*_without_manager(people), *_linked_to_nothing(people)]


def _linked_to_nothing(people: Iterable[ListedPerson]) -> list[str]:
    """Says which linked centres are nobody's team or service area, because a misspelt one would keep no case away."""
    every = list(people)
    places = {words_of(place) for person in every for place in (person.team, person.service_area)}
    unknown = {name for person in every for name in person.linked or () if words_of(name) not in places}
    if not unknown:
        return []
    which = counted(len(unknown), "linked centre is", "linked centres are")
    names = listed(f"“{name}”" for name in sorted(unknown))
    return [f"{which} nobody's team or service area in this file: {names}. Cases are told by exactly these names."]


def _without_manager(people: Iterable[ListedPerson]) -> list[str]:
    """Says who has no manager though others of the same rank, or higher ones, show that they should have.

    The topmost role is that of whoever, without a manager, has most people below.
    """
    by_email = {person.email: person for person in people}
    below: Counter[str] = Counter()
    for person in by_email.values():
        top = person
        while top.manager_email in by_email:
            top = by_email[top.manager_email]
        if top is not person:
            below[top.email] += 1
    heads = [person for person in by_email.values() if person.manager_email is None]
    most = max((below[person.email] for person in heads), default=0)
    topmost = {person.role for person in heads if most and below[person.email] == most}
    alone = [person.name for person in heads if person.role not in topmost]
    if not alone:
        return []
    verb = "has" if len(alone) == 1 else "have"
    who = counted(len(alone), "person", "people")
    return [f"{who} {verb} no manager, so nothing can be passed up from them: {listed(alone)}."]
