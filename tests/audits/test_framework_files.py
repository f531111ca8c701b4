"""Framework files: those that are shipped are sound, and every mistake is named by file, table and key."""

from datetime import date
from typing import Any

import pytest

from audits.framework import Framework, FrameworkError, parse_framework, with_settings
from audits.frameworks import framework_named, shipped

SMALL = """
[about]
name = "small"
title = "Small"
document = "Quality assurance in Small"
case_system = "Paper"

[defaults]
nudge = ["-2wd"]
ladder = [{ at = "0d", to = ["owner", "owner.manager"], what = "overdue" }]

[cycle]
issue = "on day 3 of the cycle"
closes = "by day 6 of the month after the cycle"
place = "page 1"

[settings.reading]
value = "strict"
choices = ["strict", "loose"]
about = "How page 2 is read."

[[grades]]
key = "good"
label = "Good"
mark = "+"
descriptor = "Help made a difference."
good = true

[[grades]]
key = "poor"
label = "Poor"
mark = "-"
descriptor = "Help made no difference."

[roles.worker]
label = "Worker"
reports_to = "lead"
aliases = ["social worker"]

[roles.lead]
label = "Team Lead"
audits = true

[roles.officer]
label = "QA Officer"
council = true
qa = true

[duties.complete_audit]
title = "Complete the audit"
ask = "Please complete the audit."
opened_by = ["allocated"]
owner = "auditor"
due = "by day 28 of the cycle"
nudge = ["-5wd", "-2wd"]
ladder = [{ at = "0d", to = ["owner"], what = "overdue" }, { at = "+2wd", to = ["lead"] }]
closed_by = ["submitted"]
place = "page 2"

[duties.check]
title = "Check the audit"
ask = "Please check the audit."
opened_by = ["submitted"]
when = { grade = ["poor"], setting = { reading = "strict" } }
owner = "lead"
due = "within 5 working days"
closed_by = ["considered"]
place = "page 3"
local = ["due"]

[notices.copy]
title = "Copy"
text = "{auditor} has completed the audit of {case}."
on = ["submitted"]
to = ["lead"]
duty = "complete_audit"
place = "page 4"

[verbs.submit]
label = "send the grade"
by = ["auditor"]
"""


def small(was: str = "", becomes: str = "") -> Framework:
    """The framework above with one place changed."""
    assert was in SMALL
    return parse_framework(SMALL.replace(was, becomes, 1) if was else SMALL, "small.toml")


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_framework_is_sound_and_can_be_used(name: str) -> None:
    framework = framework_named(name)
    assert framework.name == name
    assert framework.auditor_roles
    assert framework.qa_roles


@pytest.mark.parametrize("name", shipped())
def test_every_term_of_a_shipped_framework_says_where_it_comes_from(name: str) -> None:
    framework = framework_named(name)
    for key, duty in framework.duties.items():
        assert duty.rule or "due" in duty.local, f"{key} has neither a rule of the rulebook nor a local due date"
        assert duty.place, f"{key} doesn't say where in the document it stands"
        unknown = set(duty.local) - set(type(duty).model_fields)
        assert not unknown, f"{key} calls {unknown} local, which are no terms of a duty"


@pytest.mark.parametrize("name", shipped())
def test_every_duty_of_a_shipped_framework_can_be_answered_or_ends(name: str) -> None:
    framework = framework_named(name)
    for key, duty in framework.duties.items():
        assert duty.closed_by, key
        assert "withdrawn" in duty.closed_by, f"{key} would go on when the audit is withdrawn"


def test_an_unknown_framework_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(FrameworkError, match=r"no framework 'atlantis'.*southampton"):
        framework_named("atlantis")


