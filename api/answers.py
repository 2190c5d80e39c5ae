"""Answers: JSON made by orjson, times to the microsecond, versions as entity tags."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import Header, Response
from pydantic import BaseModel

from api.deps import Asked
from api.errors import NeedsVersion
from api.paging import encode
from core.errors import Invalid, Stale
from core.idempotency import Answer, Claim
from core.paging import Page
from core.wire import rfc3339

BASE = "/api/v1"
JSON = "application/json"
# No column that counts versions keeps a longer number.
_MOST_DIGITS = 9
IfMatch = Annotated[str | None, Header(description="The `ETag` of what was read.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=120,
        description="Any text, new for each new request: the same again gets the same answer.",
    ),
]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)


def encoded(content: Any) -> bytes:
    """`content` as JSON; numbers that JSON lacks become null."""
    return orjson.dumps(content, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def answer(
    content: Any, status: int = 200, *, version: int | None = None, headers: Mapping[str, str] = {}
) -> Response:
    """A JSON answer. version: becomes its entity tag."""
    tag = {} if version is None else {"ETag": f'"{version}"'}
    return Response(encoded(content), status, {**headers, **tag}, JSON)


def page_of_texts(page: Page[str]) -> bytes:
    """A page of a list as JSON, from items that are JSON already."""
    following = encoded(encode(page.next)).decode()
    return f'{{"items":[{",".join(page.items)}],"next":{following}}}'.encode()


def page_answer(page: Page[dict[str, Any]]) -> Response:
    """A page of a list as an answer."""
    return answer({"items": page.items, "next": encode(page.next)})


def expected_version(if_match: str | None, *, required: bool = False) -> int | None:
    """The version that `If-Match` names; None when it names none.

    Raises NeedsVersion when it must name one, Invalid when it is no entity tag of ours.
    """
    if if_match is None:
        if required:
            raise _needs_version()
        return None
    if if_match.strip() == "*":
        return None
    number = if_match.strip().removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise Invalid("If-Match is no version of ours", problems=["If-Match: send the ETag as is"])
    return int(number)


def fingerprint(content: Any) -> str:
    """The entity tag of something that counts no versions: a hash of what was shown."""
    return f'"{hashlib.sha256(encoded(content)).hexdigest()[:32]}"'


def marked(content: Any) -> Response:
    """A JSON answer with its fingerprint as entity tag."""
    return answer(content, headers={"ETag": fingerprint(content)})


def require_unchanged(if_match: str | None, content: Any) -> None:
    """Stale unless `content` is still what `If-Match` was given for; NeedsVersion without one."""
    if if_match is None:
        raise _needs_version()
    if if_match.strip() not in ("*", fingerprint(content)):
        raise Stale(
            "it was changed since you read it", advice="Load it again and repeat your change."
        )


def _needs_version() -> NeedsVersion:
    return NeedsVersion(
        "an edit names the version it was made from",
        advice="Send the ETag of what you read as If-Match.",
    )


def created(content: Any, location: str, *, version: int | None = None) -> Answer:
    """The answer to a request that made what stands at `location`, ready to be kept."""
    tag = {} if version is None else {"ETag": f'"{version}"'}
    return Answer(201, encoded(content), {"Location": f"{BASE}/{location}", **tag})


def claim(asked: Asked, route: str, key: str | None, body: BaseModel) -> Claim:
    """The request as its sender names it. route: method and path, ids filled in."""
    return Claim(asked.person, route, key, body.model_dump_json().encode(), asked.now)


def kept(made: Answer) -> Response:
    """A kept or fresh answer on its way out."""
    replayed = {"Idempotency-Replayed": "true"} if made.replayed else {}
    return Response(made.body, made.status, {**made.headers, **replayed}, "application/json")
