"""Framework files: those that are shipped are sound, and every mistake is named by file, line, table and key."""

from datetime import date
from typing import Any

import pytest

from audits.events import EVENTS
from audits.framework import Framework
from audits.frameworks import framework_named, shipped
from audits.reading import FrameworkError, check_framework, parse_framework, with_settings

SMALL = """
[about]
name = "small"
title = "Small"
document = "Quality assurance in Small"
case_system = "Paper"
review_by = 2027-03-31

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
default = "strict"
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
cases = true
reports_to = "lead"
aliases = ["social worker"]

[roles.lead]
label = "Team Lead"
reports_to = "head"
audits = true

[roles.head]
label = "Head of Service"

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
ladder = [
    { at = "0d", to = ["owner"], what = "overdue" },
    { at = "+2wd", to = ["lead"] },
]
closed_by = ["submitted", "withdrawn"]
place = "page 2"

[duties.check]
title = "Check the audit"
ask = "Please check the audit."
opened_by = ["submitted"]
when = { grade = ["poor"], setting = { reading = "strict" } }
owner = "head"
due = "within 5 working days"
closed_by = ["considered", "withdrawn"]
place = "page 3"
local = ["due"]

[duties.acknowledge_alert]
title = "Safety alert"
ask = "Please make sure that the child is safe."
opened_by = ["safety_raised"]
owner = "lead"
what = "alert"
due = "within 15 minutes"
nudge = []
ladder = []
repeat = { minutes = 15, times = 96 }
closed_by = ["acknowledged", "withdrawn"]
place = "page 5"

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

[verbs.consider]
label = "say that it is checked"
by = ["head"]
needs = ["submitted"]

[verbs.safety]
label = "raise a safety concern"
by = ["auditor", "worker"]

[verbs.acknowledge]
label = "say that you have the alert"
by = ["lead", "head"]

[verbs.withdraw]
label = "withdraw the audit"
by = ["qa"]
"""
TODAY = date(2026, 3, 2)

GROUNDED = """
[about]
name = "grounded"
title = "Grounded"
document = "Quality assurance in Grounded"
case_system = "Paper"
builds_on = "everyday"

[roles.worker]
label = "Worker"
cases = true
reports_to = "hos"

[roles.hos]
label = "Head of Service"
audits = true

[roles.officer]
label = "QA Officer"
qa = true

[duties.accept]
due = "within 2 working days"
"""

MODERATED = (
    SMALL
    + """
[moderation]
draw_at = "on the first working day of the month after the cycle"
share = 20
most = 30
hold = true

[duties.moderate]
title = "Moderate the audit"
ask = "Please moderate the audit."
opened_by = ["selected"]
owner = "officer"
due = "within 5 working days"
closed_by = ["moderated", "withdrawn"]
place = "page 6"

[notices.talked_through]
title = "The moderation was talked through"
text = "The grade of {case} is {grade}."
on = ["discussed", "released"]
to = ["lead"]
duty = "moderate"
place = "page 6"

[verbs.moderate]
label = "moderate the audit"
by = ["officer"]

[verbs.discuss]
label = "say that it was talked through"
by = ["officer"]

[verbs.release]
label = "let the outcome go"
by = ["officer"]
"""
)

WHEN = '{ grade = ["poor"], setting = { reading = "strict" } }'
DRAWN = 'draw_at = "on the first working day of the month after the cycle"'
PLACE = 'place = "page 3"'
TEXT = 'text = "{auditor} has completed the audit of {case}."'


def small(was: str = "", becomes: str = "") -> Framework:
    """The framework above with one place changed."""
    return parse_framework(changed(SMALL, was, becomes), "small.toml")


def changed(text: str, was: str, becomes: str) -> str:
    assert was in text
    return text.replace(was, becomes, 1) if was else text


def lines_with(text: str, part: str) -> list[int]:
    return [number for number, line in enumerate(text.split("\n"), 1) if part in line]


def faults_of(text: str) -> list[str]:
    with pytest.raises(FrameworkError) as refused:
        parse_framework(text, "small.toml")
    assert str(refused.value) == "\n".join(refused.value.problems)
    return list(refused.value.problems)


def named_here(text: str, named: list[str]) -> str:
    """Checks that a text is refused for what stands on its lines with "# here", one fault each, and in which words."""
    faults = faults_of(text)
    assert [fault.split(": ")[0] for fault in faults] == [
        f"small.toml, line {line}" for line in lines_with(text, "# here")
    ]
    assert [part for part in named if part not in "\n".join(faults)] == [], faults
    assert all(fault.endswith((".", "?")) for fault in faults), faults
    return "\n".join(faults)


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


def test_the_frameworks_of_these_tests_are_sound() -> None:
    framework = small()
    assert framework.auditor_roles == ("lead",)
    assert framework.qa_roles == ("officer",)
    for text in (SMALL, MODERATED, GROUNDED):
        _, notes = check_framework(text, "small.toml", TODAY)
        assert notes == []


@pytest.mark.parametrize(
    ("line", "heading", "named"),
    [
        ('title = "Small"', "[about]", ["[about] title", "the key is missing", "Add title"]),
        ('owner = "auditor"', "[duties.complete_audit]", ["[duties.complete_audit] owner", "missing"]),
        ('place = "page 4"', "[notices.copy]", ["[notices.copy] place", "missing"]),
        ('label = "send the grade"', "[verbs.submit]", ["[verbs.submit] label", "missing"]),
        ('closes = "by day 6 of the month after the cycle"', "[cycle]", ["[cycle] closes", "missing"]),
        ('nudge = ["-2wd"]', "[defaults]", ["[defaults] nudge", "missing"]),
        ('about = "How page 2 is read."', "[settings.reading]", ["[settings.reading] about", "missing"]),
    ],
)
def test_a_missing_key_is_named_on_the_line_of_its_table(line: str, heading: str, named: list[str]) -> None:
    named_here(changed(changed(SMALL, f"{line}\n", ""), f"{heading}\n", f"{heading} # here\n"), named)


def test_a_missing_key_of_a_grade_is_named_on_the_line_of_that_grade() -> None:
    text = changed(SMALL, '[[grades]]\nkey = "poor"', '[[grades]] # here\nkey = "poor"')
    named_here(changed(text, 'mark = "-"\n', ""), ["[[grades]] mark", "missing"])


