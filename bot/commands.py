"""The command line. Each command imports what it needs when it runs, so that `--help` answers at once."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

app = typer.Typer(
    name="auditloop",
    help="Brings the quality assurance of children's case files to the people who do it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
frameworks = typer.Typer(help="The councils' frameworks.", no_args_is_help=True, rich_markup_mode=None)
imports = typer.Typer(help="Take people and cases over from files.", no_args_is_help=True, rich_markup_mode=None)
manifests = typer.Typer(help="The app packages for Teams and Slack.", no_args_is_help=True, rich_markup_mode=None)
ledger = typer.Typer(help="The record of what happened.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(frameworks, name="frameworks")
app.add_typer(imports, name="import")
app.add_typer(ledger, name="ledger")
app.add_typer(manifests, name="manifest")
persons = typer.Typer(
    help="What is kept about somebody, and their rights over it.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(persons, name="person")

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def run() -> None:
    """The entry point: faults that a user can mend end with a plain sentence and exit code 1."""
    from bot.faults import in_plain_words
    from bot.logs import set_up_logs

    set_up_logs()
    with in_plain_words():
        app()


@app.command()
def demo(
    framework: Annotated[str, typer.Option(help="Which council's rules.")] = "southampton",
    port: Annotated[int, typer.Option(help="The desk's port on this machine.")] = 8414,
    browser: Annotated[bool, typer.Option(help="Open the desk in a browser.")] = True,
    teams: Annotated[
        bool, typer.Option("--teams", help="Also for Microsoft's Agents Playground, on loopback.")
    ] = False,
    teams_port: Annotated[int, typer.Option(help="The port that the Agents Playground talks to.")] = 3978,
    teams_folder: Annotated[
        Path | None, typer.Option(help="Where people's folders for the Agents Playground go.")
    ] = None,
) -> None:
    """A made-up service, one month's allocations, and the desk in your browser. Nothing to configure."""
    from bot.running import run_demo

    run_demo(framework, port, open_browser=browser, playgrounds=(teams_port, teams_folder) if teams else None)


@app.command()
def serve() -> None:
    """The bot, from auditloop.toml and environment variables."""
    from bot.running import run_serve

    run_serve(_settings())


@app.command()
def rehearse(file: Annotated[Path, typer.Argument(help="A rehearsal, in YAML.")], json: Json = False) -> None:
    """Play a rehearsal and print its timeline. Touches no database of yours."""
    from bot.reports import print_rehearsal

    print_rehearsal(file, as_json=json)


@app.command()
def when(
    text: Annotated[str, typer.Argument(help="What someone typed, such as 'Tues 2pm'.")],
    now: Annotated[str, typer.Option(help="The present moment, local, as 2026-11-23T09:00.")],
    by: Annotated[str, typer.Option(help="The latest moment, local, as 2026-12-31T17:00.")],
    json: Json = False,
) -> None:
    """What the bot understands of a date typed in chat."""
    from bot.reports import print_when

    print_when(text, now, by, as_json=json)


@frameworks.command("list")
def list_frameworks() -> None:
    """The frameworks that come with auditloop."""
    from bot.showing import print_frameworks

    print_frameworks()


@frameworks.command("show")
def show_framework(name: str) -> None:
    """What a framework asks of whom, and where that is written."""
    from bot.showing import print_framework

    print_framework(name)


@frameworks.command("check")
def check_framework(file: Path) -> None:
    """Whether a framework file can be used; every mistake with its line and what to write instead."""
    from bot.reports import check_file

    check_file(file)


@frameworks.command("coverage")
def cover_framework(
    name: Annotated[str | None, typer.Argument(help="One framework; all, if left out.")] = None,
) -> None:
    """Each rule of the rulebook with what enacts it and the test that proves it, or the reason why nothing does."""
    from bot.coverage import print_coverage

    print_coverage(name)


@frameworks.command("calendar")
def show_calendar(
    name: str,
    first: Annotated[str, typer.Option("--from", help="The first month, as 2026-03; this month, if left out.")] = "",
    months: Annotated[int, typer.Option(min=1, max=36, help="How many months.")] = 3,
    json: Json = False,
) -> None:
    """What comes round beside the audits themselves: reports, observations, thematic audits, and when."""
    from bot.showing import print_year

    print_year(name, first, months, as_json=json)


@imports.command("people")
def import_people(file: Path) -> None:
    """Name, email, role, team, manager and service area of everyone, from CSV or XLSX. All or nothing."""
    from bot.imports import import_people as take_over

    take_over(_settings(), file)


