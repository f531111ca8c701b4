"""Rehearsals and framework files that would take all the memory, hours, or the program itself down."""

from pathlib import Path

import pytest

from audits.reading import FrameworkError, parse_framework
from bot.rehearsal.script import RehearsalError, read_script

HEAD = "framework: dudley\nstart: 2026-03-02T09:00\nuntil: 2026-07-01T18:00\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def refused(folder: Path, text: str) -> str:
    path = folder / "rehearsal.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((RehearsalError, FrameworkError)) as fault:
        read_script(path)
    return str(fault.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "line 2 refers to another place by *"),
        (f"{HEAD}settings: &s {{x: *s}}\n", "line 4 refers to another place by *"),
        ("[" * 3_000, "lists stand too deeply in one another"),
        ("x" * 600_000, "larger than 500 KB"),
        ("framework: 1" + "0" * 10_000, "a number is too long"),
        ("start: 2026-99-99", "there is no such day or time"),
        ("start: 2026-03-02T09:00:00+99:99", "there is no such day or time"),
        ("a: !!python/object/apply:os.system ['exit 1']", "not valid YAML"),
        (HEAD.replace("dudley", '"a\\0b"'), "There is no framework"),
        (HEAD.replace("dudley", "d" * 5_000), "There is no framework"),
        (HEAD.replace("dudley", "/dev/zero"), "There is no framework"),
        ('"\\ud800": x', "valid string"),
    ],
)
def test_a_rehearsal_that_nobody_should_play_is_refused_with_what_is_wrong(
    tmp_path: Path, text: str, words: str
) -> None:
    assert words in refused(tmp_path, text)


def test_a_rehearsal_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rehearsal.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RehearsalError, match="UTF-8"):
        read_script(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 50_000, "too deeply"),
        ("a = " + "{a = " * 900 + "1" + "}" * 900, "too deeply"),
        ("a = " + "9" * 100_000, "a number is too long"),
        ('a = "' + "x" * 600_000 + '"', "longer than 500,000 characters"),
        ("".join(f"[a{number}]\n" for number in range(20_000)), "more than 2,000 tables"),
        ("a = [" + "{}," * 20_000 + "]", "more than 2,000 tables"),
        ("a = [\n" + "1,\n" * 20_000, "line 1: this is not valid TOML"),
        ('a = "\\ud800"', "not valid TOML"),
    ],
)
def test_a_framework_that_is_none_is_refused_with_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(FrameworkError) as fault:
        parse_framework(text, "ours.toml")
    assert words in str(fault.value)
    assert str(fault.value).startswith("ours.toml")