def test_a_missing_table_is_named() -> None:
    text = SMALL[: SMALL.index("[cycle]")] + SMALL[SMALL.index("[settings.reading]") :]
    assert faults_of(text) == ["small.toml, line 1: [cycle]: the table is missing. Add [cycle]."]


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        (
            'place = "page 2"',
            'colour = "red" # here\nplace = "page 2"',
            ["no such key 'colour'", "Write one of: title,"],
        ),
        ("qa = true", "qa = true\nalias = [] # here", ["[roles.officer] alias", "Did you mean 'aliases'?"]),
        (
            '{ grade = ["poor"], setting = { reading = "strict" } }',
            '{ grades = ["poor"] } # here',
            ["Did you mean 'grade'"],
        ),
        (
            '{ at = "+2wd", to = ["lead"] },',
            '{ att = "+2wd", to = ["lead"] }, # here',
            ["ladder.att", "Did you mean 'at'?"],
        ),
        ('owner = "auditor"', 'ownr = "auditor" # here', ["[duties.complete_audit] ownr", "Did you mean 'owner'?"]),
        ('label = "Worker"', 'lable = "Worker" # here', ["[roles.worker] lable", "Did you mean 'label'?"]),
        ("[settings.reading]", "[setings.reading] # here", ["no such table 'setings'", "Did you mean 'settings'?"]),
        ("qa = true", "qa = true\n[telegrams] # here\na = 1", ["no such table 'telegrams'", "Write one of: about,"]),
        ("good = true", 'good = "perhaps" # here', ["[[grades]] good", "'perhaps' won't do", "true or false"]),
        ("qa = true", "qa = 3 # here", ["[roles.officer] qa", "3 won't do", "true or false"]),
        (
            PLACE,
            f"keep_while = {{ grades = [] }} # here\n{PLACE}",
            ["[duties.check] keep_while.grades", "Did you mean 'grade'?"],
        ),
        (
            PLACE,
            f'keep_while = {{ grade = "poor" }} # here\n{PLACE}',
            ["[duties.check] keep_while.grade", "square brackets"],
        ),
        (
            PLACE,
            f"keep_while = [\n{{}},\n{{ fat = 1 }}, # here\n]\n{PLACE}",
            ["keep_while.fat", "Did you mean 'fact'?"],
        ),
        (PLACE, f"keep_while = 3 # here\n{PLACE}", ["[duties.check] keep_while", "3 won't do"]),
        ('title = "Small"', "title = 7 # here", ["[about] title", "7 won't do", "Text goes in quotes"]),
        ('title = "Small"', "title = true # here", ["[about] title", "true won't do", "Text goes in quotes"]),
        ('owner = "head"', 'owner = ["head"] # here', ["[duties.check] owner", "a list won't do"]),
        ('on = ["submitted"]', 'on = "submitted" # here', ["[notices.copy] on", "square brackets", 'on = ["..."]']),
        ('nudge = ["-5wd", "-2wd"]', 'nudge = [\n"-5wd",\n-2, # here\n]', ["] nudge", "-2 won't do", "in quotes"]),
        ("2027-03-31", '"31/03/2027" # here', ["[about] review_by", "'31/03/2027' won't do", "2026-03-31"]),
        ("{ minutes = 15, times = 96 }", '{ minutes = "a few", times = 96 } # here', ["'a few'", "whole number"]),
        ("{ minutes = 15, times = 96 }", "{ minutes = 0, times = 96 } # here", ["repeat.minutes", "a number above 0"]),
        ("{ minutes = 15, times = 96 }", "15 # here", ["[duties.acknowledge_alert] repeat", "15 won't do", "a table"]),
        ('opened_by = ["allocated"]', "opened_by = [] # here", ["opened_by", "list is empty", "at least one event"]),
        ('place = "page 2"', 'ladder_from = "begin" # here\nplace = "page 2"', ['"overdue", "due" or "opening"']),
        ('"by day 28 of the cycle"', '"by the 28th" # here', ["[duties.complete_audit] due", "within 5 working"]),
        ('"on day 3 of the cycle"', '"on day 33 of the cycle" # here', ["[cycle] issue", "is not a date"]),
        ('nudge = ["-5wd", "-2wd"]', 'nudge = ["5 days before"] # here', ["] nudge", "not an offset", "-10wd"]),
        ('nudge = ["-2wd"]', 'nudge = ["soon"] # here', ["[defaults] nudge", "'soon' is not an offset"]),
        ('{ at = "+2wd", to = ["lead"] },', '{ at = "later", to = ["lead"] }, # here', ["ladder.at", "'later'"]),
        ('"within 5 working days"', '"within 48 hours at 17:00" # here', ["[duties.check] due", "Leave it out"]),
    ],
)
def test_a_key_or_value_of_the_wrong_shape_is_named_with_its_line(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ("[about]", "[about # here", ["square brackets"]),
        ("[[grades]]\n", "[[grades] # here\n", ["double square brackets"]),
        ('title = "Small"', "title = Small # here", ["Text goes in quotes".lower()]),
        ('title = "Small"', "title = “Small” # here", ["curly quotes"]),
        ('title = "Small"', 'title = "Small # here', ["closing quote"]),
        ('title = "Small"', "title = 'Small # here", ["closing quote"]),
        ('title = "Small"', 'title = """Small # here', ["closing quotes"]),
        ('title = "Small"', 'title: "Small" # here', ['"=" between']),
        ('title = "Small"', 'title = "Small", # here', ["more on this line"]),
        ('title = "Small"', '"Small" # here', ['"=" between']),
        ('title = "Small"', "= 7 # here", ["begins with a key"]),
        ('title = "Small"', 'title = "Sm\\all" # here', ["backslash"]),
        ('title = "Small"', 'title = "Small"\ntitle = "Smaller" # here', ["twice"]),
        ('title = "Small"', 'title = "Small"\n[about] # here', ["there is a table [about] already"]),
        ("2027-03-31", "2027-02-30 # here", ["no such day"]),
        ("qa = true", "qa = True # here", ["true or false, in small letters"]),
        ('nudge = ["-5wd", "-2wd"]', 'nudge = ["-5wd", "-2wd" # here', ["a list isn't closed"]),
        ('{ at = "+2wd", to = ["lead"] }', '{ at = "+2wd", to = ["lead"] # here', ['must end with "}"']),
    ],
)
def test_a_file_that_is_not_toml_is_refused_in_words_with_the_line(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), ["this is not valid TOML", *named])


