"""How fast Teams may be written to: so much a conversation, so much the whole app."""

from collections.abc import Callable

from bot.rates import Rate

APP = ""
"""The name under which every request counts, beside the conversation's."""
PER_CONVERSATION = (Rate(7, 1), Rate(8, 2), Rate(60, 30), Rate(1800, 3600))
"""What Teams allows a bot in one conversation (its documentation: Optimize your bot with rate limiting in Teams)."""
ONE_LESS = 1
LONGER = 1.1
"""Requests arrive closer together than they were sent, so one less is sent, in windows a tenth longer."""


def rates_of_teams(a_second: int) -> Callable[[str], tuple[Rate, ...]]:
    """The rates of each conversation, and of the whole app: so many requests a second."""
    careful = tuple(Rate(rate.most - ONE_LESS, rate.seconds * LONGER) for rate in PER_CONVERSATION)
    return lambda name: (Rate(a_second, 1.0),) if name == APP else careful
