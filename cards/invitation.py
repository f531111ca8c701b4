"""The calendar invitation of a session, as an .ics file that Outlook and others open."""

from datetime import UTC, datetime, timedelta

from cards.card import Download
from cards.scene import Scene


def invitation(scene: Scene) -> Download | None:
    """An invitation for auditor and practitioner, or None without a booked session."""
    audit = scene.audit
    if audit.session_at is None:
        return None
    return _entry(scene, "audit", audit.session_at, "Collaborative audit", (audit.auditor_id, audit.case.holder_id))


def moderation_invitation(scene: Scene) -> Download | None:
    """An invitation for moderator, auditor and practitioner, or None without a time."""
    audit = scene.audit
    if audit.moderation_at is None:
        return None
    moderator = next((duty.owner_id for duty in audit.duties if duty.key == "moderate"), None)
    people = (moderator, audit.auditor_id, audit.case.holder_id)
    return _entry(scene, "moderation", audit.moderation_at, "Reflective conversation", people)


def _entry(scene: Scene, kind: str, at: datetime, title: str, people_ids: tuple[int | None, ...]) -> Download:
    """It names the case by its pseudonymous reference alone."""
    from icalendar import Calendar, Event, vCalAddress, vText

    audit = scene.audit
    minutes = scene.framework.submission.session_minutes
    entry = Event()
    entry.add("uid", f"{kind}-{audit.id}@auditloop")
    entry.add("sequence", _version(at))
    entry.add("dtstamp", scene.now.astimezone(UTC))
    entry.add("dtstart", at.astimezone(UTC))
    entry.add("dtend", (at + timedelta(minutes=minutes)).astimezone(UTC))
    entry.add("summary", f"{title}: {audit.case.ref}")
    entry.add(
        "description", "A conversation about this case and what we can learn from it. Please bring no paper copies."
    )
    people = [scene.rules.directory.get(one) for one in people_ids]
    for place, person in enumerate(person for person in people if person is not None):
        address = vCalAddress(f"MAILTO:{person.email}")
        address.params["cn"] = vText(person.name)
        if place == 0:
            entry.add("organizer", address, encode=False)
        entry.add("attendee", address, encode=False)
    calendar = Calendar()
    calendar.add("prodid", "-//auditloop//collaborative audit//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "REQUEST")
    calendar.add_component(entry)
    return Download(
        "Add to your calendar",
        f"{kind}-{audit.case.ref}.ics",
        "text/calendar",
        calendar.to_ical(),
        ref=f"{kind}/{audit.id}",
    )


def _version(session_at: datetime) -> int:
    # A moved session needs a higher sequence, or calendars keep the old time; its moment in minutes only grows rarely
    # wrong when moved earlier, which calendars accept because the stamp is newer.
    return int(session_at.timestamp()) // 60 % 2**31