def test_a_list_without_its_end_is_named_where_it_begins_and_a_missing_comma_where_it_shows() -> None:
    text = changed(SMALL, "ladder = [\n", "ladder = [ # here\n")
    named_here(changed(text, '["lead"] },\n]', '["lead"] },'), ["this is not valid TOML", '"]" is missing at its end'])
    text = changed(SMALL, '{ at = "+2wd", to = ["lead"] },', '{ at = "+2wd", to = ["lead"] }, # here')
    named_here(
        changed(text, 'what = "overdue" },', 'what = "overdue" }'), ["this is not valid TOML", "or a comma between"]
    )


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('owner = "head"', 'owner = "chief" # here', ["[duties.check] owner", "nobody is called 'chief'"]),
        ('owner = "head"', 'owner = "haed" # here', ["[duties.check] owner", "Did you mean 'head'?"]),
        ('owner = "head"', 'owner = "owner.manager" # here', ["[duties.check] owner", "only in a duty's ladder"]),
        ('to = ["lead"] },', 'to = ["chief"] }, # here', ["[duties.complete_audit] ladder.to", "'chief'"]),
        (PLACE, 'tell = ["chief"] # here\nplace = "page 3"', ["[duties.check] tell", "'chief'"]),
        (PLACE, 'nudge_to = ["chief"] # here\nplace = "page 3"', ["[duties.check] nudge_to", "'chief'"]),
        (PLACE, 'per_owner = ["chief"] # here\nplace = "page 3"', ["[duties.check] per_owner", "'chief'"]),
        (
            PLACE,
            'variants = [{ when = { safety = true }, owner = "chief" }] # here\nplace = "page 3"',
            ["[duties.check] variants.owner", "'chief'"],
        ),
        (
            PLACE,
            'issue = { at = "+1d", to = "chief" } # here\nplace = "page 3"',
            ["[duties.check] issue.to", "'chief'"],
        ),
        ('to = ["lead"]\nduty', 'to = ["chief"] # here\nduty', ["[notices.copy] to", "'chief'"]),
        ('to = ["lead"]\nduty', 'to = ["owner"] # here\nduty', ["[notices.copy] to", "only in a duty's ladder"]),
        ('by = ["auditor"]\n', 'by = ["auditor", "chief"] # here\n', ["[verbs.submit] by", "'chief'"]),
        (
            'ladder = [{ at = "0d", to = ["owner", "owner.manager"], what = "overdue" }]',
            'ladder = [{ at = "0d", to = ["chief"] }] # here',
            ["[defaults] ladder.to", "'chief'", "owner.manager"],
        ),
        ('reports_to = "head"', 'reports_to = "chief" # here', ["[roles.lead] reports_to", "no role 'chief'"]),
        (
            'place = "page 1"\n',
            'place = "page 1"\n[cycle.notices.copies]\ntitle = "Copies"\nat = "on day 28 of the cycle"\n'
            'to = ["chief"] # here\nlists = "copies"\nduty = "complete_audit"\nplace = "page 5"\n',
            ["[cycle.notices.copies] to", "'chief'"],
        ),
        (
            'place = "page 1"\n',
            'place = "page 1"\n[cycle.notices.copies]\ntitle = "Copies"\nat = "on day 28 of the cycle"\n'
            'to = ["lead"]\nlists = "copys" # here\nduty = "complete_audit"\nplace = "page 5"\n',
            ["[cycle.notices.copies] lists", '"copies" or "not_completed"'],
        ),
        (WHEN, '{ grade = ["poor", "awful"] } # here', ["[duties.check] when.grade", "'awful'", "good, poor"]),
        (WHEN, '{ first_grade = ["bad"] } # here', ["[duties.check] when.first_grade", "'bad'", "good, poor"]),
        (WHEN, '{ setting = { readings = "strict" } } # here', ["when.setting.readings", "Did you mean 'reading'?"]),
        (WHEN, '{ setting = { reading = "lenient" } } # here', ["when.setting.reading", "strict, loose"]),
        (WHEN, '{ kind = ["themed"] } # here', ["[duties.check] when.kind", "'themed'", "thematic"]),
        (WHEN, '{ plan = ["CPP"] } # here', ["[duties.check] when.plan", "'CPP'", "Did you mean 'CP'?"]),
        (WHEN, '{ fact = "neglekt" } # here', ["[duties.check] when.fact", "Did you mean 'neglect'?"]),
        (WHEN, '{ no_fact = "sunny" } # here', ["[duties.check] when.no_fact", "no fact 'sunny'"]),
        (WHEN, '{ done = ["sent"] } # here', ["[duties.check] when.done", "no event 'sent'"]),
        (WHEN, '{ not_done = ["sent"] } # here', ["[duties.check] when.not_done", "no event 'sent'"]),
        (PLACE, f'keep_while = [\n{{}},\n{{ grade = ["bad"] }}, # here\n]\n{PLACE}', ["keep_while.grade", "'bad'"]),
        (PLACE, 'keep_while = { grade = ["bad"] } # here\nplace = "page 3"', ["keep_while.grade", "'bad'"]),
        (
            PLACE,
            'keep_while = { setting = { writing = "strict" } } # here\nplace = "page 3"',
            ["[duties.check] keep_while.setting.writing"],
        ),
        (
            PLACE,
            'variants = [{ when = { grade = ["awful"] } }] # here\nplace = "page 3"',
            ["[duties.check] variants.when.grade", "'awful'"],
        ),
        (
            PLACE,
            'or_opened = [{ opened_by = ["acknowledged"], when = { grade = ["bad"] } }] # here\nplace = "page 3"',
            ["[duties.check] or_opened.when.grade", "'bad'"],
        ),
        ('on = ["submitted"]', 'on = ["submitted"]\nwhen = { grade = ["bad"] } # here', ["[notices.copy] when.grade"]),
        (PLACE, 'waits_for = "chek" # here\nplace = "page 3"', ["waits_for", "Did you mean 'check'?"]),
        ('on = ["submitted"]', 'on = ["submitted"]\nshows = "chek" # here', ["[notices.copy] shows", "'chek'"]),
        ('duty = "complete_audit"', 'duty = "complet_audit" # here', ["[notices.copy] duty", "'complete_audit'"]),
        ('by = ["auditor"]\n', 'by = ["auditor"]\nwaits_for = ["chek"] # here\n', ["[verbs.submit] waits_for"]),
        ('["considered", "withdrawn"]', '["checked", "considered"] # here', ["no event 'checked'", "considered"]),
        ('["submitted"]\nwhen', '["submited"] # here\nwhen', ["[duties.check] opened_by", "'submitted'?"]),
        (
            PLACE,
            'or_opened = [{ opened_by = ["sent"], when = {} }] # here\nplace = "page 3"',
            ["[duties.check] or_opened.opened_by", "'sent'"],
        ),
        (PLACE, 'counts_from = "sent" # here\nplace = "page 3"', ["[duties.check] counts_from", "'sent'"]),
        ('on = ["submitted"]', 'on = ["sent"] # here', ["[notices.copy] on", "'sent'", "'sent_back'?"]),
        ('by = ["auditor"]\n', 'by = ["auditor"]\nafter = ["sat"] # here\n', ["[verbs.submit] after", "'sat'"]),
        ('by = ["auditor"]\n', 'by = ["auditor"]\nneeds = ["sat"] # here\n', ["[verbs.submit] needs", "'sat'"]),
        (TEXT, 'text = "{child}" # here', ["[notices.copy] text", "{child}", "actor, auditor, case"]),
        (TEXT, 'text = "{case.holder_id}" # here', ["[notices.copy] text", "{case.holder_id}"]),
        (TEXT, 'text = "{}" # here', ["[notices.copy] text", "{}"]),
        (TEXT, 'text = "of {case" # here', ["[notices.copy] text", "brace stands alone"]),
        (TEXT, 'text = "until {closes}" # here', ["[notices.copy] text", "{closes}", "no dispute_closes"]),
        ('place = "page 4"', 'what = "telegram" # here\nplace = "page 4"', ["[notices.copy] what", "'telegram'"]),
        ('to = ["lead"] },', 'to = ["lead"], what = "nudge" }, # here', ["ladder.what", "overdue"]),
        ("[verbs.withdraw]", "[verbs.widthdraw] # here", ["no verb 'widthdraw'", "Did you mean 'withdraw'?"]),
        ("[verbs.withdraw]", "[verbs.take_up] # here", ["no verb 'take_up'"]),
        ("[verbs.withdraw]", "[verbs.agree] # here", ["no verb 'agree'"]),
        ("council = true", 'council = true\none_of = ["lead", "chief"] # here', ["[roles.officer] one_of", "'chief'"]),
        ("audits = true", 'audits = true\nplans = ["CPP"] # here', ["[roles.lead] plans", "Did you mean 'CP'?"]),
        (
            "[verbs.submit]",
            '[limits.thematic]\nmost = 4\nroles = ["chief"] # here\ntext = "a"\nplace = "b"\n\n[verbs.submit]',
            ["[limits.thematic] roles", "no role 'chief'"],
        ),
        (
            "[verbs.submit]",
            '[limits.themed] # here\nmost = 4\ntext = "a"\nplace = "b"\n\n[verbs.submit]',
            ["[limits.themed]", "no kind of audit 'themed'"],
        ),
        (
            'case_system = "Paper"',
            'case_system = "Paper"\nzone = "Europe/Londn" # here',
            ["[about] zone", "Europe/London"],
        ),
        ('case_system = "Paper"', 'case_system = "Paper"\nzone = "" # here', ["[about] zone", "Europe/London"]),
    ],
)
def test_a_name_that_is_nowhere_is_named_with_its_line(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


@pytest.mark.parametrize("flag", ["audits", "qa", "cases"])
def test_somebody_must_audit_hold_cases_and_answer_for_quality(flag: str) -> None:
    text = changed(changed(SMALL, f"{flag} = true\n", ""), "[roles.worker]", "[roles.worker] # here")
    text = changed(text, 'by = ["qa"]', 'by = ["officer"]')
    assert f"[roles]: no role has {flag} = true" in named_here(text, [])


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        (
            '"Head of Service"',
            '"Head of Service"\nreports_to = "head" # here',
            ["[roles.head] reports_to", "to itself"],
        ),
        ("council = true", "council = true\none_of = [] # here", ["[roles.officer] one_of", "the list is empty"]),
        (
            "council = true",
            'council = true\none_of = ["officer"] # here',
            ["[roles.officer] one_of", "nobody's job title"],
        ),
        (
            'aliases = ["social worker"]',
            'aliases = ["team LEAD"] # here',
            ["[roles.worker] aliases", "means the role lead"],
        ),
        ('label = "QA Officer"', 'label = "Head of Service" # here', ["[roles.officer] label", "means the role head"]),
        ('by = ["qa"]', "by = [] # here", ["[verbs.withdraw] by", "nobody could ever do this"]),
        ('by = ["auditor"]\n', 'by = ["owner"] # here\n', ["[verbs.submit] by", "only in a duty's ladder"]),
    ],
)
def test_a_role_that_nobody_holds_or_a_verb_that_nobody_uses_is_named(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


def test_roles_that_report_in_a_circle_are_named_on_each_of_their_lines() -> None:
    text = changed(SMALL, 'reports_to = "head"', 'reports_to = "head" # here')
    text = changed(text, 'label = "Head of Service"', 'label = "Head of Service"\nreports_to = "lead" # here')
    named_here(text, ["reports_to: the roles report in a circle"])


def test_a_verb_is_nobodys_if_the_only_role_that_has_it_is_nobodys() -> None:
    role = '[roles.panel]\nlabel = "Panel"\none_of = ["panel"] # here\n\n[roles.worker]'
    text = changed(changed(SMALL, "[roles.worker]", role), 'by = ["qa"]', 'by = ["panel"] # here')
    named_here(text, ["one_of: nobody can take this role", "nobody could ever do this"])


def test_a_role_taken_in_turn_by_people_of_others_is_held() -> None:
    role = '[roles.panel]\nlabel = "Panel"\none_of = ["head"]\n\n[roles.worker]'
    assert small("[roles.worker]", role).roles["panel"].one_of == ("head",)


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('["submitted"]\nwhen', '["commented"] # here\nwhen', ["opened_by: nothing opens", "[verbs.comment]"]),
        ('["submitted"]\nwhen', '["selected"] # here\nwhen', ["opened_by: nothing opens", "no draw_at"]),
        (
            PLACE,
            'or_opened = [{ opened_by = ["updated"] }] # here\nplace = "page 3"',
            ["[duties.check] or_opened.opened_by", "[verbs.update]"],
        ),
        (
            '["considered", "withdrawn"]',
            '["commented", "withdrawn"] # here',
            ["[duties.check] closed_by", "nothing closes this duty", "'commented'", "[verbs.comment]"],
        ),
        ('["considered", "withdrawn"]', '["withdrawn"] # here', ["closed_by", "nobody could answer this duty"]),
        ('["submitted"]\nwhen', '["considered"] # here\nwhen', ["[duties.check] opened_by", "also its answer"]),
        ('on = ["submitted"]', 'on = ["commented"] # here', ["[notices.copy] on", "nothing sends", "[verbs.comment]"]),
        ('on = ["submitted"]', "on = [] # here", ["[notices.copy] on", "it names no event"]),
        ('to = ["lead"]\nduty', "to = [] # here\nduty", ["[notices.copy] to", "goes to nobody"]),
        ('to = ["lead"] },', "to = [] }, # here", ["[duties.complete_audit] ladder.to", "tells nobody"]),
        ('needs = ["submitted"]', 'needs = ["moderated"] # here', ["[verbs.consider] needs", "[verbs.moderate]"]),
        ('needs = ["submitted"]', 'after = ["held"] # here', ["[verbs.consider] after", "[verbs.hold]"]),
        (PLACE, 'counts_from = "held" # here\nplace = "page 3"', ["counts_from", "[verbs.hold]"]),
        (WHEN, '{ done = ["held"] } # here', ["[duties.check] when.done", "[verbs.hold]"]),
        ('["submitted"]\nwhen', '["withdrawn"] # here\nwhen', ["[duties.check] opened_by", "is over"]),
        ('needs = ["submitted"]', 'needs = ["withdrawn"] # here', ["[verbs.consider] needs", "is over"]),
        ('opened_by = ["allocated"]', 'opened_by = ["safety_raised"] # here', ["when it is allocated"]),
    ],
)
def test_what_nobody_could_open_close_or_send_is_named(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


def test_a_framework_without_its_central_duty_is_refused() -> None:
    text = changed(SMALL, "[duties.complete_audit]", "[duties.finish_audit] # here")
    named_here(text, ["[duties]: complete_audit is missing"])


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('needs = ["submitted"]', 'needs = ["considered"] # here', ["[verbs.consider] needs", "waits for itself"]),
        ('needs = ["submitted"]', 'waits_for = ["check"] # here', ["[verbs.consider] waits_for", "waits for itself"]),
        (PLACE, 'waits_for = "check" # here\nplace = "page 3"', ["[duties.check] waits_for", "for itself"]),
        (PLACE, 'counts_from = "considered" # here\nplace = "page 3"', ["the answer itself"]),
        (
            'by = ["auditor"]\n',
            'by = ["auditor"]\nneeds = ["selected"] # here\n',
            ["[verbs.submit] needs", "no draw_at"],
        ),
    ],
)
def test_what_waits_for_itself_is_named(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


@pytest.mark.parametrize("gate", ['needs = ["considered"]', 'after = ["considered"]', 'waits_for = ["check"]'])
def test_two_gates_that_wait_for_each_other_are_named_on_both_lines(gate: str) -> None:
    text = changed(SMALL, 'needs = ["submitted"]', 'needs = ["submitted"] # here')
    text = changed(text, 'by = ["auditor"]\n', f'by = ["auditor"]\n{gate} # here\n')
    named_here(text, ["can only come after 'considered'", "can only come after 'submitted'"])


def test_a_gate_may_not_wait_for_what_comes_after_it_by_its_nature() -> None:
    text = changed(MODERATED, 'by = ["auditor"]\n', 'by = ["auditor"]\nneeds = ["moderated"] # here\n')
    named_here(text, ["[verbs.submit] needs: 'moderated' can only come after 'submitted'"])
    text = changed(MODERATED, 'by = ["auditor"]\n', 'by = ["auditor"]\nneeds = ["selected"] # here\n')
    named_here(text, ["[verbs.submit] needs: 'selected' can only come after 'submitted'"])


def test_duties_that_wait_for_each_other_are_named_on_both_lines() -> None:
    text = changed(SMALL, 'place = "page 2"', 'waits_for = "check" # here\nplace = "page 2"')
    text = changed(text, 'place = "page 3"', 'waits_for = "complete_audit" # here\nplace = "page 3"')
    named_here(text, ["waits_for: these duties wait for each other"])


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        (
            'nudge = ["-5wd", "-2wd"]',
            'nudge = [\n"-5wd",\n"+2wd", # here\n]',
            ["] nudge", "before the due day", "'-2wd'"],
        ),
        ('nudge = ["-2wd"]', 'nudge = ["2wd"] # here', ["[defaults] nudge", "before the due day", "'-2wd'"]),
        (
            '{ at = "+2wd", to = ["lead"] },',
            '{ at = "+2wd", to = ["lead"] },\n{ at = "+1wd", to = ["head"] }, # here',
            ["backwards"],
        ),
        (
            '{ at = "+2wd", to = ["lead"] },',
            '{ at = "+2wd", to = ["lead"] },\n{ at = "+15min", to = ["head"] }, # here',
            ["backwards"],
        ),
        (
            '{ at = "+2wd", to = ["lead"] },',
            '{ at = "-2wd", to = ["lead"] }, # here',
            ["ladder.at", "before the ladder begins"],
        ),
        (PLACE, 'remind_after = ["+2w"] # here\nplace = "page 3"', ["remind_after", "later than the due day"]),
        (PLACE, 'remind_after = ["-2d"] # here\nplace = "page 3"', ["remind_after", "Write '+2d'"]),
        (PLACE, 'issue = { at = "+2w", to = "head" } # here\nplace = "page 3"', ["issue.at", "later"]),
        (PLACE, 'follow_up = "-1h" # here\nplace = "page 3"', ["[duties.check] follow_up", "'+1h'"]),
        ("ladder = []", 'ladder = [{ to = ["lead"] }] # here', ["ladder", "write ladder = []".capitalize()]),
        ('"by day 28 of the cycle"', '"by day 31 of the cycle" # here', ["no", "day 31", "by the last day"]),
        ('"by day 28 of the cycle"', '"by day 29 of the cycle" # here', ["day 29", "by the last day"]),
        (
            'due = "within 5 working days"',
            'due = "on day 30 of the cycle" # here',
            ["[duties.check] due", "day 30", "on the last day"],
        ),
        ('due = "within 5 working days"', 'due = "not before 1 month" # here', ["[duties.check] due", "sets no end"]),
        ('due = "within 5 working days"', 'due = "by day 28 of the list" # here', ["[duties.check] due", "not_before"]),
        (PLACE, 'late_due = "by day 28 of the list" # here\nplace = "page 3"', ["late_due", "wait for a list"]),
        (PLACE, 'not_before = "within 1 month" # here\nplace = "page 3"', ["not_before", "a deadline"]),
        ('due = "within 5 working days"', 'due = "at the session" # here', ["[duties.check] due", "no session"]),
        (PLACE, 'late_due = "at the session" # here\nplace = "page 3"', ["late_due", "no session"]),
        ('closes = "by day 6 of the month after the cycle"', 'closes = "at the session" # here', ["[cycle] closes"]),
        (
            'closes = "by day 6 of the month after the cycle"',
            'closes = "by day 2 of the cycle" # here',
            ["[cycle] closes", "Fri 2 Jan 2026", "Mon 5 Jan 2026"],
        ),
        (
            'due = "by day 28 of the cycle"',
            'due = "by day 2 of the cycle" # here',
            ["[duties.complete_audit] due", "Fri 2 Jan 2026", "Mon 5 Jan 2026"],
        ),
        (
            'place = "page 1"',
            'dispute_closes = "by day 20 of the cycle" # here\nplace = "page 1"',
            ["dispute_closes", "Tue 20 Jan 2026"],
        ),
    ],
)
def test_dates_that_cannot_be_kept_are_named(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


def test_a_session_that_is_booked_first_may_set_a_date() -> None:
    booking = '[verbs.book]\nlabel = "book"\nby = ["auditor"]\n\n[verbs.hold]\nlabel = "hold"\nby = ["auditor"]\n'
    text = changed(SMALL, "[verbs.submit]", f"{booking}[verbs.submit]")
    held = changed(text, 'opened_by = ["submitted"]\nwhen', 'opened_by = ["held"]\nwhen')
    early = changed(held, 'due = "within 5 working days"', 'due = "at the session" # here')
    named_here(early, ["when 'held' happens no session need be booked"])
    gated = changed(early, 'label = "hold"\n', 'label = "hold"\nneeds = ["booked"]\n')
    assert parse_framework(gated, "small.toml")
    assert parse_framework(changed(early, '["held"]\nwhen', '["booked"]\nwhen'), "small.toml")
    assert parse_framework(changed(early, '["held"]\nwhen', '["moderation_booked"]\nwhen'), "small.toml")


# An ordinary message of Thu 2 Apr 2026 after 18:00 waits until Tue 7 Apr at 08:00, since Good Friday and Easter Monday
# lie between: what ends by 23:59 of the fourth day (Mon 6 Apr) is missed, by that of the fifth kept.
@pytest.mark.parametrize(
    ("words", "missed"),
    [
        ("by 12:00 the next day", True),
        ("within 48 hours", True),
        ("within 109 hours", True),
        ("within 110 hours", False),
        ("within 4 days", True),
        ("within 5 days", False),
        ("within 1 working day", False),
        ("within 1 month", False),
    ],
)
def test_a_long_stop_that_quiet_hours_at_easter_would_miss_must_be_sent_at_once(words: str, missed: bool) -> None:
    notice = changed(SMALL, 'place = "page 4"', f'no_later_than = "{words}" # here\nplace = "page 4"')
    told = changed(SMALL, '["considered", "withdrawn"]', '["told", "withdrawn"]')
    duty = changed(told, 'due = "within 5 working days"', f'due = "{words}" # here')
    for text, sender in ((notice, "notices.copy"), (duty, "duties.check")):
        if missed:
            named_here(text, [f"{words!r} would be missed", "Tue 7 Apr 2026 at 08:00", f"[{sender}]", "escalation"])
        else:
            assert parse_framework(text, "small.toml")
        assert parse_framework(changed(text, "# here", '\nwhat = "escalation"'), "small.toml")


def test_a_silent_duty_is_as_late_as_the_notice_that_carries_it() -> None:
    text = changed(SMALL, '["considered", "withdrawn"]', '["told", "withdrawn"]\nsilent = true\nwhat = "escalation"')
    text = changed(text, 'due = "within 5 working days"', 'due = "by 12:00 the next day" # here')
    text = changed(text, 'duty = "complete_audit"', 'duty = "check"\nshows = "check"')
    named_here(text, ["would be missed", "[notices.copy]"])


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('opened_by = ["safety_raised"]', 'opened_by = ["submitted"] # here', ["] opened_by", "alert nobody"]),
        ('what = "alert"', 'what = "alert"\nwhen = { grade = ["poor"] } # here', ["] when", "hangs on no condition"]),
        ('what = "alert"', 'what = "escalation" # here', ["] what", 'Write what = "alert"']),
        ('what = "alert"', 'what = "alert"\nsilent = true # here', ["] silent", "would not be sent"]),
        ('what = "alert"', 'what = "alert"\nlapses = true # here', ["] lapses", "before anybody has it"]),
        (
            'what = "alert"',
            'what = "alert"\nkeep_while = { safety = true } # here',
            ["] keep_while", "Take keep_while out"],
        ),
        ("ladder = []\nrepeat = { minutes = 15, times = 96 }", "ladder = [] # here", ["] ladder", "go no further"]),
        ('["acknowledged", "withdrawn"]', '["considered", "withdrawn"] # here', ["] closed_by", '"acknowledged"']),
        ('by = ["auditor", "worker"]', 'by = ["worker"] # here', ["[verbs.safety] by", 'Add "auditor"']),
        (
            'by = ["auditor", "worker"]',
            'by = ["auditor"]\nneeds = ["submitted"] # here',
            ["[verbs.safety] needs", "can't wait"],
        ),
        ('by = ["auditor", "worker"]', 'by = ["auditor"]\nwaits_for = ["check"] # here', ["[verbs.safety] waits_for"]),
    ],
)
def test_a_safety_alert_cannot_be_switched_off(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


def test_a_framework_without_an_alert_is_refused() -> None:
    text = changed(SMALL, "[duties.complete_audit]", "[duties.complete_audit] # here")
    text = changed(text, "[duties.acknowledge_alert]", "[duties.hear_alert]")
    named_here(text, ["[duties]: a safety concern would alert nobody", "Write [duties.acknowledge_alert]"])


def test_an_alert_that_reaches_nobody_is_named() -> None:
    role = '[roles.panel]\nlabel = "Panel"\none_of = [] # here\n\n[roles.worker]'
    text = changed(SMALL, "[roles.worker]", role)
    text = changed(text, 'what = "alert"', 'what = "alert"\nper_owner = ["panel"] # here')
    named_here(text, ["the list is empty", "per_owner: nobody whom there is would get the alert"])


def test_a_concern_that_nobody_can_raise_is_named() -> None:
    text = SMALL[: SMALL.index("[verbs.safety]")] + SMALL[SMALL.index("[verbs.acknowledge]") :]
    faults = faults_of(text)
    assert (
        f"small.toml, line {lines_with(text, '[verbs.submit]')[0]}: [verbs]: nobody could raise a safety concern."
        in faults[-1]
    )


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('value = "strict"', 'value = "lenient" # here', ["[settings.reading] value", "'lenient'", "strict, loose"]),
        ('default = "strict"', 'default = "lenient" # here', ["[settings.reading] default", "'lenient'"]),
        ('value = "strict"', 'value = "loose" # here', ["value", "departs", "'strict'", "decided_by and decided_on"]),
        ('value = "strict"', 'value = "loose" # here\ndecided_by = "DMT"', ["value", "Add decided_on, or"]),
        ('value = "strict"', 'value = "loose" # here\ndecided_on = 2026-01-05', ["value", "Add decided_by, or"]),
        ('["strict", "loose"]', '["strict", "loose", "strict"] # here', ["choices", "'strict' already"]),
        (
            "[settings.reading]",
            '[settings.anchor_month]\nvalue = "1"\nchoices = ["1", "13"] # here\nabout = "a"\n\n[settings.reading]',
            ["[settings.anchor_month] choices", "'13' is no month"],
        ),
        ('label = "Poor"', 'label = "Good" # here', ["[[grades]] label", "'Good' already"]),
        (
            "[roles.worker]",
            '[[sections]]\nkey = "plan"\nlabel = "Plan"\nprompt = "?"\n\n[[sections]]\nkey = "plan" # here\n'
            'label = "Planning"\nprompt = "?"\n\n[roles.worker]',
            ["[[sections]] key", "'plan' already"],
        ),
    ],
)
def test_settings_grades_and_sections_must_make_sense(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


def test_two_grades_with_one_key_are_named() -> None:
    text = changed(SMALL, 'key = "poor"', 'key = "good" # here')
    named_here(changed(text, WHEN, "{}"), ["[[grades]] key", "'good' already"])


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('label = "Poor"', 'label = " " # here', ["[[grades]] label", "this is empty"]),
        ('ask = "Please check the audit."', 'ask = "" # here', ["[duties.check] ask", "this is empty"]),
        ('title = "Copy"', 'title = "" # here', ["[notices.copy] title", "this is empty"]),
        ("[notices.copy]", "[notices.Copy] # here", ["[notices.Copy]", "'Copy' is no key", "as in 'copy'"]),
        ("[notices.copy]", '[notices."a copy"] # here', ["[notices.a copy]", "as in 'a_copy'"]),
    ],
)
def test_keys_are_plain_and_texts_are_not_empty(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


def test_a_departure_that_somebody_decided_is_accepted() -> None:
    setting = small('value = "strict"', 'value = "loose"\ndecided_by = "DMT"\ndecided_on = 2026-01-05').settings[
        "reading"
    ]
    assert setting.decision == "Decided by DMT on Mon 5 Jan 2026: loose."


@pytest.mark.parametrize(
    ("ranges", "named"),
    [
        (["0 4 poor", "5 10 good"], []),
        (["5 10 good", "0 4 poor"], []),
        (["0 4 poor", "6 10 good # here least"], ["[[old_scale]] least", "5 has no grade", "Write least = 5"]),
        (["0 4 poor", "8 10 good # here least"], ["[[old_scale]] least", "5 to 7 have no grade"]),
        (["0 4 poor", "4 10 good # here least"], ["[[old_scale]] least", "4 belongs to two grades", "least = 5"]),
        (["6 10 good # here least", "0 6 poor"], ["[[old_scale]] least", "6 belongs to two grades"]),
        (["4 0 poor # here most", "5 10 good"], ["[[old_scale]] most", "0 is less than least"]),
        (["0 4 bad # here grade", "5 10 good"], ["[[old_scale]] grade", "no grade 'bad'"]),
    ],
)
def test_an_old_scale_has_no_gaps_and_no_overlaps(ranges: list[str], named: list[str]) -> None:
    tables = ""
    for words, _, where in (one.partition(" # here ") for one in ranges):
        least, most, grade = words.split()
        for key, value in (("least", least), ("most", most), ("grade", f'"{grade}"')):
            tables += ("" if tables.endswith("\n") and key != "least" else "\n[[old_scale]]\n") + f"{key} = {value}"
            tables += " # here\n" if key == where else "\n"
    if named:
        named_here(SMALL + tables, named)
    else:
        assert parse_framework(SMALL + tables, "small.toml").grade_key("7") == "good"


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ("share = 20", "share = 40 # here", ["[moderation] share", "40 per cent", "at most 30"]),
        ("share = 20", 'share = 20\nwhen = { reading = "lenient" } # here', ["[moderation] when.reading", "'lenient'"]),
        ("share = 20", 'share = 20\nwhen = { readings = "loose" } # here', ["[moderation] when.readings", "'reading'"]),
        ("share = 20", "share = 120 # here", ["[moderation] share", "120 won't do", "at most 100"]),
        ("most = 30", "most = 101 # here", ["[moderation] most", "at most 100"]),
        ("share = 20", 'share = 20\nranked = [\n"grade:poor",\n"grade:bad", # here\n]', ["ranked", "'grade:bad'"]),
        ("share = 20", 'share = 20\nranked = ["refered"] # here', ["[moderation] ranked", "Did you mean 'referred'?"]),
        ("share = 20", 'share = 20\nalways = ["bad"] # here', ["[moderation] always", "no grade 'bad'"]),
    ],
)
def test_a_draw_within_its_percentages_and_criteria(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(MODERATED, was, becomes), named)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [('opened_by = ["selected"]', 'opened_by = ["submitted"]'), ("[duties.moderate]", "[duties.look_again]")],
)
def test_a_draw_that_no_duty_follows_is_named(was: str, becomes: str) -> None:
    text = changed(changed(MODERATED, DRAWN, f"{DRAWN} # here"), was, becomes)
    named_here(text, ["[moderation] draw_at", "no duty follows", "Write [duties.moderate]"])


