"""What goes wrong at the desk, in plain words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """A page that says what went wrong and what to do instead."""

    title: str
    text: str
    instead: str


class Trouble(Exception):
    """A request that cannot be done; becomes a page with this HTTP status."""

    def __init__(self, status: int, words: Words) -> None:
        super().__init__(words.title)
        self.status = status
        self.words = words


NOT_FOUND = Words(
    "This page isn’t here",
    "The address may have a slip in it, or what it showed has gone.",
    "The list of people leads to everything at this desk.",
)
NOBODY = Words(
    "There is nobody here with that number",
    "The person may have been taken off the list.",
    "Please choose somebody from the list of people.",
)
NOT_UNDERSTOOD = Words(
    "That form could not be read",
    "Something in it was missing or damaged, so nothing was changed.",
    "Please go back, load the page again and send your answer once more.",
)
TOO_LARGE = Words(
    "That is too much text for one message",
    "The desk takes up to 100 KB at a time, so nothing was changed.",
    "Please go back, shorten your text and send it again.",
)
WRONG_METHOD = Words(
    "This page doesn’t work that way",
    "The address takes answers from a form, or only shows something.",
    "Please start again from the list of people.",
)
ELSEWHERE = Words(
    "This did not come from the desk",
    "Another page tried to send something here in your name, so nothing was changed.",
    "Please use the desk’s own pages. If you did, load the page again and send your answer once more.",
)
OTHER_NAME = Words(
    "The desk is only for this computer",
    "It was asked for under another name, so nothing is shown.",
    "Please open it with an address that begins with http://127.0.0.1 or http://localhost.",
)
BROKEN = Words(
    "Something went wrong here",
    "This is the desk’s fault, not yours. Your last answer may not have been taken.",
    "Please look at your desk to see whether it was, and send it again if not. "
    "If this goes on, the log says more (it never holds what you typed).",
)
OTHERWISE = Words(
    "That could not be done",
    "The desk could not do what was asked, so nothing was changed.",
    "Please start again from the list of people.",
)

BY_STATUS = {400: NOT_UNDERSTOOD, 404: NOT_FOUND, 405: WRONG_METHOD, 413: TOO_LARGE}
