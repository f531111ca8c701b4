"""What stands in the place of a card once what it said is no longer kept."""

from cards.card import Card


def tombstone() -> Card:
    """The same for every card: it says nothing of what stood there."""
    return Card(
        title="This card is no longer kept",
        text=("What it said was removed, because the time for which it is kept is over.",),
    )
