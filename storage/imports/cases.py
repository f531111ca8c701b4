"""The open cases that audits are drawn from: List 6 of Ofsted's Annex A, or a plain table of the same columns."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stdnum.gb import nhs

from storage.imports import annex_a
from storage.imports.books import Book, open_book
from storage.imports.cells import (
    begins_as_date,
    counted,
    is_blank,
    is_error,
    is_moment,
    listed,
    looks_like_formula,
    normal_name,
    says_date,
    says_nobody,
    shown,
)
from storage.imports.rejected import FileRejected, ImportRejected, Problem
from storage.imports.sheets import Headers, Progress, Row, cell_address, find_headers, read_rows

CLOSED_EPISODE = "closed episode"
CLOSURE_DATE = "closure date"
LONGEST_REF = 64
LONGEST_NAME = 255

# A reference becomes part of the name of a calendar file.
_LIKE_A_PATH = re.compile(r"\.\.|[\\\"<>|]|^[/.]")
_NAMELIKE = re.compile(r"[^\W\d_]{2,}(?:,\s*|\s+)[^\W\d_]\D*")
_WHOLE_NUMBER = re.compile(r"\d+\.0+")
_SHORTENED_NUMBER = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)
_SPACED_NHS_NUMBER = re.compile(r"\d{3}[ -]\d{3}[ -]\d{4}")


@dataclass(frozen=True)
class ListedCase:
    """An open case: a pseudonymous reference and what sampling and routing need, nothing else of the child.

    `plan` is CIN, CP, LAC, CL, EH or `assessment`; `worker` the allocated worker's name as written, `worker_email` that
    worker's address if they were among the workers given.
    """

    ref: str
    plan: str
    sex: str
    ethnicity_group: str
    age_band: str
    disability: str
    team: str
    worker: str | None
    service_area: str
    sheet: str
    row: int
    worker_email: str | None = None


@dataclass(frozen=True)
class CaseList:
    """Every open case of a file in which nothing is wrong.

    `left_out` counts the rows that are no open cases, by reason.
    """

    rows: list[ListedCase]
    notices: list[str]
    left_out: dict[str, int]


def read_cases(path: Path, *, workers: Mapping[str, str] | None = None, progress: Progress | None = None) -> CaseList:
    """Reads Annex A's List 6 from Ofsted's workbook, or cases from a plain CSV file or workbook.

    Lists 2 and 9 (early help, care leavers) are not read. Closed cases are left out and counted. `workers` maps names
    to e-mail addresses; case, spacing and "Surname, Forename" make no difference, and a name that two people share
    matches neither. Dates of birth and all other details are dropped here.

    Raises ImportRejected with every problem found; FileRejected if the file or its headings can't be used.
    """
    with open_book(path) as book:
        headers = _pick_sheet(book)
        if not headers.complete or headers.problems:
            raise headers.reject()
        reading = _Reading(headers)
        for row in read_rows(book, headers, annex_a.COLUMNS, progress):
            reading.take(row)
    if not reading.seen:
        message = "There are headings but no cases under them. Fill the list in and import it again."
        raise FileRejected.because(message, sheet=headers.sheet)
    cases = reading.finish()
    if reading.problems:
        raise ImportRejected(reading.problems)
    notices = reading.notices
    if workers is not None:
        cases, unmatched = _with_emails(cases, workers)
        notices = notices + unmatched
    return CaseList(cases, notices, dict(reading.left_out))


def _pick_sheet(book: Book) -> Headers:
    """The sheet that is named List 6; failing that, the one with the right headings."""
    named = [find_headers(book, name, annex_a.COLUMNS) for name in book.names if annex_a.is_list_six(name)]
    candidates = named
    if not any(headers.complete for headers in named):
        candidates = [find_headers(book, name, annex_a.COLUMNS) for name in book.names]
    complete = [headers for headers in candidates if headers.complete]
    if len(complete) == 1:
        return complete[0]
    if complete:
        names = listed(f"“{headers.sheet}”" for headers in complete)
        raise FileRejected.because(f"More than one sheet could be List 6: {names}. Keep the one that is meant.")
    if named or len(candidates) == 1:
        return max(named or candidates, key=lambda headers: len(headers.positions))
    raise FileRejected.because(
        f"The workbook has no List 6 (Children in Need). Its sheets: {listed(book.names)}. "
        "Add List 6, or name its sheet “List 6”."
    )


class _Reading:
    """One pass over the rows, gathering cases, problems and what is worth a notice."""

    def __init__(self, headers: Headers) -> None:
        self.problems: list[Problem] = []
        self.left_out: Counter[str] = Counter()
        self.seen = 0
        self._headers = headers
        self._cases: dict[str, ListedCase] = {}
        self._repeated: list[str] = []
        self._unread: dict[str, list[tuple[str, str]]] = defaultdict(list)

    @property
    def notices(self) -> list[str]:
        notices = []
        for column in self._headers.missing:
            if column.key in ("sex", "ethnicity", "age", "disability"):
                hint = self._headers.near.get(column.key)
                close = f" The heading “{hint}” comes close." if hint else ""
                notices.append(f"There is no “{column.label}” column, so it counts as unknown in every case.{close}")
        if "closure" not in self._headers.positions and annex_a.is_list_six(self._headers.sheet):
            notices.append("There is no “CIN Closure Date” column, so closed cases are told by their status alone.")
        notices += [self._unread_notice(label, cells) for label, cells in self._unread.items()]
        if self._repeated:
            rows = counted(len(self._repeated), "row repeats", "rows repeat")
            notices.append(f"{rows} an earlier one word for word and was dropped: {listed(self._repeated)}.")
        alone = [case for case in self._cases.values() if case.worker is None]
        if alone:
            cases = counted(len(alone), "case has", "cases have")
            notices.append(f"{cases} no allocated worker, so no practitioner can take part in an audit of it.")
        if not self._cases:
            notices.append("Every case in the file is closed, so there is nothing to draw audits from.")
        return notices

    def take(self, row: Row) -> None:
        """Reads one row: a case, a row left out, or problems."""
        self.seen += 1
        before = len(self.problems)
        if row.torn:
            self.problems.append(Problem(row.sheet, f"row {row.number}", "", row.torn))
            return
        plan = annex_a.case_status(row.cells.get("plan"))
        closed = annex_a.is_closed(row.cells.get("closure"))
        if plan == annex_a.CLOSED or closed:
            self.left_out[CLOSED_EPISODE if plan == annex_a.CLOSED else CLOSURE_DATE] += 1
            return
        if closed is None:
            message = "This isn't a closure date. Leave the cell empty if the case is open, or write the date."
            self.problems.append(Problem(row.sheet, row.address("closure"), "", message))
        ref = self._ref(row)
        if plan is None:
            self._wrong_status(row)
        team, worker, area = (self._name(row, key) for key in ("team", "worker", "service_area"))
        band = annex_a.age_band(row.cells.get("age"))
        if band is None and not is_error(row.cells.get("age")):
            message = (
                "This isn't an age in years. Write a number, -1 for an unborn child, or leave the cell empty if it "
                "isn't known. If Excel shows a date, format the cell as a number."
            )
            self.problems.append(Problem(row.sheet, row.address("age"), "", message))
        if len(self.problems) > before or plan is None:
            return
        case = ListedCase(
            ref=ref,
            plan=plan,
            sex=self._or_unknown(row, "sex", "Sex", annex_a.sex) or "unknown",
            ethnicity_group=self._or_unknown(row, "ethnicity", "Ethnicity", annex_a.ethnicity_group) or "Unknown",
            age_band=self._or_unknown(row, "age", "Age", annex_a.age_band) or "unknown",
            disability=self._or_unknown(row, "disability", "Disability", annex_a.disability) or "unknown",
            team=team or "",
            worker=worker,
            service_area=area or "",
            sheet=row.sheet,
            row=row.number,
        )
        self._keep(row, case)

    def finish(self) -> list[ListedCase]:
        """The cases, once all rows have been read."""
        cases = list(self._cases.values())
        ten_digits = [case.ref for case in cases if re.fullmatch(r"\d{10}", case.ref)]
        # One number in eleven passes the checksum by chance; a whole column doesn't.
        if len(ten_digits) >= 2 and all(nhs.is_valid(ref) for ref in ten_digits):
            message = "These references are NHS numbers, which aren't kept. Use the case system's own number instead."
            column = self._headers.positions["ref"]
            first = next(case for case in cases if case.ref == ten_digits[0])
            self.problems.append(Problem(first.sheet, f"{_letters(column)}{first.row}", "", message))
        return cases

    def _wrong(self, row: Row, key: str, message: str) -> None:
        self.problems.append(Problem(row.sheet, row.address(key), shown(row.cells.get(key)), message))

    def _ref(self, row: Row) -> str:
        value, ref = row.cells.get("ref"), row.text("ref")
        if is_blank(value):
            self._wrong(
                row, "ref", "The reference is missing. Add it, or delete the row. If a formula gives it, save in Excel."
            )
        elif is_error(value):
            self._wrong(row, "ref", "Excel couldn't work the reference out. Type it in.")
        elif is_moment(value) or isinstance(value, bool) or begins_as_date(ref):
            message = "This reference is a date or a true/false. Format the column as text and put the references back."
            self.problems.append(Problem(row.sheet, row.address("ref"), "", message))
        elif _SHORTENED_NUMBER.fullmatch(ref) or (isinstance(value, (int, float)) and abs(value) >= 10**15):
            self._wrong(row, "ref", "Excel has shortened this number. Format the column as text and export it again.")
        elif _SPACED_NHS_NUMBER.fullmatch(ref) and nhs.is_valid(ref):
            message = "This is an NHS number, which isn't kept. Use the case system's own number instead."
            self.problems.append(Problem(row.sheet, row.address("ref"), "", message))
        elif _NAMELIKE.fullmatch(ref):
            message = "This looks like a name. A reference must not say who the child is: use the case system's number."
            self.problems.append(Problem(row.sheet, row.address("ref"), "", message))
        elif looks_like_formula(ref):
            self._wrong(row, "ref", "This looks like a formula. Type the reference in as plain text.")
        elif _LIKE_A_PATH.search(ref):
            self._wrong(row, "ref", "This looks like the path of a file. Use the case system's own number.")
        elif len(ref) > LONGEST_REF:
            self._wrong(row, "ref", f"This reference is longer than {LONGEST_REF} characters. Use a shorter one.")
        return re.sub(r"\.0+$", "", ref) if _WHOLE_NUMBER.fullmatch(ref) else ref

    def _wrong_status(self, row: Row) -> None:
        value = row.cells.get("plan")
        if is_error(value):
            self._wrong(
                row, "plan", f"Excel couldn't work the case status out. Type one of: {annex_a.STATUSES_ACCEPTED}."
            )
        elif is_blank(value):
            self._wrong(row, "plan", f"The case status is missing. Write one of: {annex_a.STATUSES_ACCEPTED}.")
        else:
            self._wrong(row, "plan", f"This case status isn't known. Write one of: {annex_a.STATUSES_ACCEPTED}.")

    def _name(self, row: Row, key: str) -> str | None:
        """The team, worker or service area as written, None if there is none."""
        value, text = row.cells.get(key), row.text(key)
        if is_error(value):
            self._wrong(row, key, "Excel couldn't work this cell out. Type the name in, or leave the cell empty.")
        elif says_nobody(text):
            return None
        elif says_date(value) or isinstance(value, bool):
            self._wrong(row, key, "There is a date or a true/false where a name should be. Type the name in as text.")
        elif looks_like_formula(text):
            self._wrong(row, key, "This looks like a formula. Type plain text that doesn't begin with =, +, - or @.")
        elif len(text) > LONGEST_NAME:
            self._wrong(row, key, f"This is longer than {LONGEST_NAME} characters. Shorten it.")
        return text

    def _or_unknown(self, row: Row, key: str, label: str, read: Callable[[object], str | None]) -> str | None:
        found = read(row.cells.get(key))
        if found is None:
            value = row.cells.get(key)
            self._unread[label].append((row.address(key), "" if key == "age" else shown(value)))
        return found

    @staticmethod
    def _unread_notice(label: str, cells: Sequence[tuple[str, str]]) -> str:
        values = listed(sorted({f"“{value}”" for _, value in cells if value}))
        said = f" ({values})" if values else ""
        cases, places = counted(len(cells), "case", "cases"), listed((at for at, _ in cells), 5)
        return f"{label} couldn't be read in {cases} and counts as unknown there{said}: {places}."

    def _keep(self, row: Row, case: ListedCase) -> None:
        first = self._cases.setdefault(case.ref.casefold(), case)
        if first is case:
            return
        if replace(case, ref=first.ref, row=first.row) == first:
            self._repeated.append(row.address("ref"))
            return
        earlier = f"{_letters(row.columns['ref'])}{first.row}"
        self._wrong(
            row, "ref", f"The same reference stands in {earlier} with other details. Keep the row that is right."
        )


def _letters(column: int) -> str:
    return cell_address(1, column)[:-1]


def _with_emails(cases: Sequence[ListedCase], workers: Mapping[str, str]) -> tuple[list[ListedCase], list[str]]:
    named: dict[str, set[str]] = defaultdict(set)
    for name, address in workers.items():
        named[normal_name(name)].add(address)
        named[address.casefold()] = {address}
    emails = {name: next(iter(found)) for name, found in named.items() if len(found) == 1}
    matched = []
    unmatched: dict[str, str] = {}
    for case in cases:
        email = emails.get(normal_name(case.worker)) if case.worker else None
        if case.worker and email is None:
            unmatched.setdefault(normal_name(case.worker), case.worker)
        matched.append(replace(case, worker_email=email))
    if not unmatched:
        return matched, []
    one = counted(len(unmatched), "allocated worker isn't", "allocated workers aren't")
    names = listed(f"“{name}”" for name in sorted(unmatched.values()))
    return matched, [f"{one} among the people known: {names}. Import them, or correct the spelling on either side."]