def test_a_share_that_is_never_drawn_is_named() -> None:
    text = changed(changed(MODERATED, f"{DRAWN}\nshare = 20", "share = 20 # here"), '["selected"]', '["submitted"]')
    named_here(text, ["[moderation] share", "nothing says when", "Add draw_at"])


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('on = ["discussed", "released"]', 'on = ["discussed"]', ["nobody would hear", '"released"']),
        ('on = ["discussed", "released"]', 'on = ["moderated"]', ["nobody would hear", '["discussed", "released"]']),
        ("[verbs.release]", "[verbs.recognise]", ["no [verbs.release]", "never be let go"]),
        ("[verbs.discuss]", "[verbs.recognise]", ["no [verbs.discuss]", "never be let go"]),
    ],
)
def test_what_is_kept_back_must_be_let_go_and_heard_of(was: str, becomes: str, named: list[str]) -> None:
    text = changed(changed(MODERATED, "hold = true", "hold = true # here"), was, becomes)
    named_here(text, ["[moderation] hold", *named])


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        (
            PLACE,
            'variants = [{ when = { grade = ["good"] }, due = "within 2 days" }] # here\nplace = "page 3"',
            ["[duties.check] variants.when.grade", "the duty is for other grades", "poor"],
        ),
        (PLACE, f'keep_while = [{{ grade = ["good"] }}] # here\n{PLACE}', ["keep_while.grade", "for other grades"]),
        (PLACE, 'keep_while = { good_grade = true } # here\nplace = "page 3"', ["keep_while.good_grade"]),
        (WHEN, '{ grade = ["poor"], good_grade = true } # here', ["[duties.check] when.grade", "leaves no grade"]),
        (WHEN, '{ done = ["considered"], not_done = ["considered"] } # here', ["when.not_done", "never holds"]),
        (WHEN, "{ moderated = false, changed = true } # here", ["when.moderated", "never holds"]),
    ],
)
def test_a_condition_that_never_holds_is_named(was: str, becomes: str, named: list[str]) -> None:
    named_here(changed(SMALL, was, becomes), named)


