"""How fast Slack may be called: so often a method, by its tier, and one message a second in a channel."""

from collections.abc import Callable, Mapping

from bot.rates import Rate

MINUTE = 60.0
TIERS: Mapping[int, int] = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls of one method in a minute, by its tier (Slack's documentation: Rate limits). Slack may let through more."""
TIER_OF: Mapping[str, int] = {
    "bots.info": 3,
    "chat.delete": 3,
    "chat.update": 3,
    "conversations.open": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "users.info": 4,
    "users.list": 2,
    "users.lookupByEmail": 3,
    "views.open": 4,
    "views.publish": 4,
    "views.update": 4,
}
MESSAGES = "messages"
"""The name under which every message counts, beside its channel's."""
IN_CHANNEL = "in "
"""What the name of a channel begins with."""
PER_CHANNEL = Rate(1, 1.0)
CAREFUL = 0.9
LONGER = 1.1
"""Calls arrive closer together than they were made, so fewer are made, in minutes a tenth longer."""
PARTS = 4
"""No more than this part of a minute's calls goes within this part of a minute, so that they don't go all at once."""
WAITED_FOR = frozenset({"views.open", "views.update"})
"""Somebody looks at each of these, and a trigger is good for seconds; so they may use up their minute at once."""


def rates_of_slack(a_second: int) -> Callable[[str], tuple[Rate, ...]]:
    """The rates of each method and channel, and of all messages together: so many a second."""

    def rates_of(name: str) -> tuple[Rate, ...]:
        if name == MESSAGES:
            return (Rate(a_second, 1.0),)
        if name.startswith(IN_CHANNEL):
            return (PER_CHANNEL,)
        if name not in TIER_OF:
            return ()
        most = int(TIERS[TIER_OF[name]] * CAREFUL)
        whole, part = Rate(most, MINUTE * LONGER), Rate(most // PARTS, MINUTE * LONGER / PARTS)
        return (whole,) if name in WAITED_FOR else (whole, part)

    return rates_of
