"""A council's framework as data: the shape of its TOML file, and errors that name file, table and key."""

import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from audits.consistency import problems_of
from audits.dates import DateRuleError, parse_offset, parse_rule
from audits.people import RoleScope


class FrameworkError(ValueError):
    """A framework that can't be used. `problems` are whole sentences, each naming the place."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


def _rule(text: str) -> str:
    parse_rule(text)
    return text


def _offset(text: str) -> str:
    parse_offset(text)
    return text


DueWords = Annotated[str, AfterValidator(_rule)]
OffsetWords = Annotated[str, AfterValidator(_offset)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class About(_Table):
    """The document behind the rules."""

    name: str
    title: str
    document: str
    case_system: str
    review_by: date | None = None
    banner: str = ""
    zone: str = "Europe/London"


class Grade(_Table):
    """A word of the grade scale. `mark` is a symbol shown beside the word, so that colour never carries it."""

    key: str
    label: str
    mark: str
    descriptor: str
    good: bool = False


class Section(_Table):
    key: str
    label: str
    prompt: str


class Role(_Table):
    """Who may hold duties. `council` roles are held anywhere, others near the case holder; `qa` may ask about all."""

    label: str
    reports_to: str | None = None
    council: bool = False
    qa: bool = False
    audits: bool = False
    aliases: tuple[str, ...] = ()


class Condition(_Table):
    """Facts that must hold. An empty condition always holds."""

    grade: tuple[str, ...] | None = None
    good_grade: bool | None = None
    safety: bool | None = None
    kind: tuple[str, ...] | None = None
    plan: tuple[str, ...] | None = None
    fact: str | None = None
    moderated: bool | None = None
    setting: dict[str, str] = Field(default_factory=dict)


class Rung(_Table):
    """A step of the ladder. `at` counts from the overdue moment; `to` are targets."""

    at: OffsetWords = "0d"
    to: tuple[str, ...]
    what: str = "escalation"


class Variant(_Table):
    """Terms that differ under a condition; the first that holds is taken."""

    when: Condition
    owner: str | None = None
    due: DueWords | None = None
    place: str | None = None
    rule: tuple[str, ...] | None = None
    local: tuple[str, ...] | None = None


class Repeat(_Table):
    """An alert sent again until someone has it: every so many minutes, so many times, then once a day."""

    minutes: int = Field(gt=0)
    times: int = Field(gt=0)


class Opening(_Table):
    """Another way in which a duty opens."""

    opened_by: tuple[str, ...]
    when: Condition


class DutyRule(_Table):
    """A rule of the framework: see the design, "The one idea: a duty".

    `tell` are told of the opening beside the owner; a `silent` duty sends no request of its own, because a notice
    carries it. The first event of `closed_by` is the owner's own answer; the others close the duty from outside.
    `local` lists the terms on which the framework's document is silent.
    """

    title: str
    ask: str
    opened_by: tuple[str, ...] = Field(min_length=1)
    owner: str
    due: DueWords
    closed_by: tuple[str, ...] = Field(min_length=1)
    when: Condition = Condition()
    or_opened: tuple[Opening, ...] = ()
    late_due: DueWords | None = None
    not_before: DueWords | None = None
    variants: tuple[Variant, ...] = ()
    per_action: bool = False
    per_owner: tuple[str, ...] = ()
    waits_for: str | None = None
    keep_while: Condition | None = None
    tell: tuple[str, ...] = ()
    what: str = "message"
    nudge: tuple[OffsetWords, ...] | None = None
    nudge_to: tuple[str, ...] = ("owner",)
    ladder: tuple[Rung, ...] | None = None
    repeat: Repeat | None = None
    lapses: bool = False
    silent: bool = False
    follow_up: OffsetWords | None = None
    rule: tuple[str, ...] = ()
    place: str
    local: tuple[str, ...] = ()


class NoticeRule(_Table):
    """Something that named people are told when an event happens.

    `duty` is what it belongs to in reports; `shows` is the duty whose request it carries, if it carries one.
    """

    title: str
    text: str
    on: tuple[str, ...]
    to: tuple[str, ...]
    duty: str
    shows: str | None = None
    when: Condition = Condition()
    what: str = "message"
    rule: tuple[str, ...] = ()
    place: str
    local: tuple[str, ...] = ()


class CycleNotice(_Table):
    """A list that goes out on a day of the cycle: the audits of someone's service, or those not completed."""

    title: str
    at: DueWords
    to: tuple[str, ...]
    lists: str = Field(pattern="^(copies|not_completed)$")
    duty: str
    rule: tuple[str, ...] = ()
    place: str
    local: tuple[str, ...] = ()


class CycleRule(_Table):
    """When a cycle's list goes out and how it ends."""

    issue: DueWords
    closes: DueWords
    dispute_closes: DueWords | None = None
    dispute_late: DueWords | None = None
    rule: tuple[str, ...] = ()
    place: str
    notices: dict[str, CycleNotice] = Field(default_factory=dict)


class VerbRule(_Table):
    """Who may do what, and what must have happened first.

    `by` are targets; `after` is the ordinary order (a rehearsal may take it as done), `needs` are gates that
    nobody may skip. `refusal` says what to do instead when a gate is shut.
    """

    label: str
    by: tuple[str, ...]
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    refusal: str = ""
    rule: tuple[str, ...] = ()
    place: str = ""