def test_a_condition_on_good_grades_needs_a_grade_that_is_good() -> None:
    text = changed(changed(SMALL, "good = true\n", ""), WHEN, "{ good_grade = true } # here")
    named_here(text, ["[duties.check] when.good_grade", "it never holds"])


def test_every_mistake_is_named_at_once_in_the_order_of_the_file() -> None:
    text = changed(SMALL, 'owner = "head"', 'owner = "chief" # here')
    text = changed(text, 'by = ["auditor"]\n', 'by = ["auditor", "nobody"] # here\n')
    text = changed(text, 'reports_to = "lead"', 'reports_to = "boss" # here')
    faults = faults_of(text)
    assert [fault.split(":")[0] for fault in faults] == [
        f"small.toml, line {line}" for line in lines_with(text, "# here")
    ]
    assert ["'boss'" in faults[0], "'chief'" in faults[1], "'nobody'" in faults[2]] == [True, True, True]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('owner = "head"', 'owner = "head"\nladder = []\nrepeat = { minutes = 15, times = 3 }'),
        ('due = "within 5 working days"', 'due = "by day 28 of the list"\nnot_before = "not before 1 month"'),
        ('owner = "head"', 'owner = "head"\nkeep_while = { grade = ["poor"], setting = { reading = "loose" } }'),
        (
            'owner = "head"',
            'owner = "head"\nor_opened = [{ opened_by = ["safety_raised"], when = { grade = ["good"] } }]',
        ),
        ('case_system = "Paper"', 'case_system = "Paper"\nzone = "Europe/Belfast"'),
        ("of {case}.", "of {case}: {grade}, {actor}."),
        ("of {case}.", "of {{case}}."),
        ('opened_by = ["submitted"]\nwhen', 'opened_by = ["commented", "submitted"]\nwhen'),
        ('["considered", "withdrawn"]', '["considered", "commented", "withdrawn"]'),
        ('nudge = ["-5wd", "-2wd"]', 'nudge = ["-5wd", "0wd"]'),
        ('{ at = "+2wd", to = ["lead"] },', '{ at = "+5wd", to = ["lead"] },\n{ at = "+1w", to = ["head"] },'),
        (PLACE, 'remind_after = ["+1d"]\nplace = "page 3"'),
        (PLACE, f'keep_while = [{{ grade = ["poor"] }}, {{ grade = ["good"] }}]\n{PLACE}'),
        ('title = "Small"', "title = 'Small'"),
    ],
)
def test_what_fits_together_is_accepted(was: str, becomes: str) -> None:
    assert small(was, becomes)


