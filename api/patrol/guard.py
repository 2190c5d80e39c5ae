"""What guards' phones ask: to be known, to sign people in, the plan, the journal, its files."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from api.answers import answer, fingerprint
from api.errors import may_answer
from api.patrol.guard_shapes import (
    Enrolled,
    FileShown,
    JournalBatch,
    JournalTaken,
    LooksShown,
    PhoneToEnrol,
    PlanShown,
    SignedInByPin,
    SignInByPin,
    SignOut,
)
from api.patrol.phone_deps import ByPhone
from core.db import Session, despite_deadlocks
from core.errors import Conflict
from core.limits import Limit, take
from workflows import dispatch
from workflows.patrol.journal.files import (
    TooLarge,
    describe_file,
    find_file,
    finish_file,
    put_piece,
    waiting_files,
)
from workflows.patrol.journal.model import JournalEntry
from workflows.patrol.journal.taking import Batch, take_batch
from workflows.patrol.journal.verdicts import describe_verdict
from workflows.patrol.phones.enrolling import TRIES, TRIES_WITHIN, NewPhone, checked_key, enrol
from workflows.patrol.phones.entering import Allowed, Typed, enter
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.plan import BATCH_BYTES, phone_shown, plan_of
from workflows.patrol.phones.signing_in import sign_out
from workflows.patrol.privacy import looking

router = APIRouter(tags=["guard"])
Offset = Annotated[int, Path(ge=0, le=2**31 - 1)]
_PIECE = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


class Forked(Conflict):
    """Two continue one journal."""

    def __init__(self, seq: int, accepted: int) -> None:
        super().__init__(
            "another entry stands under this number: two phones continue one journal",
            advice="Ask a supervisor for a new code, and set this phone up again.",
        )
        self.members = {"code": "fork", "seq": seq, "accepted": accepted}


@router.post(
    "/guard/phones",
    response_model=Enrolled,
    status_code=201,
    summary="Set a phone up",
    responses=may_answer(404, 409, 429),
)
def post_guard_phone(asked: ByPhone, body: PhoneToEnrol) -> Response:
    """With the code of a place that a supervisor made, proved by the key that it brings.

    The same again gets the same answer for as long as the code would have counted.
    """
    key = checked_key(body.key.model_dump())
    asked.require(str(body.id), key)
    tries = Limit("phone.enrol", (asked.address,), TRIES, TRIES_WITHIN)
    take(asked.parts.database, [tries], now=asked.now)
    new = NewPhone(body.id, body.code, key, body.browser, body.app)
    with asked.parts.database.write() as session:
        phone = enrol(session, new, vault=asked.parts.vault, now=asked.now)
        return answer({"phone": phone_shown(phone), "server_time": asked.now}, 201)


@router.post(
    "/guard/sign-in",
    response_model=SignedInByPin,
    summary="Sign in on a phone by PIN",
    responses=may_answer(429),
)
def post_guard_sign_in(asked: ByPhone, body: SignInByPin) -> Response:
    """The answer holds a token for the other routes of the API, limited to what guards do.

    By a badge without a PIN, where the company allows that on phones of a post, it holds none.
    401 with `code: wrong` says as much of an unknown login or badge as of a wrong PIN.
    """
    with asked.parts.database.write() as session:
        phone_id = asked.phone_once(session)[0].id
    typed = Typed(body.pin, body.login, body.person_id, body.badge, body.new_pin)
    came = enter(
        asked.parts.database,
        phone_id,
        typed,
        allowed=Allowed(asked.offline, asked.parts.settings.phone_badge_alone),
        vault=asked.parts.vault,
        now=asked.now,
    )
    person = {"id": came.person.id, "name": came.person.name, "locale": came.person.locale}
    content = {
        "person": person,
        "token": came.token,
        "token_ends_at": came.offline_until if came.token else None,
        "badge_id": came.badge_id,
        "offline_until": came.offline_until,
        "server_time": asked.now,
    }
    return answer(content)


@router.post("/guard/sign-out", status_code=204, summary="Sign out of a phone")
def post_guard_sign_out(asked: ByPhone, body: SignOut) -> Response:
    """Ends the token of somebody on this phone. Again changes nothing."""
    with asked.parts.database.write() as session:
        sign_out(session, asked.phone_once(session)[0], body.person_id, now=asked.now)
    return Response(status_code=204)


@router.get(
    "/guard/plan",
    response_model=PlanShown,
    summary="Read what a phone takes along",
    responses={304: {"description": "Nothing of it has changed."}},
)
def get_guard_plan(
    asked: ByPhone,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The rounds of the next 36 hours, the people of the phone, and what it may report."""
    settings = asked.parts.settings
    with asked.parts.database.read() as session:
        plan = plan_of(
            session,
            asked.phone(session),
            offline_hours=settings.phone_offline_hours,
            badge_alone=settings.phone_badge_alone,
            now=asked.now,
        )
        plan["posts"] = _with_hand_overs(session, plan)
    tag = {"ETag": fingerprint(plan)}
    if if_none_match is not None and if_none_match.strip() == tag["ETag"]:
        return Response(status_code=304, headers=tag)
    return answer({"server_time": asked.now, **plan}, headers=tag)


