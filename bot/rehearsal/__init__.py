"""Rehearsals: a file that states what happens, and the timeline of what the bot does about it."""