def test_a_file_from_an_editor_that_marks_its_beginning_or_ends_lines_twice_is_read() -> None:
    assert parse_framework("\ufeff" + SMALL.lstrip().replace("\n", "\r\n"), "small.toml") == small()


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('builds_on = "everyday"', 'builds_on = "evryday" # here', ["[about] builds_on", "Did you mean 'everyday'?"]),
        (
            'builds_on = "everyday"',
            'builds_on = "everyday"\nleave_out = ["duties.disput"] # here',
            ["[about] leave_out", "'duties.dispute'?"],
        ),
        (
            'builds_on = "everyday"',
            'builds_on = "everyday"\nleave_out = "duties.dispute" # here',
            ["[about] leave_out", "square brackets"],
        ),
        (
            'builds_on = "everyday"',
            'builds_on = "everyday"\nleave_out = [\n"notices.extended",\n"duties.acknowledge_alert", # here\n]',
            ["[about] leave_out", "a safety concern would alert nobody"],
        ),
        (
            'builds_on = "everyday"',
            'builds_on = "everyday"\nleave_out = ["duties.complete_audit", "notices.extended"] # here',
            ["[about] leave_out", "complete_audit is missing"],
        ),
        (
            'builds_on = "everyday"',
            'builds_on = "everyday" # here\nleave_out = ["verbs.resolve", "notices.dispute_settled"]',
            ["[duties.dispute] closed_by: nothing closes", "This stands in everyday", "write your own"],
        ),
        ('due = "within 2 working days"', 'due = "within 2 wrking days" # here', ["[duties.accept] due"]),
    ],
)
def test_a_mistake_beside_what_a_file_builds_on_is_named_with_a_line_of_that_file(
    was: str, becomes: str, named: list[str]
) -> None:
    named_here(changed(GROUNDED, was, becomes), named)


