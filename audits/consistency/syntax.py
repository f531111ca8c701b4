"""Plain English for a file that isn't valid TOML, with the line on which the mistake was made."""

import re
import tomllib

LONGEST_ENTRY = 200
"""Lines of one entry that are looked at for its end: each of them is read again with all before it."""

_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_KEY_OR_HEADING = re.compile(r"\[|\s*[A-Za-z0-9_.-]+\s*=")
_CURLY = re.compile("[“”„‘’]")

_WORDS = (
    ("Illegal character '\\n'", 'the closing quote is missing. Put a " at the end of the text.'),
    ("Unterminated string", "the closing quotes of the text that begins here are missing. Add them."),
    ('Expected \'"""', "the closing quotes of the text that begins here are missing. Add them."),
    ("Expected \"'", "the closing quote of the text that begins here is missing. Add it."),
    ("Unclosed array", 'a list isn\'t closed: a "]" is missing at its end, or a comma between its parts. Add it.'),
    ("Unclosed inline table", 'what begins with "{" must end with "}" on the same line. Add it.'),
    ("Duplicate inline table key", "the same key stands here twice. Keep one of the two."),
    ("Invalid date or datetime", "there is no such day. Write year, month and day, as in 2026-03-31."),
    ("Unescaped '\\'", 'a backslash in text must stand there twice. Write "\\\\".'),
    ("Invalid hex value", "a backslash in text must stand there twice."),
    ("Expected ']'", "the heading of a table stands in square brackets, as in [duties.accept]. Write it like that."),
    ("Expected ']]'", "this heading stands in double square brackets, as in [[grades]]. Write it like that."),
    (
        "Expected '='",
        'a key and its value have "=" between them, and a key has no spaces. Write it like title = "Accept".',
    ),
    ("Illegal character", "there is a character that can't be seen in this line. Delete the line and type it again."),
)
_BEGINS = (
    'a line begins with a key, as in title = "Accept", a heading, as in [duties.accept], or # for a remark. Begin so.'
)
_MORE = "there is more on this line than its value. Text goes in quotes, and every key on a line of its own."
_VALUE = 'text goes in quotes, as in title = "Accept"; only numbers, dates, true and false stand without. Write it so.'


def trouble_with_syntax(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """The line, counted from 1, and what is wrong with it and what to write instead."""
    message = str(error)
    found = _LINE.search(message)
    lines = text.split("\n")
    line = int(found[1]) if found else 0
    start = _start(lines, line or len(lines))
    if not found or (start < line and _KEY_OR_HEADING.match(lines[line - 1])):
        # A list or a text that runs into what follows it: the mistake lies where it begins.
        return start, _said("Unclosed array" if found else message, lines[start - 1])
    return line, _said(message, lines[min(line, len(lines)) - 1])


def _start(lines: list[str], until: int) -> int:
    """The line on which the entry begins that can't be read: the first that no lines after it make whole."""
    at = 0
    while at < until:
        end = next(
            (end for end in range(at + 1, min(at + LONGEST_ENTRY, len(lines)) + 1) if _whole(lines[at:end])), None
        )
        if end is None:
            return at + 1
        if end >= until:
            return until
        at = end
    return until


def _whole(lines: list[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _said(message: str, line: str) -> str:
    return f"this is not valid TOML: {_fault(message, line)}"


def _fault(message: str, line: str) -> str:
    if _CURLY.search(line) and not message.startswith("Cannot"):
        return 'curly quotes are for letters, not for files. Write straight ones, as in title = "Accept".'
    if message.startswith("Cannot declare"):
        heading = ".".join(re.findall(r"'([^']*)'", message))
        return f"there is a table [{heading}] already. Put the keys of both under one heading."
    if message.startswith("Cannot"):
        return "this stands in the file twice. Keep one of the two."
    for begins, words in _WORDS:
        if message.startswith(begins):
            return words
    if message.startswith("Invalid value"):
        if re.search(r"=\s*(True|TRUE|False|FALSE|yes|no|Yes|No)\b", line):
            return "write true or false, in small letters and without quotes."
        return _VALUE
    return _MORE if message.startswith("Expected newline") else _BEGINS
