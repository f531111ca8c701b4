"""The check of what watches over auditloop, for `auditloop doctor`."""

from bot.findings import Finding
from bot.settings import WatchSettings, is_loopback
from bot.watching.sign_of_life import call, calling


async def examine_watch(settings: WatchSettings) -> list[Finding]:
    """What there is to say of the settings, and whether the dead man's switch can be called; it is called once."""
    found: list[Finding] = []
    if settings.port is not None and not is_loopback(settings.host):
        words = f"{settings.host}:{settings.port} is open without encryption, and the token goes over it"
        found.append(("To know", f"Watching: {words}; let your monitoring alone reach it."))
    url = settings.ping_url.get_secret_value()
    if url:
        async with calling(url) as session:
            wrong = await call(session, url)
        if wrong:
            found.append(("To mend", f"Watching: the address in watch.ping_url can't be called: {wrong}."))
        else:
            found.append(
                ("Well", "watching; the address in watch.ping_url answers. This was a sign of life like any other.")
            )
    return found
