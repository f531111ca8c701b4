"""Dates and times as people type them in chat ("Tues 2pm")."""

from handlers.when.reading import Reading, read_when
from handlers.when.spoken import spoken

__all__ = ["Reading", "read_when", "spoken"]
