"""The check of the Teams settings, for `auditloop doctor`: the sign-in, the addresses, and who can be reached."""

from bot.findings import Finding, exposure, some
from bot.settings import Settings, TeamsSettings
from bot.teams.connection import NoSignIn
from bot.teams.door import PLATFORM
from cards.wording import counted
from scheduling.clock import SystemClock
from storage.contacts import unreached
from storage.store import Store


async def examine_teams(settings: Settings, teams: TeamsSettings, store: Store) -> list[Finding]:
    """Whether Teams could be spoken to, each finding as a sentence that says what to mend.

    Microsoft is asked for a token, for 20 seconds at most; nothing is sent to anybody. The secret is in no sentence.
    """
    found = await _sign_in(teams)
    found.extend(_addresses(settings, teams))
    found.extend(await _people(store))
    return found


async def _sign_in(teams: TeamsSettings) -> list[Finding]:
    if teams.anonymous:
        return [("To know", "Teams: anonymous, for the Agents Playground on this computer only; nobody signs in.")]
    from bot.teams.framework import BotFramework

    framework = BotFramework(teams, SystemClock())
    try:
        await framework.sign_in()
    except NoSignIn as fault:
        return [("To mend", f"Teams: no sign-in. {fault} docs/teams.md says what each of these means.")]
    finally:
        await framework.close()
    how = "a certificate" if teams.certificate is not None else "a secret"
    return [("Well", f"Teams: signed in as app {teams.app_id} in tenant {teams.tenant_id}, with {how}.")]


def _addresses(settings: Settings, teams: TeamsSettings) -> list[Finding]:
    if teams.anonymous:
        return []
    if not settings.web.public_url:
        return [
            (
                "To mend",
                "Teams: web.public_url is not set, so links to calendar files don't work outside this computer and no "
                "app package can be written. Set it to the https address in front of auditloop.",
            )
        ]
    found = [("Well", f"Teams: the messaging endpoint is {settings.web.public_url.rstrip('/')}/api/messages.")]
    return [*found, *exposure("Teams", settings.web)]


async def _people(store: Store) -> list[Finding]:
    async with store.begin() as tx:
        missing = await unreached(tx, PLATFORM)
        active = [person for person in tx.directory.people.values() if person.active]
        names = [tx.directory.people[person_id].name for person_id, closed in missing if not closed]
        closed = [(tx.directory.people[person_id].name, why) for person_id, why in missing if why]
    found: list[Finding] = []
    if active and not missing:
        found.append(("Well", f"Teams: all {counted(len(active), 'person', 'people')} can be written to."))
    if names:
        who = f"{counted(len(names), 'person', 'people')} not reachable yet, until they open auditloop in Teams"
        found.append(("To know", f"Teams: {who}: {some(names)}."))
    found.extend(("To mend", f"Teams: {name} can't be written to: {why}.") for name, why in closed)
    return found
