"""Proving a signed tag where it is set up: one tap that shows its keys, and is no scan."""

import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.people import Caller, scoped
from core.vault import Vault
from rules.wording import in_both, worded
from workflows.patrol.checkpoints import READ, WRITE
from workflows.patrol.judging import Looking, judge
from workflows.patrol.model import ACCEPTED, CheckpointToken
from workflows.patrol.presented import SignedTap
from workflows.patrol.presenting import take
from workflows.patrol.proof import REASONS
from workflows.patrol.tokens import derived

KIND = "signed_tag"
_UID = re.compile(r"[0-9A-F]{14}")
# Where a tag stands now; after that, where it was lost.
_STANDING = ("active", "lost")


def token_of_tag(session: Session, caller: Caller, uid: str, *, vault: Vault) -> CheckpointToken:
    """The token that a signed tag is, active or else lost, where the caller may set tags up.

    uid: 14 hexadecimal digits. Raises Invalid for anything else, and NotFound where no such tag
    stands or nobody who asks may know of it.
    """
    plain = re.sub(r"[\s:-]", "", uid).upper()
    if not _UID.fullmatch(plain):
        raise Invalid(
            worded("no tag was looked for"), problems=[worded("uid: 14 hexadecimal digits")]
        )
    statement = scoped(
        select(CheckpointToken).where(
            CheckpointToken.kind == KIND,
            CheckpointToken.derived_id == derived(vault, KIND, plain),
            CheckpointToken.state.in_(_STANDING),
        ),
        CheckpointToken.site_id,
        caller,
        READ,
    )
    rows = session.scalars(statement.order_by(CheckpointToken.id.desc())).all()
    for row in sorted(rows, key=lambda each: _STANDING.index(each.state)):
        if row.site_id in caller.sites_for(WRITE):
            return row
    raise NotFound(
        worded("this tag stands at no checkpoint"), advice=worded("Put it at one first.")
    )


def prove_tag(
    session: Session,
    row: CheckpointToken,
    address: str,
    *,
    vault: Vault,
    actor: events.Actor,
    now: datetime,
) -> int:
    """See that a tag holds the keys of its token, by the address that it wrote; returns its count.

    The tap is used up, so that nobody hands it in as a scan, and it is none itself: whoever sets
    tags up goes no round. Raises Conflict with the reason when it proves nothing.
    """
    tap = SignedTap(
        id=new_id(), occurred_at=now, channel="online", site_id=row.site_id, address=address
    )
    judged = judge(Looking(session, vault, now), tap)
    if judged.reason == ACCEPTED and judged.token is not None and judged.token.id == row.id:
        judged = take(session, judged)
    elif judged.reason == ACCEPTED:
        raise Conflict(
            worded("this was written by another tag"), advice=worded("Hold the right tag to it.")
        )
    if judged.reason != ACCEPTED:
        raise Conflict(
            worded(
                "the tag proves nothing: %(reason)s",
                reason=in_both(REASONS[judged.reason].en, REASONS[judged.reason].zh),
            ),
            advice=worded("Give the tag its keys once more."),
        )
    assert judged.sequence is not None
    events.append(
        session,
        "checkpoint_token.prove",
        ("checkpoint_token", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={"checkpoint": str(row.checkpoint_id), "kind": row.kind},
    )
    return judged.sequence
