"""Reading people and cases from CSV and Excel files: all rows are good, or each problem is named and none come back.

Knows nothing of the database. What isn't needed (dates of birth above all) is dropped while reading.
"""

from storage.imports.cases import CaseFile, CaseRow, read_cases
from storage.imports.cells import normal_name
from storage.imports.people import PeopleFile, PersonRow, read_people
from storage.imports.rejected import FileRejected, ImportRejected, Problem

__all__ = [
    "CaseFile",
    "CaseRow",
    "FileRejected",
    "ImportRejected",
    "PeopleFile",
    "PersonRow",
    "Problem",
    "normal_name",
    "read_cases",
    "read_people",
]