def test_the_small_framework_is_sound() -> None:
    framework = small()
    assert framework.auditor_roles == ("lead",)
    assert framework.qa_roles == ("officer",)


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('title = "Small"\n', "", ["[about] title", "missing"]),
        ('owner = "auditor"\n', "", ["[duties.complete_audit] owner", "missing"]),
        ('place = "page 4"\n', "", ["[notices.copy] place", "missing"]),
        ('label = "send the grade"\n', "", ["[verbs.submit] label", "missing"]),
        ('closes = "by day 6 of the month after the cycle"\n', "", ["[cycle] closes", "missing"]),
        ('nudge = ["-2wd"]\n', "", ["[defaults] nudge", "missing"]),
        ('about = "How page 2 is read."\n', "", ["[settings.reading] about", "missing"]),
        ('mark = "-"\n', "", ["[grades.1] mark", "missing"]),
        ('place = "page 2"\n', 'place = "page 2"\ncolour = "red"\n', ["[duties.complete_audit] colour", "no such key"]),
        ("council = true\n", "council = true\nboss = true\n", ["[roles.officer] boss", "no such key"]),
        ('{ grade = ["poor"],', '{ grades = ["poor"],', ["[duties.check.when] grades", "no such key"]),
        ("by day 28 of the cycle", "by the 28th", ["[duties.complete_audit] due", "'by the 28th'", "within 5 working"]),
        ("on day 3 of the cycle", "on day 33 of the cycle", ["[cycle] issue", "day 33"]),
        ('"-5wd"', '"5 days before"', ["[duties.complete_audit.nudge]", "'5 days before'", "-10wd"]),
        ('nudge = ["-2wd"]', 'nudge = ["soon"]', ["[defaults.nudge]", "'soon'", "-10wd"]),
        ('at = "+2wd"', 'at = "after two days"', ["[duties.complete_audit.ladder.1] at", "'after two days'"]),
        ('"-5wd"', '"5wd"', ["[duties.complete_audit] nudge", "before the due day"]),
        (
            '{ at = "0d", to = ["owner"], what = "overdue" }, { at = "+2wd", to = ["lead"] }',
            '{ at = "+2wd", to = ["lead"] }, { at = "+15min", to = ["owner"] }',
            ["[duties.complete_audit] ladder", "backwards"],
        ),
        ('owner = "lead"', 'owner = "chief"', ["[duties.check] owner", "'chief'"]),
        (
            '{ at = "+2wd", to = ["lead"] }',
            '{ at = "+2wd", to = ["chief"] }',
            ["[duties.complete_audit] ladder", "'chief'"],
        ),
        ('owner = "lead"', 'owner = "lead"\ntell = ["chief"]', ["[duties.check] tell", "'chief'"]),
        ('owner = "lead"', 'owner = "lead"\nnudge_to = ["chief"]', ["[duties.check] nudge_to", "'chief'"]),
        ('owner = "lead"', 'owner = "lead"\nper_owner = ["chief"]', ["[duties.check] per_owner", "'chief'"]),
        (
            'owner = "lead"',
            'owner = "lead"\nvariants = [{ when = { safety = true }, owner = "chief" }]',
            ["[duties.check] variants.owner", "'chief'"],
        ),
        ('to = ["lead"]\nduty', 'to = ["chief"]\nduty', ["[notices.copy] to", "'chief'"]),
        ('by = ["auditor"]', 'by = ["chief"]', ["[verbs.submit] by", "'chief'"]),
        ('reports_to = "lead"', 'reports_to = "chief"', ["[roles.worker] reports_to", "'chief'"]),
        ('grade = ["poor"]', 'grade = ["awful"]', ["[duties.check] when.grade", "'awful'", "good, poor"]),
        ('reading = "strict" }', 'writing = "strict" }', ["[duties.check] when.setting", "'writing'"]),
        ('owner = "lead"', 'owner = "lead"\nwaits_for = "chek"', ["[duties.check] waits_for", "'chek'"]),
        ('value = "strict"', 'value = "lenient"', ["[settings.reading] value", "'lenient'", "strict, loose"]),
        (
            'closed_by = ["considered"]',
            'closed_by = ["checked"]',
            ["[duties.check] closed_by", "'checked'", "considered"],
        ),
        ('opened_by = ["submitted"]', 'opened_by = ["sent"]', ["[duties.check] opened_by", "'sent'", "submitted"]),
        (
            'owner = "lead"',
            'owner = "lead"\nor_opened = [{ opened_by = ["sent"], when = {} }]',
            ["[duties.check] or_opened", "'sent'"],
        ),
        (
            'owner = "lead"',
            'owner = "lead"\nor_opened = [{ opened_by = ["updated"], when = { grade = ["awful"] } }]',
            ["[duties.check] or_opened.when.grade", "'awful'"],
        ),
        (
            'owner = "lead"',
            'owner = "lead"\nkeep_while = { grade = ["awful"] }',
            ["[duties.check] keep_while.grade", "'awful'"],
        ),
        (
            'owner = "lead"',
            'owner = "lead"\nkeep_while = { setting = { writing = "strict" } }',
            ["[duties.check] keep_while.setting", "'writing'"],
        ),
        (
            'owner = "lead"',
            'owner = "lead"\nvariants = [{ when = { grade = ["awful"] } }]',
            ["[duties.check] variants.when.grade", "'awful'"],
        ),
        (
            'reading = "strict" }',
            'reading = "lenient" }',
            ["[duties.check] when.setting", "'lenient'", "reading (strict, loose)"],
        ),
        (
            '"within 5 working days"',
            '"by day 28 of the list"',
            ["[duties.check] due", "day 28 of the list", "not_before"],
        ),
        ('"within 5 working days"', '"within 48 hours at 17:00"', ["[duties.check] due", "Leave it out"]),
        (
            'owner = "lead"',
            'owner = "lead"\nrepeat = { minutes = 15, times = 3 }',
            ["[duties.check] ladder", "write ladder = []"],
        ),
        (
            'owner = "lead"',
            'owner = "lead"\nladder = [{ to = ["lead"] }]\nrepeat = { minutes = 15, times = 3 }',
            ["[duties.check] ladder", "write ladder = []"],
        ),
        ("[duties.complete_audit]", "[duties.finish_audit]", ["[duties]", "complete_audit is missing"]),
        ('case_system = "Paper"', 'case_system = "Paper"\nzone = "Europe/Londn"', ["[about] zone", "'Europe/Londn'"]),
        ('case_system = "Paper"', 'case_system = "Paper"\nzone = ""', ["[about] zone", "Europe/London"]),
        ('to = ["owner", "owner.manager"]', 'to = ["chief"]', ["[defaults] ladder", "'chief'"]),
        (
            'place = "page 1"\n',
            'place = "page 1"\n[cycle.notices.copies]\ntitle = "Copies"\nat = "on day 28 of the cycle"\n'
            'to = ["chief"]\nlists = "copies"\nduty = "complete_audit"\nplace = "page 5"\n',
            ["[cycle.notices.copies] to", "'chief'"],
        ),
        ('on = ["submitted"]', 'on = ["sent"]', ["[notices.copy] on", "'sent'", "submitted"]),
        (
            'on = ["submitted"]',
            'on = ["submitted"]\nwhen = { grade = ["awful"] }',
            ["[notices.copy] when.grade", "'awful'"],
        ),
        ('on = ["submitted"]', 'on = ["submitted"]\nshows = "chek"', ["[notices.copy] shows", "'chek'"]),
        ("of {case}.", "of {child}.", ["[notices.copy] text", "'child'", "actor, auditor, case"]),
        ("of {case}.", "of {case.holder_id}.", ["[notices.copy] text", "'case.holder_id'"]),
        ("of {case}.", "of {}.", ["[notices.copy] text", "''"]),
        ("of {case}.", "of {case.", ["[notices.copy] text", "brace stands alone"]),
        ("[verbs.submit]", "[verbs.dance]", ["[verbs]", "'dance'", "withdraw"]),
        ("[verbs.submit]", "[verbs.take_up]", ["[verbs]", "'take_up'"]),
        ('by = ["auditor"]', 'by = ["auditor"]\nafter = ["sat"]', ["[verbs.submit] after", "'sat'", "held"]),
        ('by = ["auditor"]', 'by = ["auditor"]\nneeds = ["sat"]', ["[verbs.submit] needs", "'sat'", "held"]),
        ("audits = true\n", "", ["[roles]", "audits = true"]),
        ("qa = true\n", "", ["[roles]", "qa = true"]),
        ("good = true", 'good = "perhaps"', ["[grades.0] good"]),
        ('owner = "lead"', 'owner = "lead"\nrepeat = { minutes = 0, times = 3 }', ["[duties.check.repeat] minutes"]),
        ("[about]", "[about", ["not valid TOML", "line 2"]),
        ('title = "Small"', "title = Small", ["not valid TOML", "line 4"]),
    ],
)
def test_a_mistake_is_named_by_file_table_and_key(was: str, becomes: str, named: list[str]) -> None:
    with pytest.raises(FrameworkError) as refused:
        small(was, becomes)
    problem = next((one for one in refused.value.problems if all(part in one for part in named)), None)
    assert problem is not None, f"{named} are not in {refused.value}"
    assert problem.startswith("small.toml: ")
    assert problem.endswith(".")


