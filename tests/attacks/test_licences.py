"""What is installed with auditloop may be passed on; and a library with a known vulnerability fails the build."""

import importlib.util
import json
import re
import subprocess
import sys
from types import ModuleType

import pytest

from tests.test_layout import ROOT

ALLOWED = {
    *("0BSD", "Apache-2.0", "Apache Software License", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0"),
    *("CNRI-Python", "ISC", "ISC License (ISCL)", "MIT", "MIT-0", "MIT-CMU", "MIT License"),
    *("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)", "PSF-2.0", "Python Software Foundation License"),
    *("Unlicense", "The Unlicense (Unlicense)", "Zlib"),
}
"""Licences that ask no more than to keep the notices, or to publish changes to the library's own files (MPL)."""
ALLOWED_BY_NAME = {
    # Used as it comes and imported as it is; whoever wants another version of it can install that.
    "python-stdnum": "GNU Lesser General Public License v2 or later (LGPLv2+)",
}


def locked() -> dict[str, bool]:
    """The libraries of the lock file, each with whether only some systems need it."""
    text = (ROOT / "requirements-platforms.lock").read_text("utf-8")
    return {name: bool(marker) for name, marker in re.findall(r"^([\w.-]+)==[^ ;\\]+ *(;[^\\\n]*)?", text, re.M)}


def test_every_library_has_a_licence_that_lets_a_council_use_it() -> None:
    names = locked()
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--packages", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = {re.sub(r"[-_.]+", "-", one["Name"]).lower(): one["License"] for one in json.loads(done.stdout)}
    assert {name for name, elsewhere in names.items() if not elsewhere} - {"setuptools"} <= listed.keys()
    unknown = {
        name: licence
        for name, licence in listed.items()
        if ALLOWED_BY_NAME.get(name) != licence
        and not set(re.split(r"; | AND | OR ", licence.replace("(", "(").strip())) <= ALLOWED
    }
    assert unknown == {}


@pytest.fixture(scope="module")
def vulnerabilities() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vulnerabilities", ROOT / ".ci" / "vulnerabilities.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_library_with_a_known_vulnerability_fails_the_build_and_is_named(vulnerabilities: ModuleType) -> None:
    libraries = [
        {"name": "one", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}]},
        {"name": "two", "version": "2.0", "vulns": []},
        {"name": "three", "skip_reason": "Dependency not found on PyPI"},
    ]
    words, code = vulnerabilities.told("x.lock", libraries)
    assert code == 1
    assert "2 of 3 libraries looked up, 1 with known vulnerabilities" in words
    assert "one 1.0: PYSEC-2026-1, mended in 1.1" in words


@pytest.mark.parametrize("libraries", [[], [{"name": "one", "skip_reason": "Dependency not found on PyPI"}]])
def test_a_service_that_cannot_be_asked_is_said_and_never_taken_for_good_news(
    vulnerabilities: ModuleType, libraries: list[dict[str, object]]
) -> None:
    words, code = vulnerabilities.told("x.lock", libraries)
    assert code == 0
    assert "nothing was looked up" in words