def test_a_mistake_in_what_is_inherited_is_named_with_the_heading_of_the_own_entry() -> None:
    text = changed(GROUNDED, "[duties.accept]", '[duties.accept] # here\nwaits_for = "reallocate"')
    text = changed(text, "[roles.worker]", '[duties.reallocate]\nwaits_for = "accept"\n\n[roles.worker]')
    assert len(faults_of(text)) == 2
    text = changed(GROUNDED, "[roles.hos]", "[roles.head]").replace('"hos"', '"head"')
    faults = faults_of(text)
    assert (
        f"small.toml, line {lines_with(text, 'builds_on')[0]}: [defaults] ladder.to: nobody is called 'hos'."
        in faults[0]
    )


def test_a_review_date_that_has_gone_by_is_only_noted() -> None:
    for today, noted in ((date(2027, 3, 31), False), (date(2027, 4, 1), True)):
        framework, notes = check_framework(SMALL, "small.toml", today)
        assert framework == small()
        place = f"small.toml, line {lines_with(SMALL, 'review_by')[0]}: please note: [about] review_by: "
        assert [note.startswith(place) for note in notes] == [True] * noted
        assert ["Wed 31 Mar 2027, has gone by" in note for note in notes] == [True] * noted


def test_a_role_that_nothing_leads_to_and_a_duty_that_outlives_its_audit_are_only_noted() -> None:
    text = changed(SMALL, "[roles.officer]", '[roles.chair]\nlabel = "Chair"\n\n[roles.officer]')
    text = changed(text, '["submitted", "withdrawn"]', '["submitted"] # here')
    _, (role, duty) = check_framework(text, "small.toml", TODAY)
    assert role.startswith(
        f"small.toml, line {lines_with(text, '[roles.chair]')[0]}: please note: [roles.chair]: nothing"
    )
    assert duty.startswith(f"small.toml, line {lines_with(text, '# here')[0]}: please note: [duties.complete_audit]")


