"""Drafts of rules over HTTP: written, checked, reviewed, and put into force."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    expected_version,
    kept,
    page_answer,
)
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.rule_shapes import DraftPage, DraftWhole, State, describe_draft
from core.db import Session
from core.errors import Invalid
from core.idempotency import keep, recall
from core.rulebook_checks import LONGEST_DOCUMENT, check_document
from core.rulebook_drafts import (
    APPROVE,
    DRAFT,
    EDIT,
    LONGEST_REASON,
    NEEDS_REASON,
    OPEN,
    RIGHT_OF_ACTION,
    RuleDraft,
    Written,
    find_draft,
    save_draft,
    start_draft,
    start_from_version,
)
from core.rulebook_reading import list_drafts
from core.rulebook_review import act_on_draft
from rules.wording import worded

router = APIRouter(tags=["rules"])
Reader = Annotated[Asked, Depends(Permission(EDIT, or_else=(APPROVE,)))]
Writer = Annotated[Asked, Depends(Permission(EDIT))]
Document = Annotated[str, Field(max_length=LONGEST_DOCUMENT)]
# What comes into force is what was read, and nothing that was written since.
NEEDS_VERSION = ("approve",)
Words = Annotated[str, Field(max_length=LONGEST_REASON)]


class NewDraft(Body):
    """A draft to begin: with a document of its own, or from a version of a rule."""

    node_id: UUID | None = Field(None, description="Where it shall hold; by default as before.")
    document: Document | None = None
    rule_id: Annotated[str, Field(max_length=120)] = ""
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    reason: Words = ""


class DraftText(Body):
    """What a draft shall say from now on; it is kept also while it is not sound."""

    document: Document
    node_id: UUID
    reason: Words = ""
    seen_version: Annotated[int, Field(ge=0, lt=2**31)] | None = Field(
        None, description="In force when you compared it, 0: nothing; by default what is now."
    )


class Step(Body):
    """Why: for submitting, sending back and rejecting; of an approval, a note if wanted."""

    reason: Words = ""


class DocumentToCheck(Body):
    """A document that may hold one rule."""

    document: Document


class DocumentChecked(BaseModel):
    """What is wrong with it: `file:line:column: message`; none when it is sound."""

    problems: list[str]


def _whole(session: Session, asked: Asked, draft: RuleDraft) -> dict[str, Any]:
    name = f"{draft.rule_id or 'draft'}.yaml"
    checked = check_document(session, draft.document, name, draft.node_id)
    problems = asked.told(checked.texts)
    return {**describe_draft(draft), "document": draft.document, "problems": problems}


@router.get("/rule-drafts", response_model=DraftPage, summary="List drafts of rules, newest first")
def get_rule_drafts(
    asked: Reader,
    state: Annotated[State | None, Query(description="Without it: all that are open.")] = None,
    rule_id: Annotated[str | None, Query(max_length=120)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Drafts, requests in review, and what packs offer, where you may edit or approve rules."""
    with asked.parts.database.read() as session:
        page = list_drafts(
            session,
            asked.caller,
            wish(limit, cursor, datetime, UUID),
            states=OPEN if state is None else (state,),
            rule_id=rule_id,
        )
    return page_answer(page)


@router.post(
    "/rule-drafts",
    response_model=DraftWhole,
    status_code=201,
    summary="Begin a draft of a rule",
    responses=may_answer(404, 409),
)
def post_rule_draft(
    asked: Writer, body: NewDraft, idempotency_key: IdempotencyKey = None
) -> Response:
    """With a `document` and a `node_id` for a new rule; with `rule_id` and `version` for one that
    exists."""
    request = claim(asked, "POST /rule-drafts", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            draft = _begun(session, asked, body)
            place = f"rule-drafts/{draft.id}"
            made = keep(
                session,
                request,
                created(_whole(session, asked, draft), place, version=draft.version),
            )
    return kept(made)


def _begun(session: Session, asked: Asked, body: NewDraft) -> RuleDraft:
    if body.version is not None:
        draft = start_from_version(
            session, asked.caller, body.rule_id, body.version, now=asked.now, node_id=body.node_id
        )
        if body.document is None:
            return draft
        written = Written(body.document, draft.node_id, body.reason)
        return save_draft(
            session, asked.caller, draft, written, expected_version=None, now=asked.now
        )
    if body.document is None or body.node_id is None:
        raise Invalid(
            worded("there is nothing to begin with"),
            problems=[worded("give document and node_id, or rule_id and version")],
        )
    written = Written(body.document, body.node_id, body.reason)
    return start_draft(session, asked.caller, written, now=asked.now)


@router.get(
    "/rule-drafts/{draft_id}",
    response_model=DraftWhole,
    summary="Read a draft of a rule",
    responses=may_answer(404),
)
def get_rule_draft(asked: Reader, draft_id: UUID) -> Response:
    """With its document and what is wrong with it."""
    with asked.parts.database.read() as session:
        draft = find_draft(session, asked.caller, draft_id)
        content = _whole(session, asked, draft)
    return answer(content, version=draft.version)


@router.put(
    "/rule-drafts/{draft_id}",
    response_model=DraftWhole,
    summary="Write on a draft of a rule",
    responses=may_answer(404, 409, 412, 428),
)
def put_rule_draft(
    asked: Writer, draft_id: UUID, body: DraftText, if_match: IfMatch = None
) -> Response:
    """What is typed is never lost: an unsound document is kept, and can't be submitted."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        draft = find_draft(session, asked.caller, draft_id)
        written = Written(body.document, body.node_id, body.reason, body.seen_version)
        save_draft(session, asked.caller, draft, written, expected_version=version, now=asked.now)
        content = _whole(session, asked, draft)
    return answer(content, version=draft.version)


@router.post("/rule-checks", response_model=DocumentChecked, summary="Check the document of a rule")
def check_rule_document(asked: Reader, body: DocumentToCheck) -> Response:
    """Nothing is kept."""
    with asked.parts.database.read() as session:
        checked = check_document(session, body.document)
    return answer({"problems": asked.told(checked.texts)})


def _text(action: str) -> str:
    moves = "; ".join(f"{source} → {target}" for source, target in DRAFT.moves[action].items())
    reason = " Needs a `reason`." if action in NEEDS_REASON else ""
    version = " Needs the ETag of what you read as If-Match." if action in NEEDS_VERSION else ""
    return f"{moves}.{reason}{version} From any other status it is a conflict."


def _handler(action: str) -> Callable[..., Any]:
    def act(
        draft_id: UUID,
        body: Step,
        if_match: IfMatch = None,
        asked: Asked = Depends(Permission(RIGHT_OF_ACTION[action])),
    ) -> Response:
        version = expected_version(if_match, required=action in NEEDS_VERSION)
        with asked.parts.database.write() as session:
            draft = find_draft(session, asked.caller, draft_id)
            act_on_draft(
                session,
                asked.caller,
                draft,
                action,
                now=asked.now,
                reason=body.reason,
                expected_version=version,
            )
            content = _whole(session, asked, draft)
        return answer(content, version=draft.version)

    return act


for _action in DRAFT.moves:
    router.add_api_route(
        f"/rule-drafts/{{draft_id}}/actions/{_action}",
        _handler(_action),
        methods=["POST"],
        response_model=DraftWhole,
        name=f"{_action}_rule_draft",
        summary=f"{_action.replace('_', ' ').capitalize()} a draft of a rule",
        description=_text(_action),
        responses=may_answer(404, 409, 412, *((428,) if _action in NEEDS_VERSION else ())),
    )
