"""Checkpoints over HTTP, and what is scanned at them."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import (
    BASE,
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    kept,
    marked,
    page_answer,
    require_unchanged,
)
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.shapes import (
    CheckpointChange,
    CheckpointItem,
    CheckpointPage,
    CheckpointToMake,
    ProofShown,
    TagProven,
    TagToFind,
    TapToProve,
    TokenItem,
    TokenList,
    TokenPut,
    TokenToPut,
)
from core.db import Session
from core.idempotency import keep, recall
from rules.catalog import Text
from workflows import patrol

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


@router.get("/checkpoint-proof", response_model=ProofShown, summary="What each kind proves")
def get_checkpoint_proof(asked: Reader) -> Response:
    """Grades, kinds of tokens with what each proves and can't, and verdicts, in both languages."""
    del asked
    kinds = [
        {
            "code": kind.code,
            "grade": kind.grade.value,
            "name": _both(kind.name),
            "proves": _both(kind.proves),
            "cannot": _both(kind.cannot),
        }
        for kind in patrol.KINDS.values()
    ]
    grades = [{"code": each.value, "name": _both(text)} for each, text in patrol.GRADES.items()]
    verdicts = [{"code": code, "text": _both(text)} for code, text in patrol.REASONS.items()]
    return answer({"grades": grades, "kinds": kinds, "verdicts": verdicts})


