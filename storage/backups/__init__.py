"""Backups: copies of a whole database, each opened and checked before it counts, and their way back."""
