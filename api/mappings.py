"""Mappings over HTTP: tried on a message, put into force, read as YAML, their versions."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import IfMatch, answer, marked, require_unchanged
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from core.devices import Source
from core.errors import Invalid, NotFound
from core.mapping_trial import (
    Draft,
    Trial,
    draft_of,
    draft_of_text,
    save_mapping,
    try_draft,
    zone_of,
)
from core.mapping_versions import OPTION, versions_of
from core.mappings import Traced, as_yaml
from core.register import describe_source, find

router = APIRouter(tags=["sources"])
Reader = Annotated[Asked, Depends(Permission("devices.read"))]
Writer = Annotated[Asked, Depends(Permission("devices.write"))]
Text = Annotated[str, Field(max_length=200_000)]


class MappingToSave(Body):
    """A mapping as a document, or as text (YAML or JSON)."""

    mapping: dict[str, Any] | None = None
    text: Text | None = None

    def draft(self) -> Draft:
        """What is to be tried or saved. Invalid when there is not exactly one of both."""
        if (self.mapping is None) == (self.text is None):
            raise Invalid("there is no mapping", problems=["mapping, text: give one of them"])
        return draft_of_text(self.text) if self.text is not None else draft_of(self.mapping)


class MappingToTry(MappingToSave):
    """A mapping and a message. payload: as text; base64: as bytes."""

    topic: Annotated[str, Field(min_length=1, max_length=500)]
    payload: Annotated[str, Field(max_length=400_000)] | None = None
    base64: Annotated[str, Field(max_length=400_000)] | None = None

    def message(self) -> bytes:
        """The bytes of the message. Invalid when there is not exactly one of both."""
        if (self.payload is None) == (self.base64 is None):
            raise Invalid("there is no message", problems=["payload, base64: give one of them"])
        if self.payload is not None:
            return self.payload.encode("utf-8", "replace")
        try:
            return base64.b64decode(self.base64 or "", validate=True)
        except (ValueError, binascii.Error):
            raise Invalid("the message can't be read", problems=["base64: it is none"]) from None


class MappingFault(BaseModel):
    """A fault at its path, and at its line where the mapping was given as text."""

    path: str
    line: int | None
    message: str


class TriedReading(BaseModel):
    """What was seen of one reading. bytes: the first and the one behind the last, where it stands
    in bytes. value: what is told; null where nothing is.
    """

    path: str
    device: str
    key: str
    sent_as: str
    unit: str | None
    found: bool
    raw: Any
    value: Any
    ts: Any
    bytes: tuple[int, int] | None
    problem: str


class TriedProblem(BaseModel):
    """Why a part could not be read; it would be quarantined for this reason."""

    reason: str
    detail: str


class MappingTried(BaseModel):
    """What a mapping makes of a message. meant: it is about such messages at all.

    names: the levels of the topic that have one.
    """

    faults: list[MappingFault]
    meant: bool
    names: dict[str, str]
    readings: list[TriedReading]
    problems: list[TriedProblem]
    hex: str | None


class MappingSaved(BaseModel):
    """A mapping that is in force. asked: how many rows of quarantine are taken in again."""

    version: int
    asked: int


class MappingVersionItem(BaseModel):
    """A mapping that was in force. made_by: as `kind:id`."""

    version: int
    mapping: dict[str, Any]
    made_at: datetime
    made_by: str


class MappingVersions(BaseModel):
    """The mappings that a source has had, the newest first."""

    items: list[MappingVersionItem]


@router.get(
    "/sources/{source_id}/mapping",
    response_model=dict[str, Any],
    summary="Read the mapping of a source",
    responses={200: {"content": {"application/yaml": {}}, "description": "JSON, or YAML."}},
)
def get_mapping(
    asked: Reader,
    source_id: UUID,
    wanted: Annotated[Literal["json", "yaml"], Query(alias="format")] = "json",
) -> Response:
    """Its ETag is the source's, which an edit names."""
    with asked.parts.database.read() as session:
        content = describe_source(session, asked.caller, source_id)
    document = content["options"].get(OPTION)
    if document is None:
        raise NotFound("this source has no mapping yet", advice="Put one there first.")
    tag = {"ETag": marked(content).headers["ETag"]}
    if wanted == "yaml":
        return Response(as_yaml(document), 200, tag, "application/yaml")
    return answer(document, headers=tag)


