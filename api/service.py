"""What is promised over HTTP: service grades, terms and calendars, on nodes of the tree."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import IfMatch, answer, expected_version
from api.bodies import Body, Names
from api.deps import Asked, Permission
from api.errors import may_answer
from core.calendars import CalendarDraft, describe_calendar
from core.people import find_node
from workflows.tickets.promises import Terms, TermsAt, service_grades, terms_at
from workflows.tickets.service import change_calendar, change_terms, list_calendars

router = APIRouter(tags=["service"])
Reader = Annotated[Asked, Depends(Permission("places.read"))]
Writer = Annotated[Asked, Depends(Permission("service.write"))]
READ = "places.read"
Hours = Annotated[
    list[Annotated[list[str], Field(min_length=2, max_length=2)]], Field(max_length=12)
]


class GradeShown(BaseModel):
    """A shipped set of terms."""

    code: str
    name: dict[str, str]
    source: dict[str, str] = Field(description="The norm that it follows.")
    terms: Terms


class GradesShown(BaseModel):
    """Every shipped grade."""

    items: list[GradeShown]


class TermsShown(BaseModel):
    """What is promised on a node."""

    node_id: UUID | None = Field(description="Where it is kept; null: the standard grade.")
    grade: str
    own: bool = Field(description="Whether it was changed from what the grade says.")
    version: int
    terms: Terms


class TermsSaved(TermsShown):
    """What is promised now, and what that changed."""

    moved: int = Field(description="How many open tickets have another deadline now.")


class TermsBody(Body):
    """A shipped grade, or terms of one's own that began as one."""

    grade: Annotated[str, Field(max_length=60)]
    terms: Terms | None = Field(default=None, description="Null: as the grade says.")


class CalendarShown(BaseModel):
    """A calendar as it holds at a node."""

    code: str
    name: dict[str, str]
    node_id: UUID | None = Field(description="Where it is kept; null: shipped.")
    week: list[list[list[str]]] = Field(
        description="The hours of each weekday from Monday on, [from, to] in local time. "
        "Empty: day and night."
    )
    country: str | None = Field(description="Whose public holidays are free, ISO 3166-1.")
    country_given: str | None = Field(description="null: from the site's time zone; empty: none.")
    exceptions: dict[str, list[list[str]]]
    version: int
    unknown_years: list[int] = Field(
        description="Years whose holidays are not known yet: they count as plain weekdays."
    )


class CalendarList(BaseModel):
    """Every calendar that holds at a node."""

    items: list[CalendarShown]


class CalendarSaved(CalendarShown):
    """The calendar now, and what that changed."""

    moved: int = Field(description="How many open tickets have another deadline now.")


class CalendarBody(Body):
    """A calendar to make or change."""

    name: Names
    week: Annotated[list[Hours], Field(min_length=7, max_length=7)]
    country: Annotated[str, Field(max_length=2)] | None = None
    exceptions: Annotated[dict[str, Hours], Field(max_length=1000, default_factory=dict)]

    def draft(self, code: str) -> CalendarDraft:
        """The calendar that the body describes."""
        return CalendarDraft(code, self.name.filled(), self.week, self.country, self.exceptions)


@router.get("/service-grades", response_model=GradesShown)
def get_service_grades(asked: Reader) -> Response:
    """The grades that are shipped, with the norm that each follows."""
    del asked
    grades = [
        {
            "code": grade.code,
            "name": dict(grade.name),
            "source": dict(grade.source),
            "terms": grade.terms.model_dump(mode="json"),
        }
        for grade in service_grades().values()
    ]
    return answer({"items": grades})


def _terms(found: TermsAt) -> Mapping[str, Any]:
    return {
        "node_id": found.node_id,
        "grade": found.grade,
        "own": found.own,
        "version": found.version,
        "terms": found.terms.model_dump(mode="json"),
    }


@router.get("/nodes/{node_id}/terms", response_model=TermsShown, responses=may_answer(404))
def get_terms(node_id: UUID, asked: Reader) -> Response:
    """What is promised on a node: its own terms, or the nearest above it."""
    with asked.parts.database.read() as session:
        node = find_node(session, asked.caller, READ, node_id)
        found = terms_at(session, node.id)
    return answer(_terms(found), version=found.version if found.node_id == node_id else 0)


@router.put("/nodes/{node_id}/terms", response_model=TermsSaved, responses=may_answer(404, 412))
def put_terms(node_id: UUID, body: TermsBody, asked: Writer, if_match: IfMatch = None) -> Response:
    """Choose what is promised on a node and below; open tickets get their new deadlines."""
    with asked.parts.database.write() as session:
        node = find_node(session, asked.caller, READ, node_id)
        saved, changed = change_terms(
            session,
            asked.caller,
            node,
            grade=body.grade,
            own=body.terms,
            now=asked.now,
            expected_version=expected_version(if_match),
        )
    return answer({**_terms(saved), "moved": changed.moved}, version=changed.version)


@router.get("/nodes/{node_id}/calendars", response_model=CalendarList, responses=may_answer(404))
def get_calendars(node_id: UUID, asked: Reader) -> Response:
    """Every calendar that holds at a node: its own, those above it, and the shipped ones."""
    with asked.parts.database.read() as session:
        node = find_node(session, asked.caller, READ, node_id)
        found = list_calendars(session, node, now=asked.now)
    return answer({"items": found})


@router.get(
    "/nodes/{node_id}/calendars/{code}", response_model=CalendarShown, responses=may_answer(404)
)
def get_calendar(node_id: UUID, code: str, asked: Reader) -> Response:
    """A calendar as it holds at a node."""
    with asked.parts.database.read() as session:
        node = find_node(session, asked.caller, READ, node_id)
        found = describe_calendar(session, node, code, now=asked.now)
    return answer(found, version=found["version"] if found["node_id"] == node_id else 0)


@router.put(
    "/nodes/{node_id}/calendars/{code}",
    response_model=CalendarSaved,
    responses=may_answer(404, 412),
)
def put_calendar(
    node_id: UUID, code: str, body: CalendarBody, asked: Writer, if_match: IfMatch = None
) -> Response:
    """Make or change a calendar of a node; clocks that count in it are computed again."""
    with asked.parts.database.write() as session:
        node = find_node(session, asked.caller, READ, node_id)
        changed = change_calendar(
            session,
            asked.caller,
            node,
            body.draft(code),
            now=asked.now,
            expected_version=expected_version(if_match),
        )
        found = describe_calendar(session, node, code, now=asked.now)
    return answer({**found, "moved": changed.moved}, version=changed.version)
