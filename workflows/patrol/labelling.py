"""Printed codes of checkpoints, as they are drawn anew for labels."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.vault import Vault
from workflows.patrol.model import Checkpoint, CheckpointToken
from workflows.patrol.tokens import NewToken, Put, put_token, replace_token, tokens_of

PRINTED = "printed_code"
# Ten sheets.
MOST_LABELS = 210
# What stands on every label, in both languages.
CALL = {"en": "Patrol checkpoint", "zh": "巡更点"}


def printed_codes(session: Session, checkpoint_id: UUID) -> Sequence[Mapping[str, Any]]:
    """The printed codes that can be scanned at a checkpoint, the newest first."""
    tokens = tokens_of(session, checkpoint_id)
    return [one for one in tokens if one["kind"] == PRINTED and one["state"] == "active"]


def draw_code(
    session: Session, checkpoint: Checkpoint, *, vault: Vault, actor: events.Actor, now: datetime
) -> Put:
    """Draw a new code for a label; the newest that stands there is replaced by it.

    Raises Conflict when the checkpoint is out of use.
    """
    new, standing = NewToken(PRINTED), printed_codes(session, checkpoint.id)
    if not standing:
        return put_token(session, checkpoint, new, vault=vault, actor=actor, now=now)
    old = session.get_one(CheckpointToken, standing[0]["id"])
    return replace_token(session, old, new, vault=vault, actor=actor, now=now)