@router.get("/checkpoints", response_model=CheckpointPage, summary="List checkpoints")
def get_checkpoints(
    asked: Reader,
    site: UUID | None = None,
    state: Annotated[str | None, Query(max_length=20, description="active or retired.")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of code or name.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Checkpoints of every site where you see them, the last made first."""
    with asked.parts.database.read() as session:
        page = patrol.list_checkpoints(
            session, asked.caller, wish(limit, cursor, UUID), site_id=site, state=state, text=q
        )
    return page_answer(page)


@router.get(
    "/checkpoints/{checkpoint_id}", response_model=CheckpointItem, summary="Read a checkpoint"
)
def get_checkpoint(asked: Reader, checkpoint_id: UUID) -> Response:
    """Its asset, with alarms and tickets, stands under /assets with the same id."""
    with asked.parts.database.read() as session:
        return marked(patrol.describe_checkpoint(session, asked.caller, checkpoint_id))


@router.post(
    "/checkpoints",
    response_model=CheckpointItem,
    status_code=201,
    summary="Create a checkpoint",
    responses=may_answer(409),
)
def post_checkpoint(
    asked: Writer, body: CheckpointToMake, idempotency_key: IdempotencyKey = None
) -> Response:
    """With its asset, of the type `checkpoint`. An asset of that type is a checkpoint, too."""
    asked.caller.require(patrol.WRITE, body.site_id)
    request = claim(asked, "POST /checkpoints", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            row = patrol.create_checkpoint(
                session, body.site_id, body.new(), actor=asked.actor, now=asked.now
            )
            content = patrol.describe_checkpoint(session, asked.caller, row.id)
            made = keep(session, request, created(content, f"checkpoints/{row.id}"))
    return kept(made)


@router.patch(
    "/checkpoints/{checkpoint_id}",
    response_model=CheckpointItem,
    summary="Change a checkpoint",
    responses=may_answer(409, 412, 428),
)
def patch_checkpoint(
    asked: Writer, checkpoint_id: UUID, body: CheckpointChange, if_match: IfMatch = None
) -> Response:
    """Needs the ETag of what you read as If-Match. One that is out of use can't be changed."""
    with asked.parts.database.write() as session:
        row = _checkpoint(session, asked, checkpoint_id)
        shown = patrol.describe_checkpoint(session, asked.caller, checkpoint_id)
        require_unchanged(if_match, shown)
        patrol.change_checkpoint(session, row, body.changes(), actor=asked.actor, now=asked.now)
        return marked(patrol.describe_checkpoint(session, asked.caller, checkpoint_id))


def _checkpoint(session: Session, asked: Asked, checkpoint_id: UUID) -> patrol.Checkpoint:
    return patrol.find_checkpoint(
        session, asked.caller, checkpoint_id, now=asked.now, permission=patrol.WRITE
    )


@router.post(
    "/checkpoints/{checkpoint_id}/retire",
    response_model=CheckpointItem,
    summary="Take a checkpoint out of use",
    responses=may_answer(409),
)
def post_checkpoint_retire(asked: Writer, checkpoint_id: UUID) -> Response:
    """What is scanned there counts no more; what was scanned stays."""
    with asked.parts.database.write() as session:
        row = _checkpoint(session, asked, checkpoint_id)
        patrol.retire_checkpoint(session, row, actor=asked.actor, now=asked.now)
        return marked(patrol.describe_checkpoint(session, asked.caller, checkpoint_id))


@router.post(
    "/checkpoints/{checkpoint_id}/reactivate",
    response_model=CheckpointItem,
    summary="Take a checkpoint into use again",
    responses=may_answer(409),
)
def post_checkpoint_reactivate(asked: Writer, checkpoint_id: UUID) -> Response:
    """What stands there is scanned again."""
    with asked.parts.database.write() as session:
        row = _checkpoint(session, asked, checkpoint_id)
        patrol.reactivate_checkpoint(session, row, actor=asked.actor, now=asked.now)
        return marked(patrol.describe_checkpoint(session, asked.caller, checkpoint_id))


@router.get(
    "/checkpoints/{checkpoint_id}/tokens",
    response_model=TokenList,
    summary="List what is scanned at a checkpoint",
)
def get_checkpoint_tokens(asked: Reader, checkpoint_id: UUID) -> Response:
    """Also what was lost or replaced; without any secret."""
    with asked.parts.database.read() as session:
        patrol.describe_checkpoint(session, asked.caller, checkpoint_id)
        return answer({"items": patrol.tokens_of(session, checkpoint_id)})


@router.post(
    "/checkpoints/{checkpoint_id}/tokens",
    response_model=TokenPut,
    status_code=201,
    summary="Put something to be scanned at a checkpoint",
    responses=may_answer(409),
)
def post_checkpoint_token(
    asked: Writer, request: Request, checkpoint_id: UUID, body: TokenToPut
) -> Response:
    """Takes no Idempotency-Key: secrets are shown once and the answer is never kept."""
    with asked.parts.database.write() as session:
        row = _checkpoint(session, asked, checkpoint_id)
        put = patrol.put_token(
            session, row, body.new(), vault=asked.parts.vault, actor=asked.actor, now=asked.now
        )
        return _put(session, put, asked.parts.settings.sticker_base(str(request.base_url)))


def _put(session: Session, put: patrol.Put, base: str) -> Response:
    shown = {**_token(session, put.token), "secrets": dict(put.secrets)}
    query = put.secrets.get("query")
    shown["address"] = f"{base}/t?{query}" if query else ""
    shown["earlier_keys"] = [asdict(each) for each in put.earlier]
    location = f"{BASE}/checkpoints/{put.token.checkpoint_id}/tokens"
    return answer(shown, 201, headers={"Location": location, "Cache-Control": "no-store"})


def _token(session: Session, row: patrol.CheckpointToken) -> dict[str, Any]:
    found = patrol.tokens_of(session, row.checkpoint_id)
    return next(each for each in found if each["id"] == row.id)


@router.post(
    "/checkpoint-tokens/{checkpoint_token_id}/lose",
    response_model=TokenItem,
    summary="Report a token as lost",
    responses=may_answer(409),
)
def post_token_lose(asked: Writer, checkpoint_token_id: UUID) -> Response:
    """What is presented of it from now on is refused, with that reason."""
    with asked.parts.database.write() as session:
        row = _found(session, asked, checkpoint_token_id)
        patrol.lose_token(session, row, actor=asked.actor, now=asked.now)
        return answer(_token(session, row))


@router.post(
    "/checkpoint-tokens/{checkpoint_token_id}/find",
    response_model=TokenItem,
    summary="Take back that a token is lost",
    responses=may_answer(409),
)
def post_token_find(asked: Writer, checkpoint_token_id: UUID) -> Response:
    """A conflict when another one took its place meanwhile."""
    with asked.parts.database.write() as session:
        row = _found(session, asked, checkpoint_token_id)
        patrol.recover_token(session, row, actor=asked.actor, now=asked.now)
        return answer(_token(session, row))


@router.post(
    "/checkpoint-tokens/{checkpoint_token_id}/replace",
    response_model=TokenPut,
    status_code=201,
    summary="Put another token in the place of one",
    responses=may_answer(409),
)
def post_token_replace(
    asked: Writer, request: Request, checkpoint_token_id: UUID, body: TokenToPut
) -> Response:
    """Of the same kind. The same signed tag gets new keys, and those it had are refused."""
    with asked.parts.database.write() as session:
        row = _found(session, asked, checkpoint_token_id)
        put = patrol.replace_token(
            session, row, body.new(), vault=asked.parts.vault, actor=asked.actor, now=asked.now
        )
        return _put(session, put, asked.parts.settings.sticker_base(str(request.base_url)))


@router.post(
    "/checkpoint-tokens/of-tag",
    response_model=TokenItem,
    summary="Find out which token a signed tag is",
    responses=may_answer(404),
)
def post_token_of_tag(asked: Writer, body: TagToFind) -> Response:
    """Where you may set tags up. A POST, because a UID stands in no address."""
    with asked.parts.database.read() as session:
        row = patrol.token_of_tag(session, asked.caller, body.uid, vault=asked.parts.vault)
        return answer(_token(session, row))


@router.post(
    "/checkpoint-tokens/{checkpoint_token_id}/prove",
    response_model=TagProven,
    summary="Prove that a signed tag holds its keys",
    responses=may_answer(409),
)
def post_token_prove(asked: Writer, checkpoint_token_id: UUID, body: TapToProve) -> Response:
    """For who sets tags up: reads like a tap, is used up like one, and is no scan.

    A conflict with the reason when the tag does not hold the keys that were shown for it.
    """
    with asked.parts.database.write() as session:
        row = _found(session, asked, checkpoint_token_id)
        counter = patrol.prove_tag(
            session,
            row,
            body.address,
            vault=asked.parts.vault,
            actor=asked.actor,
            now=asked.now,
        )
        return answer({"counter": counter})


def _found(session: Session, asked: Asked, token_id: UUID) -> patrol.CheckpointToken:
    return patrol.find_token(session, asked.caller, token_id, permission=patrol.WRITE)
