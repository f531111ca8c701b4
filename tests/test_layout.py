"""The shape of the project itself: its rooms, its arrows, its names, and what it must not contain."""

import ast
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {"audits", "bot", "cards", "handlers", "manifest", "scheduling", "storage", "tests"}
BESIDE_THEM = {
    "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "benchmarks", "docs", "pyproject.toml",
    "requirements.lock", "requirements-dev.lock", "requirements-platforms.lock",
}  # fmt: skip
CODE = sorted(ROOMS - {"manifest"})

SAYS_NOTHING = re.compile(r"(utils?|helpers?|commons?|managers?|misc|base)")
PATH_OF_A_MACHINE = re.compile(r"(?<![\w.}-])/(?:home|root|tmp|work|Users)/\w")

CLOCK = Path("scheduling/clock.py")
READS_THE_CLOCK = {
    "datetime.date.today", "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow",
    "sqlalchemy.func.current_timestamp", "sqlalchemy.func.now", "time.time", "time.time_ns",
}  # fmt: skip

HEAVY = {
    "aiosmtplib", "botbuilder", "dateparser", "icalendar", "microsoft_teams", "openpyxl", "slack_bolt", "slack_sdk",
    "matplotlib", "numpy", "PIL", "prometheus_client", "tree_sitter", "tree_sitter_toml",
}  # fmt: skip


def _ignored() -> list[str]:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    return [line.strip("/") for line in lines if line and not line.startswith("#")]


def _project_files() -> Iterator[Path]:
    """Every file of the project, relative to its root; what .gitignore names, and .git, left out."""
    ignored = [*_ignored(), ".git"]
    for here, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if not any(fnmatch(name, pattern) for pattern in ignored))
        for name in sorted(files):
            if not any(fnmatch(name, pattern) for pattern in ignored):
                yield Path(here, name).relative_to(ROOT)


def _modules(*rooms: str) -> list[Path]:
    return [path for path in _project_files() if path.suffix == ".py" and path.parts[0] in rooms]


def _names_used(source: str) -> set[str]:
    """Dotted names that a module uses, spelt from the package they come from whatever they were imported as."""
    tree = ast.parse(source)
    origin: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            origin |= {name.asname: name.name for name in node.names if name.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            origin |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    used = set(origin.values())
    for node in ast.walk(tree):
        parts: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            parts.insert(0, inner.attr)
            inner = inner.value
        if parts and isinstance(inner, ast.Name):
            used.add(".".join([origin.get(inner.id, inner.id), *parts]))
    return used


def test_the_top_level_is_as_the_design_fixes_it() -> None:
    ignored = _ignored()
    seen = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    seen = {name for name in seen if not any(fnmatch(name, pattern) for pattern in ignored)}
    assert seen - BESIDE_THEM == ROOMS


def test_the_arrows_between_the_rooms_run_one_way() -> None:
    # In a process of its own: import-linter sets logging up anew, which would silence the loggers of later tests.
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    options = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--no-logo"]
    done = subprocess.run([sys.executable, "-c", lint, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_is_named_for_what_is_inside() -> None:
    empty_names = [path for path in _modules(*CODE) for part in path.parts if SAYS_NOTHING.fullmatch(Path(part).stem)]
    assert empty_names == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    named = []
    for path in _project_files():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        named += [f"{path}: {line.strip()}" for line in text.splitlines() if PATH_OF_A_MACHINE.search(line)]
    assert named == []


def test_only_the_clock_reads_the_clock() -> None:
    modules = _modules("audits", "cards", "handlers", "scheduling", "storage")
    readers = {
        path: sorted(reads)
        for path in modules
        if path != CLOCK and (reads := _names_used((ROOT / path).read_text(encoding="utf-8")) & READS_THE_CLOCK)
    }
    assert readers == {}


@pytest.mark.parametrize(
    "source",
    [
        "import datetime as dt\nsent = dt.datetime.now(dt.UTC)",
        "from datetime import date as day\ndue = day.today()",
        "from time import time\nstarted = time()",
        "from sqlalchemy import Column, func\nat = Column(default=func.now())",
    ],
)
def test_a_reading_of_the_clock_is_seen_whatever_it_is_called(source: str) -> None:
    assert _names_used(source) & READS_THE_CLOCK


def test_at_most_one_module_imports_the_bot_framework() -> None:
    importers = [
        path
        for path in _modules("audits", "bot", "cards", "handlers", "scheduling", "storage")
        if any(
            name.startswith(("botbuilder.", "botframework.")) for name in _names_used((ROOT / path).read_text("utf-8"))
        )
    ]
    assert len(importers) <= 1, importers


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    program = "import sys, bot.commands; print(*{name.partition('.')[0] for name in sys.modules})"
    started = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    assert HEAVY & set(started.stdout.split()) == set()


def test_a_test_cannot_reach_another_machine(beyond_loopback: list[str]) -> None:
    with pytest.raises(RuntimeError, match="only reach this machine"):
        socket.create_connection(("192.0.2.1", 443), timeout=1)
    with pytest.raises(RuntimeError, match="only reach this machine"):
        socket.getaddrinfo("example.org", 443)
    assert beyond_loopback == ["192.0.2.1", "example.org"]
    beyond_loopback.clear()


def test_no_code_names_a_council() -> None:
    """A council is a file of data; only the default of a setting may say which one is played out of the box."""
    councils = {path.stem for path in (ROOT / "audits" / "frameworks").glob("*.toml")}
    named = {
        f"{path}: {node.value!r}"
        for path in _modules(*CODE)
        if path.parts[0] != "tests"
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.casefold() in councils
    }
    assert named == {"bot/commands.py: 'southampton'", "bot/settings.py: 'southampton'"}
