"""A council's framework as data: the shape of its TOML file."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from audits.dates import Cycle, day_words, parse_offset, parse_rule
from audits.moderating import DrawTerms
from audits.people import RoleScope
from audits.sampling import SamplingTerms


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
    """The document behind the rules. `builds_on` names a file whose entries stand wherever this one has none;
    `leave_out` names entries of it that this framework does without (`duties.dispute`)."""

    name: str
    title: str
    document: str
    case_system: str
    review_by: date | None = None
    banner: str = ""
    zone: str = "Europe/London"
    builds_on: str | None = None
    leave_out: tuple[str, ...] = ()

    def out_of_review(self, day: date) -> str:
        """What QA officers are told once the review date has gone by; empty until then."""
        if self.review_by is None or day <= self.review_by:
            return ""
        return self.banner or f"This framework was due for review by {day_words(self.review_by)}. Please check it."


class Grade(_Table):
    """A word of the grade scale. `mark` is a symbol shown beside the word, so that colour never carries it."""

    key: str
    label: str
    mark: str
    descriptor: str
    good: bool = False


class OldGrade(_Table):
    """A range of a numerical scale that the council used before, and the grade that it means today."""

    least: int
    most: int
    grade: str


class Section(_Table):
    """A part of the audit tool. `only_if` says for which children it is filled in, where that isn't all of them."""

    key: str
    label: str
    prompt: str
    only_if: str = ""


class Role(_Table):
    """Who may hold duties. `council` roles are held anywhere, others near the case holder; `qa` may ask about all.

    `cases`: whoever has this role holds cases. `plans`: this role audits only cases with these plans. `one_of`: a role
    that is nobody's job title, taken in turn by people of these roles, never by the auditor.
    """

    label: str
    reports_to: str | None = None
    council: bool = False
    qa: bool = False
    audits: bool = False
    cases: bool = False
    plans: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Condition(_Table):
    """Facts that must hold. An empty condition always holds.

    `grade` is the one that stands, `first_grade` the auditor's own.
    `fact` and `no_fact` name what a form answered; `done` and `not_done` name events; `actions` is whether there are
    remedial actions; `changed` whether moderation changed the grade; `on_hold` whether its outcome is kept back;
    `moderation` is "concern" or "satisfactory" as the moderator found the audit itself.
    """

    grade: tuple[str, ...] | None = None
    first_grade: tuple[str, ...] | None = None
    good_grade: bool | None = None
    safety: bool | None = None
    kind: tuple[str, ...] | None = None
    plan: tuple[str, ...] | None = None
    fact: str | None = None
    no_fact: str | None = None
    moderated: bool | None = None
    changed: bool | None = None
    moderation: Literal["concern", "satisfactory"] | None = None
    on_hold: bool | None = None
    actions: bool | None = None
    done: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    setting: dict[str, str] = Field(default_factory=dict)


class Rung(_Table):
    """A step of the ladder. `at` counts from the moment that `ladder_from` names; `to` are targets."""

    at: OffsetWords = "0d"
    to: tuple[str, ...]
    what: str = "escalation"


class Variant(_Table):
    """Terms that differ under a condition; the first that holds is taken.

    `at_most`: the day agreed for an action may be earlier than this due, never later.
    """

    when: Condition
    owner: str | None = None
    due: DueWords | None = None
    counts_from: str | None = None
    at_most: bool = False
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
    when: Condition = Condition()


class Issue(_Table):
    """When a re-audit is allocated by itself: counted from the opening of its duty, to a target."""

    at: OffsetWords
    to: str