def test_every_mistake_is_named_at_once() -> None:
    broken = SMALL.replace('owner = "lead"', 'owner = "chief"').replace('by = ["auditor"]', 'by = ["nobody"]')
    with pytest.raises(FrameworkError) as refused:
        parse_framework(broken, "small.toml")
    assert len(refused.value.problems) == 2
    assert str(refused.value) == "\n".join(refused.value.problems)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('owner = "lead"', 'owner = "lead"\nladder = []\nrepeat = { minutes = 15, times = 3 }'),
        ('due = "within 5 working days"', 'due = "by day 28 of the list"\nnot_before = "not before 1 month"'),
        ('owner = "lead"', 'owner = "lead"\nkeep_while = { grade = ["poor"], setting = { reading = "loose" } }'),
        ('owner = "lead"', 'owner = "lead"\nor_opened = [{ opened_by = ["updated"], when = { grade = ["good"] } }]'),
        ('case_system = "Paper"', 'case_system = "Paper"\nzone = "Europe/Belfast"'),
        ("of {case}.", "of {case}: {grade}, {actor}, {closes}."),
        ("of {case}.", "of {{case}}."),
    ],
)
def test_what_fits_together_is_accepted(was: str, becomes: str) -> None:
    assert small(was, becomes) != small()


@pytest.mark.parametrize("word", ["worker", "Worker", " SOCIAL WORKER ", "Social Worker"])
def test_a_role_is_known_by_key_label_or_alias(word: str) -> None:
    assert small().role_key(word) == "worker"