@imports.command("cases")
def import_cases(file: Path) -> None:
    """The case list: Ofsted's Annex A workbook (List 6), or a plain CSV. All or nothing."""
    from bot.imports import import_cases as take_over

    take_over(_settings(), file)


@app.command()
def allocate(
    cycle: Annotated[str, typer.Option(help="The month, as 2026-03.")],
    seed: Annotated[int | None, typer.Option(help="Repeat a draw by its seed.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show the draw and write nothing.")] = False,
) -> None:
    """Draw and allocate a cycle: one case for each auditor, at random."""
    from bot.imports import allocate as draw

    draw(_settings(), cycle, seed, preview=preview)


@app.command()
def doctor() -> None:
    """Check settings, database, and who can't be reached; roles that nobody holds."""
    from bot.doctor import examine

    raise typer.Exit(examine(Path.cwd()))


@ledger.command("verify")
def verify_ledger() -> None:
    """Prove that no entry of the ledger was changed, removed or put in."""
    from bot.doctor import verify

    raise typer.Exit(verify(_settings()))


@manifests.command("teams")
def manifest_teams(
    out: Annotated[Path, typer.Option(help="Where the package goes.")] = Path("auditloop-teams.zip"),
    schema: Annotated[
        Path | None, typer.Option(help="Microsoft's schema in a file, where there is no network to fetch it by.")
    ] = None,
) -> None:
    """The app package for Microsoft Teams, from auditloop.toml; checked first. docs/teams.md says how to upload it."""
    from bot.teams.package import write_package

    write_package(_settings(), out, schema=schema)


@manifests.command("slack")
def manifest_slack(
    file: Annotated[
        Path, typer.Argument(help="Where the manifest goes: a name that ends in .json or .yaml; - prints it.")
    ] = Path("auditloop-slack.json"),
    socket_mode: Annotated[
        bool | None,
        typer.Option("--socket-mode/--http", help="How Slack reaches auditloop; left out, as auditloop.toml says."),
    ] = None,
) -> None:
    """The manifest from which the Slack app is made, from auditloop.toml; checked first. docs/slack.md says how."""
    from bot.slack.package import write_manifest

    write_manifest(_settings(), file, socket_mode=socket_mode)


@persons.command("export")
def export_person(
    name: Annotated[str, typer.Argument(help="Their name or e-mail address.")],
    folder: Annotated[Path, typer.Option(help="Where the two files go.")] = Path(),
) -> None:
    """Everything that is kept about somebody, as JSON and as text; others in it are made unknown."""
    from bot.persons import export

    export(_settings(), name, folder)


@persons.command("left")
def person_left(name: Annotated[str, typer.Argument(help="Their name or e-mail address.")]) -> None:
    """Say that somebody has left: nothing is asked of them any more."""
    from bot.persons import left

    left(_settings(), name)


@persons.command("erase")
def erase_person(
    name: Annotated[str, typer.Argument(help="Their name or e-mail address.")],
    preview: Annotated[
        bool, typer.Option("--preview", "--dry-run", help="Show what would be erased and write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask again.")] = False,
) -> None:
    """Erase what is kept about somebody who has left; refused, with the reasons, where it has to be kept."""
    from bot.persons import erase

    erase(_settings(), name, preview=preview, yes=yes)


@app.command()
def migrate() -> None:
    """Bring the database to the tables that this version needs."""
    from bot.doctor import bring_up_to_date

    bring_up_to_date(_settings())


Tools = Annotated[Path | None, typer.Option(help="PostgreSQL: the folder with pg_dump and pg_restore.")]


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where the backup goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    tools: Tools = None,
) -> None:
    """Copy the whole database into a file while auditloop goes on running; the copy is opened and checked."""
    from bot.backups import take_backup

    raise typer.Exit(take_backup(_settings(), file, force=force, tools=tools))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where there is something; that is kept under another name.")
    ] = False,
    even_if_broken: Annotated[
        bool, typer.Option("--even-if-broken", help="Also a backup whose ledger was tampered with.")
    ] = False,
    tools: Tools = None,
) -> None:
    """Bring a backup back, with auditloop stopped everywhere. docs/backup.md says what to do before and after."""
    from bot.backups import bring_back

    bring_back(_settings(), file, force=force, even_if_broken=even_if_broken, tools=tools)


def _settings() -> "Settings":
    from bot.settings import read_settings

    return read_settings(Path.cwd(), os.environ)
