"""What is said in a chat to somebody for whom nothing can be done there, whatever its platform."""

from cards.card import Card, Tone

OWN_CHAT = Card(
    title="Please answer in our own chat",
    text=("Nothing was changed. What is about one person or one case stays out of channels.",),
    tone=Tone.REFUSED,
)


def stranger(label: str) -> Card:
    """For somebody who isn't among the people; `label` is who can add them."""
    return Card(
        title="Sorry, I don't know you yet",
        text=(
            f"auditloop answers the people of this service only. If you belong here, the {label} can add you; they "
            "hear of people whom I don't know.",
        ),
        tone=Tone.REFUSED,
    )


def not_now(platform: str) -> Card:
    """For somebody of whom the platform, by its name, doesn't say who they are."""
    return Card(
        title="I can't tell who you are just now",
        text=(f"{platform} didn't answer when I asked. Nothing was changed; please try again in a minute.",),
        tone=Tone.REFUSED,
    )
