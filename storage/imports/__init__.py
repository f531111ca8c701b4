"""Reading people and cases from CSV and Excel files: all rows are good, or each problem is named and none come back.

Knows nothing of the database. What isn't needed (dates of birth above all) is dropped while reading.
"""

from storage.imports.cases import CaseList, ListedCase, read_cases
from storage.imports.cells import normal_name
from storage.imports.people import ListedPerson, PeopleList, read_people
from storage.imports.rejected import FileRejected, ImportRejected, Problem

__all__ = [
    "CaseList",
    "FileRejected",
    "ImportRejected",
    "ListedCase",
    "ListedPerson",
    "PeopleList",
    "Problem",
    "normal_name",
    "read_cases",
    "read_people",
]