def _with_hand_overs(session: Session, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The posts of a plan, each with a hand-over that waits there to be accepted.

    Of others than the people of the phone it is not told who offers it.
    """
    waiting = dispatch.waiting_at(session, [post["id"] for post in plan["posts"]])
    people = {person["id"] for person in plan["people"]}
    told = {
        post_id: {"from_id": from_id if from_id in people else None}
        for post_id, from_id in waiting.items()
    }
    return [{**post, "hand_over": told.get(post["id"])} for post in plan["posts"]]


@router.get("/guard/looks", response_model=LooksShown, summary="Read who looked at a track")
def get_guard_looks(asked: ByPhone) -> Response:
    """At that of whoever is signed in, as far as the journal tells; of nobody, nothing."""
    with asked.parts.database.read() as session:
        person = asked.phone(session).signed_in_id
        looks = [] if person is None else looking.looks_at(session, person)
    return answer({"person_id": person, "looks": looks})


@router.get("/guard/journal", response_model=JournalTaken, summary="Read how far a journal is")
def get_guard_journal(asked: ByPhone) -> Response:
    """As the answer to a batch without entries; changes nothing."""
    with asked.parts.database.read() as session:
        return answer(_taken(session, asked, asked.phone(session), ()))


@router.post(
    "/guard/journal",
    response_model=JournalTaken,
    summary="Hand in entries of a journal",
    responses=may_answer(409, 413),
)
def post_guard_journal(asked: ByPhone, body: JournalBatch) -> Response:
    """In order, at most 100 entries and 256 KiB; one batch is one transaction.

    Entries that are known change nothing and get the verdict that they got. 409 with `code: gap`
    says from where to send again, with `code: fork` that two continue this journal; 422 with
    `code: chain` names the entry that does not follow the one before.
    """
    if sum(len(entry.encode()) for entry in body.entries) > BATCH_BYTES:
        raise TooLarge("the batch is too large", advice="Send fewer entries at once.")
    content, forked_at = despite_deadlocks(lambda: _take_in(asked, body))
    if forked_at is not None:
        # After the transaction, which keeps what was seen of it.
        raise Forked(forked_at, content["accepted"])
    return answer(content)


def _take_in(asked: ByPhone, body: JournalBatch) -> tuple[dict[str, Any], int | None]:
    """One transaction. Its locks follow the way that a guard went: another may come from there."""
    with asked.parts.database.write() as session:
        phone, proof = asked.phone_once(session)
        batch = Batch(
            body.entries,
            body.signature or "",
            body.head,
            body.sent_at,
            body.app,
            body.storage.model_dump() if body.storage else {},
            body.boot,
            body.mono_ms,
            proof.asked_at,
        )
        taken = take_batch(session, phone, batch, vault=asked.parts.vault, now=asked.now)
        return _taken(session, asked, phone, taken.entries), taken.forked_at


def _taken(session: Session, asked: ByPhone, phone: Phone, entries: Any) -> dict[str, Any]:
    rows: list[JournalEntry] = list(entries)
    return {
        "accepted": phone.accepted,
        "hash": phone.head_hash,
        "server_time": asked.now,
        "offset_ms": phone.offset_ms,
        "told_until": phone.told_until,
        "verdicts": [describe_verdict(row) for row in rows],
        "files": [describe_file(row) for row in waiting_files(session, phone)],
    }


async def _content(asked: ByPhone, request: Request) -> bytes:
    # A dependency of the proof: a body is read only of those who may send one.
    del asked
    return await request.body()


@router.put(
    "/guard/files/{file_id}/{offset}",
    response_model=FileShown,
    summary="Hand in a piece of a file",
    responses=may_answer(409, 413),
    openapi_extra={"requestBody": _PIECE},
)
def put_guard_file_piece(
    asked: ByPhone, file_id: UUID, offset: Offset, content: Annotated[bytes, Depends(_content)]
) -> Response:
    """From `offset` on, at most 256 KiB. With the last piece the hash is compared.

    409 with `code: offset` and `received` says from where to go on. An empty piece at the end has
    a file looked at whose pieces are all here.
    """
    with asked.parts.database.write() as session:
        phone = asked.phone(session)
        row = put_piece(session, phone, file_id, offset, content, now=asked.now)
    if row.state == "waiting" and row.received == row.size:
        parts = asked.parts
        row = finish_file(parts.database, parts.files, file_id, vault=parts.vault, now=asked.now)
    return answer(describe_file(row))


@router.get("/guard/files/{file_id}", response_model=FileShown, summary="Read how far a file is")
def get_guard_file(asked: ByPhone, file_id: UUID) -> Response:
    """Where to go on after signal was lost."""
    with asked.parts.database.read() as session:
        return answer(describe_file(find_file(session, asked.phone(session), file_id)))