def test_what_is_only_noted_stands_after_the_faults() -> None:
    text = changed(changed(SMALL, "2027-03-31", "2025-03-31"), 'by = ["qa"]', 'by = ["chief"]')
    with pytest.raises(FrameworkError) as refused:
        check_framework(text, "small.toml", TODAY)
    fault, note = refused.value.problems
    assert "'chief'" in fault
    assert "please note: [about] review_by" in note


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
        ({"check": {"repeat": {"minutes": 15, "times": 3}}}, ["[duties.check] ladder", "Write ladder = []"]),
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


@pytest.mark.parametrize("answer", ["discussed", "released", "resolved", "feedback_considered"])
def test_an_answer_that_is_looked_for_under_another_duty_is_named(answer: str) -> None:
    verb = next(verb for verb, event in EVENTS.items() if event == answer)
    text = SMALL + (
        f'\n[verbs.{verb}]\nlabel = "answer"\nby = ["head"]\n'
        '\n[duties.talk]\ntitle = "Talk"\nask = "Please talk."\nopened_by = ["submitted"]\nowner = "head"\n'
        f'due = "within 5 days"\nplace = "page 9"\nclosed_by = ["{answer}", "withdrawn"]  # here\n'
    )
    [fault] = [one for one in faults_of(text) if "answers only" in one]
    assert fault.startswith(f"small.toml, line {lines_with(text, '# here')[0]}: [duties.talk] closed_by")
