"""What is promised: service grades as data, chosen on a node of the tree and inherited below."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, get_args
from uuid import UUID

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from sqlalchemy import ForeignKey, Integer, String, Text, and_, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from core import events
from core.calendars import ALWAYS, WRITE, codes_at
from core.db import Base, wait_turn
from core.errors import Invalid, Stale
from core.people import Caller
from core.places import Node
from rules.durations import format_duration, parse_duration
from rules.wording import worded
from workflows.tickets.model import KINDS, PRIORITIES

GRADES_FILE = Path(__file__).with_name("service_grades.yaml")
STANDARD = "standard"
# These can't wait for office hours, whatever rule or grade speaks of them.
NEVER_WAITS = ("critical", "high")
# A fire that nobody looked at for so long has looked after itself.
LONGEST_SEARCH = timedelta(hours=1)


def _span(value: object) -> object:
    return timedelta(microseconds=parse_duration(value)) if isinstance(value, str) else value


def _span_text(span: timedelta) -> str:
    return format_duration(round(span.total_seconds() * 1_000_000))


Span = Annotated[
    timedelta,
    BeforeValidator(_span, json_schema_input_type=str),
    PlainSerializer(_span_text, return_type=str),
]


def _longer_than_nothing(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("must be longer than 0s")
    return span


PromisedSpan = Annotated[Span, AfterValidator(_longer_than_nothing)]
Kind = Literal["repair", "hazard", "complaint", "inquiry", "inspection_finding", "incident"]
Priority = Literal["low", "medium", "high", "critical"]


EscalatesTo = Literal[
    "guard", "technician", "service_desk", "safety_officer", "supervisor", "manager",
    "administrator",
]  # fmt: skip
ESCALATES_TO = frozenset(get_args(EscalatesTo))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Promise(_Part):
    """One line of a grade: for which tickets, how soon, and in which calendar that counts."""

    kind: Kind | None = None
    category: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    priority: Priority | None = None
    respond_within: PromisedSpan
    resolve_within: PromisedSpan
    calendar: Annotated[str, Field(max_length=60)] = ALWAYS

    def fits(self, kind: str, category: str, priority: str) -> bool:
        """Whether it is meant for such a ticket."""
        return (
            self.kind in (None, kind)
            and self.category in (None, category)
            and self.priority in (None, priority)
        )


class Rung(_Part):
    """A step of the escalation: so long after the deadline, those of the role are told."""

    after: Span
    to: EscalatesTo


class Escalation(_Part):
    """Who is told when a clock runs out, in order."""

    response: Annotated[tuple[Rung, ...], Field(max_length=6)] = ()
    resolution: Annotated[tuple[Rung, ...], Field(max_length=6)] = ()


class FireTerms(_Part):
    """The short clock of a fire alarm, day and night, counted from when we learned of it.

    seen_within: somebody has seen it and is on the way. confirmed_within: somebody has looked on
    the spot. What is missed makes it a fire.
    """

    seen_within: PromisedSpan = timedelta(minutes=1)
    confirmed_within: PromisedSpan = timedelta(minutes=5)

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        if self.confirmed_within <= self.seen_within:
            raise ValueError("confirmed_within must be longer than seen_within")
        if self.confirmed_within > LONGEST_SEARCH:
            raise ValueError("confirmed_within is an hour at most")
        return self


MOST_SOS_RUNGS = 6


class SosTerms(_Part):
    """How a call for help climbs until somebody has answered it, counted from when it came.

    escalation: who is told beside those who were told at once. repeat: how often all of them are
    told again behind the last rung.
    """

    escalation: Annotated[tuple[Rung, ...], Field(min_length=1, max_length=MOST_SOS_RUNGS)] = (
        Rung(after=timedelta(seconds=30), to="supervisor"),
        Rung(after=timedelta(seconds=60), to="manager"),
        Rung(after=timedelta(seconds=120), to="administrator"),
    )
    repeat: PromisedSpan = timedelta(minutes=2)

    @model_validator(mode="after")
    def _soon_and_in_order(self) -> Self:
        spans = [rung.after for rung in self.escalation]
        if spans != sorted(spans):
            raise ValueError("escalation must go from the soonest to the latest")
        if max(*spans, self.repeat) > LONGEST_SEARCH:
            raise ValueError("escalation and repeat are an hour at most")
        return self


class SendsGuard(_Part):
    """A line of what guards are sent to: alarms that fit all of what it names."""

    life_safety: bool | None = None
    kind: Kind | None = None
    category: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    priority: Priority | None = None

    def fits(self, kind: str, category: str, priority: str, life_safety: bool) -> bool:
        """Whether a guard is sent to such a ticket."""
        return (
            self.life_safety in (None, life_safety)
            and self.kind in (None, kind)
            and self.category in (None, category)
            and self.priority in (None, priority)
        )


class GuardTerms(_Part):
    """To which alarms a guard is sent, and how long each step may take.

    send: an alarm that fits one line; none = guards are sent to nothing. team: whose people on
    duty go, beside whoever is at a post. answer_within: then it is offered to the next.
    arrive_within: then whoever leads them is told. again_every: how soon it is looked again for
    somebody, where nobody could be sent.
    """

    send: Annotated[tuple[SendsGuard, ...], Field(max_length=40)] = (
        SendsGuard(life_safety=True),
        SendsGuard(kind="incident", category="security"),
        SendsGuard(kind="hazard", category="security"),
        SendsGuard(kind="incident", category="access"),
        SendsGuard(kind="hazard", category="plumbing"),
        SendsGuard(kind="hazard", category="drainage"),
        SendsGuard(kind="hazard", category="fire"),
    )
    team: Annotated[str, Field(min_length=1, max_length=40)] = "security"
    answer_within: PromisedSpan = timedelta(seconds=45)
    arrive_within: PromisedSpan = timedelta(minutes=10)
    again_every: PromisedSpan = timedelta(minutes=1)

    @model_validator(mode="after")
    def _soon(self) -> Self:
        if max(self.answer_within, self.arrive_within, self.again_every) > LONGEST_SEARCH:
            raise ValueError("answer_within, arrive_within and again_every are an hour at most")
        return self


class Terms(_Part):
    """Everything that is promised on a node.

    warn_at: percent of a span after which the team is warned. hold_limit: a hold that lasts
    longer than this needs somebody who answers for tickets.
    """

    warn_at: Annotated[int, Field(ge=1, le=99)] = 75
    hold_limit: PromisedSpan = timedelta(days=7)
    escalation: Escalation = Escalation()
    fire_alarm: FireTerms = FireTerms()
    sos: SosTerms = SosTerms()
    guards: GuardTerms = GuardTerms()
    promises: Annotated[tuple[Promise, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _fits_everything(self) -> Self:
        for kind in KINDS:
            for priority in PRIORITIES:
                if not any(line.fits(kind, "", priority) for line in self.promises):
                    raise ValueError(f"no promise fits a {kind} of {priority} priority")
        return self

    def promise(self, kind: str, category: str, priority: str) -> Promise:
        """The first promise that fits such a ticket."""
        return next(line for line in self.promises if line.fits(kind, category, priority))


@dataclass(frozen=True, slots=True)
class Grade:
    """A shipped set of terms. source: the norm that it follows, in both languages."""

    code: str
    name: Mapping[str, str]
    source: Mapping[str, str]
    terms: Terms


@lru_cache(maxsize=1)
def service_grades() -> Mapping[str, Grade]:
    """The grades that are shipped, by code."""
    listed = yaml.safe_load(GRADES_FILE.read_text(encoding="utf-8"))
    grades = [
        Grade(one["code"], one["name"], one["source"], Terms.model_validate(one["terms"]))
        for one in listed
    ]
    return MappingProxyType({grade.code: grade for grade in grades})


class ServiceTerms(Base):
    """The terms of a node: a shipped grade, or a document of its own as JSON."""

    __tablename__ = "service_terms"

    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    grade: Mapped[str] = mapped_column(String(60))
    own: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1)


@dataclass(frozen=True, slots=True)
class TermsAt:
    """The terms that hold at a node. node_id: where they are kept; None = the standard grade."""

    node_id: UUID | None
    grade: str
    own: bool
    version: int
    terms: Terms


_KEEPER = aliased(Node)
# Of a node the terms of all above it, the nearest first; sites have few.
_TERMS = (
    select(ServiceTerms.node_id, ServiceTerms.grade, ServiceTerms.own, ServiceTerms.version)
    .select_from(Node)
    .join(_KEEPER, and_(func.substr(Node.path, 1, func.length(_KEEPER.path)) == _KEEPER.path))
    .join(ServiceTerms, ServiceTerms.node_id == _KEEPER.id)
    .where(Node.id == bindparam("of_node"))
    .order_by(func.length(_KEEPER.path).desc())
    .limit(1)
)


@lru_cache(maxsize=256)
def _parsed(grade: str, own: str | None) -> Terms:
    if own is not None:
        return Terms.model_validate_json(own)
    return service_grades()[grade].terms


def terms_at(session: Session, node_id: UUID) -> TermsAt:
    """The terms that hold at a node: its own or the nearest above, else the standard grade."""
    row = session.connection().execute(_TERMS, {"of_node": node_id}).first()
    if row is None:
        return TermsAt(None, STANDARD, False, 0, service_grades()[STANDARD].terms)
    terms = _parsed(row.grade, row.own)
    return TermsAt(row.node_id, row.grade, row.own is not None, row.version, terms)


def read_terms(document: Mapping[str, Any]) -> Terms:
    """Check a document of terms. Invalid with every problem at once."""
    try:
        return Terms.model_validate(document)
    except ValidationError as error:
        problems = [
            # What is wrong stands in the words of Pydantic, which are English.
            worded(
                "%(place)s: %(problem)s",
                place=".".join(str(part) for part in each["loc"]) or "terms",
                problem=each["msg"],
            )
            for each in error.errors(include_url=False)
        ]
    raise Invalid(worded("the terms were not saved"), problems=problems)


def save_terms(
    session: Session,
    caller: Caller,
    node: Node,
    *,
    grade: str,
    own: Terms | None,
    now: datetime,
    expected_version: int | None,
) -> TermsAt:
    """Choose a shipped grade for a node, or give it terms of its own that began as that grade.

    Invalid for an unknown grade or calendar; Stale when somebody changed the node's terms. The
    clocks of open tickets are the caller's to re-compute.
    """
    caller.require_over(WRITE, node)
    if grade not in service_grades():
        raise Invalid(
            worded("there is no such grade"),
            problems=[worded("grade: %(known)s", known=", ".join(service_grades()))],
        )
    terms = own or service_grades()[grade].terms
    known = codes_at(session, node)
    unknown = sorted({line.calendar for line in terms.promises} - set(known))
    if unknown:
        raise Invalid(
            worded("the terms were not saved"),
            problems=[
                worded("calendar: there is no %(code)s here", code=repr(code)) for code in unknown
            ],
        )
    wait_turn(session, Node.id, node.id)
    row = session.get(ServiceTerms, node.id, with_for_update=True)
    version = row.version if row else 0
    if expected_version is not None and expected_version != version:
        raise Stale(
            worded("the terms were changed since you read them"),
            advice=worded("Load them again and repeat your change."),
        )
    before = None if row is None else {"grade": row.grade, "own": row.own}
    if row is None:
        row = ServiceTerms(node_id=node.id)
        session.add(row)
    row.grade = grade
    row.own = None if own is None else own.model_dump_json()
    row.version = version + 1
    session.flush()
    events.append(
        session,
        "terms.change",
        ("node", node.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=node.id if node.kind == "site" else None,
        before=before,
        after={"grade": grade, "own": row.own},
    )
    return terms_at(session, node.id)