class DutyRule(_Table):
    """A rule of the framework: see the design, "The one idea: a duty".

    `tell` are told of the opening beside the owner; a `silent` duty sends no request of its own, because a notice
    carries it. The first event of `closed_by` is the owner's own answer; the others close the duty from outside.
    `counts_from` is the event from which its due time runs, where that isn't its opening. `remind_after` are nudges
    counted from the opening. `ladder_from` is where the ladder begins: `overdue` (09:00 on the working day after),
    `due` (the nominal moment) or `opening`. `checks` are ticks that the answer needs, `button` and `note` the words of
    its card. `local` lists the terms on which the framework's document is silent.
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
    counts_from: str | None = None
    not_before: DueWords | None = None
    issue: Issue | None = None
    variants: tuple[Variant, ...] = ()
    per_action: bool = False
    per_owner: tuple[str, ...] = ()
    waits_for: str | None = None
    keep_while: Condition | tuple[Condition, ...] | None = None
    tell: tuple[str, ...] = ()
    what: str = "message"
    nudge: tuple[OffsetWords, ...] | None = None
    remind_after: tuple[OffsetWords, ...] = ()
    nudge_to: tuple[str, ...] = ("owner",)
    ladder: tuple[Rung, ...] | None = None
    ladder_from: Literal["overdue", "due", "opening"] = "overdue"
    repeat: Repeat | None = None
    lapses: bool = False
    silent: bool = False
    follow_up: OffsetWords | None = None
    checks: tuple[str, ...] = ()
    button: str = ""
    note: str = ""
    rule: tuple[str, ...] = ()
    place: str
    local: tuple[str, ...] = ()

    @property
    def allocates_again(self) -> bool:
        """Whether this duty has its case allocated again by itself."""
        return self.not_before is not None or self.issue is not None

    @property
    def kept_while(self) -> tuple[Condition, ...]:
        """The conditions one of which must hold for the duty to go on; none where it goes on anyway."""
        if self.keep_while is None:
            return ()
        return (self.keep_while,) if isinstance(self.keep_while, Condition) else self.keep_while


class NoticeRule(_Table):
    """Something that named people are told when an event happens.

    `duty` is what it belongs to in reports; `shows` is the duty whose request it carries, if it carries one.
    `no_later_than` is the framework's long-stop for it. `copy_of_audit` adds the audit itself, for those who may see
    it; `invitation` the calendar entry of the moderator's conversation.
    """

    title: str
    text: str
    on: tuple[str, ...]
    to: tuple[str, ...]
    duty: str
    shows: str | None = None
    when: Condition = Condition()
    what: str = "message"
    no_later_than: DueWords | None = None
    copy_of_audit: bool = False
    invitation: bool = False
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
    """When a cycle's list goes out and how it ends.

    `every` is the number of months from one cycle to the next, `first_month` the month of the year that one begins in.
    """

    issue: DueWords
    closes: DueWords
    every: int = Field(default=1, ge=1, le=12)
    first_month: int = Field(default=1, ge=1, le=12)
    dispute_closes: DueWords | None = None
    dispute_late: DueWords | None = None
    rule: tuple[str, ...] = ()
    place: str
    local: tuple[str, ...] = ()
    notices: dict[str, CycleNotice] = Field(default_factory=dict)


class VerbRule(_Table):
    """Who may do what, and what must have happened first.

    `by` are targets; `after` is the ordinary order (a rehearsal may take it as done), `needs` are gates that
    nobody may skip. While a duty of `waits_for` is open the gate is shut as well. `refusal` says what to do instead
    when a gate is shut.
    """

    label: str
    by: tuple[str, ...]
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    refusal: str = ""
    rule: tuple[str, ...] = ()
    place: str = ""
    local: tuple[str, ...] = ()


class Setting(_Table):
    """A point that the framework leaves open or contradicts, with the value chosen for it.

    `default` is the value that the rules state; another one needs `decided_by` and `decided_on`.
    """

    value: str
    choices: tuple[str, ...]
    about: str
    default: str | None = None
    decided_by: str = ""
    decided_on: date | None = None
    rule: tuple[str, ...] = ()
    place: str = ""

    @property
    def departs(self) -> bool:
        """Whether the council has chosen otherwise than the rules state."""
        return self.default is not None and self.value != self.default

    @property
    def decision(self) -> str:
        """Who decided to depart, and when; empty where nobody did."""
        if not self.departs:
            return ""
        day = f" on {day_words(self.decided_on)}" if self.decided_on else ""
        return f"Decided by {self.decided_by or 'somebody unnamed'}{day}: {self.value.replace('_', ' ')}."


class Defaults(_Table):
    """Terms of every duty that doesn't set its own (LOCAL: no framework defines them)."""

    nudge: tuple[OffsetWords, ...]
    ladder: tuple[Rung, ...]


