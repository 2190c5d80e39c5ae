"""Signing the sheet of a walk test: from then on nothing on it changes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound, Stale
from core.files import FileStore
from core.lifecycle import move
from core.people import Caller
from core.personal import new_key, seal
from core.pictures import require_drawing
from rules.wording import worded
from workflows.alarms.walk_tests.model import WALK_TEST, WalkSignerKey, WalkTest
from workflows.alarms.walk_tests.reading import sensors_of
from workflows.alarms.walk_tests.running import TICK, find_test, is_over
from workflows.alarms.walk_tests.sheet import digest_of
from workflows.tickets.signatures import LARGEST_SIGNATURE, LONGEST_NAME


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signs, and the SHA-256 of how they drew it."""

    name: str
    drawing: str


def drawn(files: FileStore, content: bytes, name: str) -> Signed:
    """Store a drawn signature, before any transaction. Invalid for an empty one or no PNG."""
    written = " ".join(name.split())
    if not 1 <= len(written) <= LONGEST_NAME:
        raise Invalid(
            worded("the sheet was not signed"),
            problems=[worded("name: 1 to %(most)s characters", most=LONGEST_NAME)],
        )
    require_drawing(content, field="signature", largest=LARGEST_SIGNATURE)
    return Signed(written, files.put(content))


def sign_sheet(
    session: Session,
    caller: Caller,
    test_id: UUID,
    signed: Signed,
    *,
    now: datetime,
    seen: str | None = None,
) -> WalkTest:
    """Put a signature under the sheet of a test that is over.

    seen: the digest that the signer was shown; Stale when something changed since. Conflict while
    the test runs, and once it is signed.
    """
    row = find_test(session, caller, test_id, to_change=True)
    caller.require(TICK, row.site_id)
    WALK_TEST.target("sign", row.state)
    if not is_over(row, now):
        raise Conflict(
            worded("this walk test still runs"),
            advice=worded("Finish it, look at its sheet, sign it."),
        )
    digest = digest_of(row, sensors_of(session, row))
    if seen is not None and seen != digest:
        raise Stale(
            worded("something answered or was ticked meanwhile"),
            advice=worded("Look at the sheet again."),
        )
    key = new_key()
    move(
        session,
        row,
        WALK_TEST,
        "sign",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={
            "signed_at": now,
            "signed_by": caller.person_id,
            "signer": seal(key, signed.name),
            "signature": signed.drawing,
            "digest": digest,
        },
        facts={"digest": digest, "signature": signed.drawing},
    )
    session.add(WalkSignerKey(test_id=row.id, site_id=row.site_id, key=key))
    session.flush()
    return row


def signature_of(session: Session, caller: Caller, test_id: UUID) -> str:
    """The SHA-256 of the drawing. NotFound while nobody has signed."""
    row = find_test(session, caller, test_id)
    if row.signature is None:
        raise NotFound(worded("nobody has signed this sheet yet"))
    return row.signature