def test_an_unknown_role_has_no_key() -> None:
    assert small().role_key("wizard") is None


def test_an_unknown_grade_is_none() -> None:
    assert small().grade("excellent") is None
    assert small().grade(None) is None


def test_a_local_due_date_can_be_set() -> None:
    framework = small()
    changed = with_settings(framework, {"check": {"due": "within 3 working days", "nudge": ["-1wd"]}})
    assert changed.duties["check"].due == "within 3 working days"
    assert changed.duties["check"].nudge == ("-1wd",)
    assert framework.duties["check"].due == "within 5 working days"


def test_a_switch_can_be_set() -> None:
    framework = small()
    assert with_settings(framework, {"reading": "loose"}).settings["reading"].value == "loose"
    assert framework.settings["reading"].value == "strict"


def test_without_overrides_nothing_changes() -> None:
    for name in shipped():
        assert with_settings(framework_named(name), {}) == framework_named(name)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"complete_audit": {"due": "within 1 year"}}, ["complete_audit.due", "own text", "page 2"]),
        ({"complete_audit": {"late_due": "within 5 days"}}, ["complete_audit.late_due", "own text"]),
        ({"check": {"owner": "worker"}}, ["check.owner", "can't be set"]),
        ({"check": {"closed_by": []}}, ["check.closed_by", "can't be set"]),
        ({"chek": {"due": "within 3 days"}}, ["'chek'", "check"]),
        ({"check": "loose"}, ["'check'"]),
        ({"reading": "lenient"}, ["[settings.reading] value", "'lenient'"]),
        ({"check": {"due": "soon"}}, ["[duties.check] due", "'soon'"]),
        ({"check": {"nudge": ["2wd"]}}, ["[duties.check] nudge", "before the due day"]),
        ({"check": {"nudge": 2}}, ["[duties.check] nudge"]),
        ({"check": {"due": "by day 28 of the list"}}, ["[duties.check] due", "not_before"]),
        ({"check": {"repeat": {"minutes": 15, "times": 3}}}, ["[duties.check] ladder", "write ladder = []"]),
        ({"check": {"ladder": [{"at": "0d", "to": ["chief"]}]}}, ["[duties.check] ladder", "'chief'"]),
        ({"check": {"ladder": [{"at": "+5wd", "to": []}, {"at": "0d", "to": []}]}}, ["[duties.check] ladder"]),
    ],
)
def test_a_setting_that_is_not_local_or_not_there_is_refused(overrides: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(FrameworkError) as refused:
        with_settings(small(), overrides, "auditloop.toml")
    assert all(problem.startswith("auditloop.toml: ") for problem in refused.value.problems)
    for part in named:
        assert part in str(refused.value)


def test_the_dates_that_southampton_wrote_down_are_not_for_setting() -> None:
    with pytest.raises(FrameworkError, match="own text"):
        with_settings(framework_named("southampton"), {"urgent_update": {"due": "within 5 working days"}})


def test_a_framework_past_its_review_says_so() -> None:
    about = framework_named("southampton").about
    assert about.review_by == date(2024, 3, 31)
    assert "March 2024" in about.banner