class SubmissionRule(_Table):
    """What the grade form asks beyond the grade.

    `feedback` are the people whose views are sought; `another_manager`: whether somebody else should seek them where
    the auditor gives a reason instead. `stretch` are the people who get a stretch target. `good_example` asks for a
    piece of practice worth recognising, `neglect_question` for a suspicion of long-term neglect. `advice` stands above
    the form.
    """

    feedback: tuple[str, ...] = ()
    feedback_place: str = ""
    feedback_later: bool = False
    another_manager: bool = False
    section_grades: bool = True
    neglect_question: bool = False
    stretch: tuple[str, ...] = ()
    stretch_place: str = ""
    good_example: bool = False
    advice: tuple[str, ...] = ()
    look_back: str = ""
    session_minutes: int = Field(default=60, gt=0, le=480)


class SamplingRule(_Table):
    """Where an auditor's case may come from, and what the whole draw should look like (see audits/sampling.py)."""

    area: Literal["own", "other", "any"] = "any"
    team: Literal["own", "other", "any"] = "any"
    linked: bool = False
    practitioner_months: int | None = Field(default=None, ge=1, le=60)
    mix: tuple[Literal["plan", "sex", "age_band", "ethnicity_group"], ...] = ()
    services: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    place: str = ""
    local: tuple[str, ...] = ()


class ModerationRule(_Table):
    """Which audits are moderated beyond those that a duty names, and what is kept back meanwhile.

    The draw is taken at `draw_at` from the audits completed since the last one (see audits/moderating.py), where the
    settings that `when` names have these values. `hold`
    keeps the outcome from everyone but the moderators until it was talked through with the auditor, where the grade
    changed or there is a concern about the audit.
    """

    draw_at: DueWords | None = None
    when: dict[str, str] = Field(default_factory=dict)
    share: int = Field(default=0, ge=0, le=100)
    most: int | None = Field(default=None, ge=0, le=100)
    of: Literal["all", "rest"] = "all"
    always: tuple[str, ...] = ()
    ranked: tuple[str, ...] = ()
    proficient: int = Field(default=0, ge=0)
    each_grade: bool = False
    hold: bool = False
    asks_about_audit: bool = False
    points: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    place: str = ""
    local: tuple[str, ...] = ()


class LimitRule(_Table):
    """How many audits of a kind one person may be given in a calendar year; QA may go beyond it with a reason."""

    most: int = Field(ge=1)
    roles: tuple[str, ...] = ()
    text: str
    rule: tuple[str, ...] = ()
    place: str


class ThemeRule(_Table):
    """What a theme of thematic audits needs before its first case is allocated.

    `asks` are the points of its terms of reference, `signed_off_by` the body that signs them off, in words. `most` is
    how many themes may begin in a calendar year; QA may go beyond it with a reason.
    """

    most: int | None = Field(default=None, ge=1)
    signed_off_by: str = Field(min_length=1)
    asks: tuple[str, ...] = Field(min_length=1)
    rule: tuple[str, ...] = ()
    place: str
    local: tuple[str, ...] = ()