class Setting(_Table):
    """A point that the framework leaves open or contradicts, with the value chosen for it."""

    value: str
    choices: tuple[str, ...]
    about: str


class Defaults(_Table):
    """Terms of every duty that doesn't set its own (LOCAL: no framework defines them)."""

    nudge: tuple[OffsetWords, ...]
    ladder: tuple[Rung, ...]


class SubmissionRule(_Table):
    """What the grade form asks beyond the grade."""

    feedback: tuple[str, ...] = ()
    feedback_place: str = ""
    section_grades: bool = True
    neglect_question: bool = False
    look_back: str = ""


class SamplingRule(_Table):
    """Where an auditor's case may come from: their own service area, or any."""

    area: str = Field(default="any", pattern="^(own|any)$")
    rule: tuple[str, ...] = ()
    place: str = ""


class Framework(_Table):
    """Everything that makes one council's audits differ from another's."""

    about: About
    defaults: Defaults
    cycle: CycleRule
    submission: SubmissionRule = SubmissionRule()
    sampling: SamplingRule = SamplingRule()
    settings: dict[str, Setting] = Field(default_factory=dict)
    grades: tuple[Grade, ...] = Field(min_length=2)
    sections: tuple[Section, ...] = ()
    roles: dict[str, Role]
    duties: dict[str, DutyRule]
    notices: dict[str, NoticeRule] = Field(default_factory=dict)
    verbs: dict[str, VerbRule]

    @property
    def name(self) -> str:
        return self.about.name

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        problems = problems_of(self)
        if problems:
            raise FrameworkError(problems)
        return self

    def grade(self, key: str | None) -> Grade | None:
        return next((grade for grade in self.grades if grade.key == key), None)

    def role_key(self, word: str) -> str | None:
        """The key of a role from its key, label or alias, whatever its capitals; None if there is none."""
        wanted = word.strip().casefold()
        for key, role in self.roles.items():
            if wanted in (key, role.label.casefold(), *(alias.casefold() for alias in role.aliases)):
                return key
        return None

    def scopes(self) -> dict[str, RoleScope]:
        return {key: RoleScope(role.label, role.reports_to, role.council) for key, role in self.roles.items()}

    @property
    def qa_roles(self) -> tuple[str, ...]:
        return tuple(key for key, role in self.roles.items() if role.qa)

    @property
    def auditor_roles(self) -> tuple[str, ...]:
        return tuple(key for key, role in self.roles.items() if role.audits)


def parse_framework(text: str, file: str) -> Framework:
    """Read a framework. Raises FrameworkError naming file, table and key of every mistake."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FrameworkError([f"{file}: this is not valid TOML: {error}."]) from error
    return _validated(raw, file)


def _validated(raw: Mapping[str, Any], file: str) -> Framework:
    try:
        return Framework.model_validate(raw)
    except FrameworkError as error:
        raise FrameworkError([f"{file}: {problem}" for problem in error.problems]) from error
    except ValidationError as error:
        problems: list[str] = []
        for detail in error.errors(include_url=False):
            inner = detail.get("ctx", {}).get("error")
            if isinstance(inner, FrameworkError):
                problems.extend(f"{file}: {problem}" for problem in inner.problems)
                continue
            *table, key = [str(part) for part in detail["loc"]] or ["?"]
            words = str(inner) if isinstance(inner, DateRuleError) else _in_words(detail["type"], detail["msg"])
            problems.append(f"{file}: [{'.'.join(table)}] {key}: {words}")
        raise FrameworkError(problems) from error


def _in_words(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "this key is missing; add it."
        case "extra_forbidden":
            return "there is no such key; check the spelling or remove it."
        case _:
            return f"{message}."


def with_settings(framework: Framework, overrides: Mapping[str, Any], file: str = "settings") -> Framework:
    """The framework with LOCAL terms replaced, by duty (`{oversee: {nudge: ["-1wd"]}}`), or a switch by its name.

    Raises FrameworkError for a duty, term or choice that isn't there, or a term that the framework's own text fixes.
    """
    raw = framework.model_dump(mode="python", exclude_unset=True)
    problems: list[str] = []
    for name, value in overrides.items():
        if name in framework.settings and not isinstance(value, Mapping):
            raw["settings"][name]["value"] = str(value)
        elif name in framework.duties and isinstance(value, Mapping):
            rule = framework.duties[name]
            for term, terms in value.items():
                if term in ("due", "late_due") and term not in rule.local:
                    problems.append(
                        f"{file}: {name}.{term} is the framework's own text ({rule.place}), not a local setting."
                    )
                elif term not in ("due", "late_due", "nudge", "ladder", "repeat", "follow_up"):
                    problems.append(
                        f"{file}: {name}.{term} can't be set. Local terms are due, nudge, ladder and repeat."
                    )
                else:
                    raw["duties"][name][term] = terms
        else:
            names = ", ".join([*framework.settings, *framework.duties])
            problems.append(f"{file}: there is no duty or switch {name!r} here. There are: {names}.")
    if problems:
        raise FrameworkError(problems)
    return _validated(raw, file)
