"""Printed codes of checkpoints, as they are drawn anew for labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.people import Caller
from core.vault import Vault
from workflows.patrol.checkpoints import WRITE, describe_checkpoint, find_checkpoint
from workflows.patrol.model import CheckpointToken
from workflows.patrol.tokens import NewToken, new_code, put_token, replace_token, tokens_of

PRINTED = "printed_code"
# Ten sheets.
MOST_LABELS = 210
# What stands on every label, in both languages.
CALL = {"en": "Patrol checkpoint", "zh": "巡更点"}


def printed_codes(session: Session, checkpoint_id: UUID) -> Sequence[Mapping[str, Any]]:
    """The printed codes that can be scanned at a checkpoint, the newest first."""
    tokens = tokens_of(session, checkpoint_id)
    return [one for one in tokens if one["kind"] == PRINTED and one["state"] == "active"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A code for the label of a checkpoint, which counts once it is put there.

    checkpoint: as the list shows it.
    """

    checkpoint: Mapping[str, Any]
    code: str

    @property
    def query(self) -> str:
        """What a label's address says."""
        return f"q={self.code}"


def draw_code(session: Session, caller: Caller, checkpoint_id: UUID) -> Drawn:
    """Draw a code for a label, and write nothing: a paper takes longer than others may wait.

    NotFound and NotAllowed where the caller may not put it there.
    """
    shown = describe_checkpoint(session, caller, checkpoint_id)
    caller.require(WRITE, shown["site_id"])
    return Drawn(shown, new_code())


def put_code(
    session: Session,
    caller: Caller,
    drawn: Drawn,
    *,
    vault: Vault,
    actor: events.Actor,
    now: datetime,
) -> None:
    """Let a code count that stands on a label; the newest that stands there is replaced by it.

    Raises Conflict when the checkpoint is out of use.
    """
    point = drawn.checkpoint["id"]
    checkpoint = find_checkpoint(session, caller, point, now=now, permission=WRITE)
    new, standing = NewToken(PRINTED, drawn.code), printed_codes(session, checkpoint.id)
    if not standing:
        put_token(session, checkpoint, new, vault=vault, actor=actor, now=now)
        return
    old = session.get_one(CheckpointToken, standing[0]["id"])
    replace_token(session, old, new, vault=vault, actor=actor, now=now)