class Framework(_Table):
    """Everything that makes one council's audits differ from another's."""

    about: About
    defaults: Defaults
    cycle: CycleRule
    submission: SubmissionRule = SubmissionRule()
    sampling: SamplingRule = SamplingRule()
    moderation: ModerationRule = ModerationRule()
    limits: dict[str, LimitRule] = Field(default_factory=dict)
    themes: ThemeRule | None = None
    settings: dict[str, Setting] = Field(default_factory=dict)
    grades: tuple[Grade, ...] = Field(min_length=2)
    old_scale: tuple[OldGrade, ...] = ()
    sections: tuple[Section, ...] = ()
    roles: dict[str, Role]
    duties: dict[str, DutyRule]
    notices: dict[str, NoticeRule] = Field(default_factory=dict)
    verbs: dict[str, VerbRule]

    @property
    def name(self) -> str:
        return self.about.name

    def __repr__(self) -> str:
        # Whatever holds a framework would say all of it, which takes tens of milliseconds.
        return f"Framework({self.name!r})"

    def grade(self, key: str | None) -> Grade | None:
        return next((grade for grade in self.grades if grade.key == key), None)

    def grade_key(self, text: str) -> str | None:
        """The key of a grade from its key, its label or a number of the old scale; None where it is none of them."""
        wanted = text.strip().casefold().replace(" ", "_")
        for grade in self.grades:
            if wanted in (grade.key, grade.label.casefold().replace(" ", "_")):
                return grade.key
        if wanted.isdecimal() and len(wanted) < 4:
            return next((old.grade for old in self.old_scale if old.least <= int(wanted) <= old.most), None)
        return None

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
    def qa_label(self) -> str:
        """What those who answer for quality assurance are called here."""
        return next((role.label for role in self.roles.values() if role.qa), "QA officer")

    @property
    def auditor_roles(self) -> tuple[str, ...]:
        return tuple(key for key, role in self.roles.items() if role.audits)

    def addressed(self) -> frozenset[str]:
        """The roles that something is asked of, or told, by their own name."""
        targets: set[str] = set()
        for duty in self.duties.values():
            rungs = self.defaults.ladder if duty.ladder is None else duty.ladder
            targets |= {duty.owner, *duty.per_owner, *duty.tell, *duty.nudge_to}
            targets |= {target for rung in rungs for target in rung.to}
            targets |= {variant.owner for variant in duty.variants if variant.owner is not None}
        targets |= {target for notice in self.notices.values() for target in notice.to}
        targets |= {target for notice in self.cycle.notices.values() for target in notice.to}
        return frozenset(targets & set(self.roles))

    @property
    def case_roles(self) -> tuple[str, ...]:
        return tuple(key for key, role in self.roles.items() if role.cases)

    @property
    def first_month(self) -> int:
        """The month of the year in which a cycle begins; a setting called `anchor_month` has the last word."""
        setting = self.settings.get("anchor_month")
        return int(setting.value) if setting else self.cycle.first_month

    def has_cycle(self, cycle: Cycle) -> bool:
        """Whether audits are allocated in this month at all."""
        return (cycle.first.month - self.first_month) % self.cycle.every == 0

    def sampling_terms(self, *, by_hand: bool = False) -> SamplingTerms:
        """The constraints of the draw; those for an auditor chosen by hand, who may come from any service area where
        the draw would stay in one."""
        rule = self.sampling
        return SamplingTerms(
            area="any" if by_hand and rule.area == "own" else rule.area,
            team=rule.team,
            linked=rule.linked,
            practitioner_months=rule.practitioner_months,
            mix=tuple(rule.mix),
            services=rule.services,
            role_plans={key: role.plans for key, role in self.roles.items() if role.plans},
        )

    @property
    def draws(self) -> str | None:
        """When the moderation draw is taken; None where there is none."""
        chosen = all(self.settings[name].value == value for name, value in self.moderation.when.items())
        return self.moderation.draw_at if chosen else None

    def draw_terms(self) -> DrawTerms:
        """The terms of the moderation draw."""
        rule = self.moderation
        return DrawTerms(
            share=rule.share,
            most=rule.most,
            of=rule.of,
            always=rule.always,
            ranked=rule.ranked,
            proficient=rule.proficient,
            each_grade=rule.each_grade,
        )
