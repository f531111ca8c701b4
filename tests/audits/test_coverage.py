"""Every rule of the rulebook is accounted for: enacted and proved, or given an honest word."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from audits.coverage import Covered, missing_parts
from audits.framework import Framework
from audits.frameworks import framework_named, shipped
from audits.frameworks.coverage import coverage_named

ROOT = Path(__file__).parent.parent.parent
RULES = {
    "bedford": ("BED", 48),
    "wokingham": ("WOK", 52),
    "west_sussex": ("WSX", 43),
    "dudley": ("DUD", 54),
    "southampton": ("SOU", 48),
}
"""How many rules the rulebook has for each council, and how their ids begin."""

each_council = pytest.mark.parametrize("name", RULES)


def test_every_shipped_framework_has_its_rules_counted() -> None:
    assert set(shipped()) == set(RULES)


@each_council
def test_no_rule_of_the_rulebook_is_missing(name: str) -> None:
    prefix, count = RULES[name]
    assert list(coverage_named(name)) == [f"{prefix}-{number:02}" for number in range(1, count + 1)]


@each_council
def test_what_is_said_to_enact_a_rule_is_in_the_framework(name: str) -> None:
    framework = framework_named(name)
    gaps = {key: missing for key, rule in coverage_named(name).items() if (missing := missing_parts(framework, rule))}
    assert not gaps


@each_council
def test_every_test_that_is_named_exists(name: str) -> None:
    unknown = {key: rule.test for key, rule in coverage_named(name).items() if rule.test and not _exists(rule.test)}
    assert not unknown


@each_council
def test_a_rehearsal_that_proves_a_rule_plays_that_council(name: str) -> None:
    for key, rule in coverage_named(name).items():
        if rule.test.endswith(".yaml"):
            assert f"framework: {name}\n" in (ROOT / rule.test).read_text("utf-8"), key


@each_council
def test_an_enacted_rule_is_named_by_what_enacts_it(name: str) -> None:
    framework = framework_named(name)
    named = _named(framework)
    silent = [key for key, rule in coverage_named(name).items() if rule.by and key not in named and _has_rule(rule)]
    assert not silent


@each_council
def test_no_entry_of_a_framework_names_a_rule_that_is_not_there(name: str) -> None:
    assert _named(framework_named(name)) <= set(coverage_named(name))


def test_a_rule_is_enacted_and_proved_or_has_one_word() -> None:
    with pytest.raises(ValueError, match="by and test"):
        Covered(says="Something.", by=("cycle",))
    with pytest.raises(ValueError, match="by and test"):
        Covered(says="Something.", calendar="monthly", not_a_bots="why")
    with pytest.raises(ValueError, match="by and test"):
        Covered(says="Something.")
    assert Covered(says="Something.", calendar="A monthly report").word == "calendar"


WITHOUT_RULES = ("role ", "section ", "grades", "old_scale", "sections", "submission", "settings")
"""Parts of a framework whose table has no place for rule ids."""


def _has_rule(rule: Covered) -> bool:
    return not all(part.startswith(WITHOUT_RULES) for part in rule.by)


def _named(framework: Framework) -> set[str]:
    """Every rule id that any entry of a framework names."""
    entries: list[Any] = [
        framework.cycle,
        framework.sampling,
        framework.moderation,
        *([framework.themes] if framework.themes else []),
        *framework.cycle.notices.values(),
        *framework.limits.values(),
        *framework.settings.values(),
        *framework.duties.values(),
        *framework.notices.values(),
        *framework.verbs.values(),
    ]
    found = {rule for entry in entries for rule in entry.rule}
    return found | {
        rule for duty in framework.duties.values() for variant in duty.variants for rule in variant.rule or ()
    }


def _exists(test: str) -> bool:
    path, _, function = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    if not function:
        return path.startswith("tests/rehearsals/") and file.with_suffix(".expect.yaml").is_file()
    return re.sub(r"\[.*\]$", "", function) in _functions(file)


@cache
def _functions(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
