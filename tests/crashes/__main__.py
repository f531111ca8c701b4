"""The crash tests by hand, with other seeds and as many kills as you like.

    python -m tests.crashes --seed 7 --kills 1000
    python -m tests.crashes --seed 7 --nodes 3 --month 2026-10 --postgresql
    python -m tests.crashes --seed 7 --kills 50 --trouble "full disk"

    python -m tests.crashes --seed 7 --suite --kills 205

It prints a report as JSON, one line a story, and says at its end what was not as it has to be. With --suite it plays
what the test run plays, on one seed; its first story has --kills.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import get_args

from tests.crashes.full_disk import Disk, own_file_system
from tests.crashes.months import Report, Stage, Story, Trouble, play
from tests.crashes.own_postgresql import own_postgres
from tests.crashes.post_office import FORK
from tests.postgresql import NoServer

KILLS = 205
OF_THE_SUITE = 150
"""With those of the other stories that makes two hundred kills in each test run."""


def main() -> int:
    asked = _asked()
    faulty = False
    with tempfile.TemporaryDirectory(prefix="auditloop-crashes-") as folder:
        reports = _suite(asked, Path(folder)) if asked.suite else _one(asked, Path(folder))
        for report in reports:
            sys.stdout.write(f"{report.to_json()}\n")
            sys.stdout.flush()
            faulty = faulty or bool(report.faults)
            for fault in report.faults[:20]:
                sys.stderr.write(f"{report.story['trouble'] or 'killed'}: {fault}\n")
    return int(faulty)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.crashes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="people, draws, kills and trouble all come from it")
    parser.add_argument("--kills", type=int, help=f"{KILLS}, or {OF_THE_SUITE} with --suite, unless told otherwise")
    parser.add_argument("--month", default="2026-03", help="the cycle that is played, such as 2026-10")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--trouble", choices=get_args(Trouble), default="", help="what goes wrong beside the kills")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL that is restarted underneath")
    parser.add_argument("--board", action="store_true", help="messages are changed where they stand, too")
    parser.add_argument(
        "--framework", default="southampton", help="where a duty ends with being told, a death ends it later"
    )
    parser.add_argument("--suite", action="store_true", help="the stories of the test run")
    asked = parser.parse_args()
    if asked.kills is None:
        asked.kills = OF_THE_SUITE if asked.suite else KILLS
    return asked


def _one(asked: argparse.Namespace, folder: Path) -> Iterator[Report]:
    trouble: Trouble = "restart" if asked.postgresql else asked.trouble
    story = Story(asked.seed, asked.kills, asked.month, asked.nodes, trouble, asked.board, asked.framework)
    with ExitStack() as stack:
        stage = Stage(asked.seed, asked.month, asked.framework, folder)
        stack.callback(stage.close)
        if trouble == "full disk":
            yield _on_a_disk(story, stage)
        else:
            postgres = stack.enter_context(own_postgres()) if trouble == "restart" else None
            yield play(story, stage, postgres=postgres)


def _suite(asked: argparse.Namespace, folder: Path) -> Iterator[Report]:
    """March on one node, three times, and October on three: both have a night in which the clocks are changed."""
    seed = asked.seed
    for month in ("2026-03", "2026-10"):
        (folder / month).mkdir()
    with ExitStack() as stack:
        march = Stage(seed, "2026-03", "southampton", folder / "2026-03")
        stack.callback(march.close)
        yield play(Story(seed, asked.kills, board=True), march)
        yield play(Story(seed, 15, trouble="clock"), march)
        yield _on_a_disk(Story(seed, 15, trouble="full disk"), march)
    with ExitStack() as stack:
        october = Stage(seed, "2026-10", "southampton", folder / "2026-10")
        stack.callback(october.close)
        try:
            postgres = stack.enter_context(own_postgres())
        except NoServer as fault:
            sys.stderr.write(f"{fault}\n")
            yield play(Story(seed, 24, "2026-10", nodes=3), october)
        else:
            yield play(Story(seed, 24, "2026-10", nodes=3, trouble="restart"), october, postgres=postgres)


def _on_a_disk(story: Story, stage: Stage) -> Report:
    """Played by a process of its own, which has a small disk for itself where that is allowed."""
    here, there = FORK.Pipe()
    player = FORK.Process(target=_play_on_a_disk, args=(story, stage, there))
    player.start()
    there.close()
    try:
        report: Report = here.recv()
    finally:
        player.join()
    return report


def _play_on_a_disk(story: Story, stage: Stage, connection: Connection) -> None:
    own = own_file_system(stage.file.parent)
    connection.send(play(story, stage, disk=Disk(stage.file, own=own)))


if __name__ == "__main__":
    sys.exit(main())