@router.put(
    "/sources/{source_id}/mapping",
    response_model=MappingSaved,
    summary="Put a mapping into force",
    responses=may_answer(409, 412, 422, 428),
)
def put_mapping(
    asked: Writer, source_id: UUID, body: MappingToSave, if_match: IfMatch = None
) -> Response:
    """The source speaks the dialect `mapping` from then on, and what waits in quarantine on its
    topics is taken in again. Needs the ETag of the source as If-Match.
    """
    draft = body.draft()
    with asked.parts.database.write() as session:
        source = find(session, asked.caller, Source, source_id, to_change=True)
        asked.caller.require("devices.write", source.site_id)
        require_unchanged(if_match, describe_source(session, asked.caller, source_id))
        if draft.mapping is None:
            raise Invalid(
                "the mapping was not saved",
                problems=asked.told(fault.text for fault in draft.faults),
                advice="Correct them and try again.",
            )
        count = save_mapping(
            session, asked.caller, source, draft.document, actor=asked.actor, now=asked.now
        )
        newest = versions_of(session, source_id, 1)
    return answer({"version": newest[0].number, "asked": count})


@router.post(
    "/sources/{source_id}/mapping/try",
    response_model=MappingTried,
    summary="Try a mapping on a message",
    responses=may_answer(422),
)
def post_mapping_trial(asked: Writer, source_id: UUID, body: MappingToTry) -> Response:
    """Nothing is kept of it. Faults stand at their paths; without any, what would be told."""
    with asked.parts.database.read() as session:
        source = find(session, asked.caller, Source, source_id)
        asked.caller.require("devices.write", source.site_id)
        where = zone_of(session, source)
    return answer(_tried(try_draft(body.draft(), body.topic, body.message(), where), asked))


@router.get(
    "/sources/{source_id}/mapping/versions",
    response_model=MappingVersions,
    summary="List the mappings that a source has had",
)
def get_mapping_versions(asked: Reader, source_id: UUID) -> Response:
    """The newest first, a hundred at most."""
    with asked.parts.database.read() as session:
        find(session, asked.caller, Source, source_id)
        rows = [
            {
                "version": row.number,
                "mapping": row.document,
                "made_at": row.made_at,
                "made_by": row.made_by,
            }
            for row in versions_of(session, source_id)
        ]
    return answer({"items": rows})


def _tried(trial: Trial, asked: Asked) -> dict[str, Any]:
    draft = trial.draft
    texts = asked.told(fault.message for fault in draft.faults)
    troubles = trial.outcome.troubles
    details = asked.told(each.detail for each in troubles)
    return {
        "faults": [
            {"path": fault.where, "line": draft.line(fault), "message": text}
            for fault, text in zip(draft.faults, texts, strict=True)
        ],
        "meant": trial.outcome.meant,
        "names": trial.trace.names,
        "readings": [_reading(line, asked) for line in trial.trace.lines],
        "problems": [
            {"reason": each.reason, "detail": text}
            for each, text in zip(troubles, details, strict=True)
        ],
        "hex": trial.trace.data.hex(" ") if trial.trace.data is not None else None,
    }


def _reading(line: Traced, asked: Asked) -> Mapping[str, Any]:
    return {
        "path": line.where,
        "device": line.device,
        "key": line.key,
        "sent_as": line.sent_as,
        "unit": line.unit,
        "found": line.found,
        "raw": plain(line.raw),
        "value": line.value,
        "ts": plain(line.ts),
        "bytes": line.span,
        "problem": asked.told([line.problem])[0],
    }


def plain(raw: Any) -> Any:
    """A raw value as JSON can tell it: what is no plain value as its first characters."""
    if raw is None or isinstance(raw, bool | float):
        return raw
    if isinstance(raw, int):
        return raw if abs(raw) < 2**53 else float(max(-(10**300), min(raw, 10**300)))
    return str(raw)[:200] if isinstance(raw, str) else f"{type(raw).__name__}"
