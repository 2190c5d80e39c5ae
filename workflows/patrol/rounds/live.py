"""Rounds of this moment on several sites: under way, waiting for phones, or not begun in time."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.people import Caller
from workflows.patrol.rounds.expecting import expect_next, heard_of
from workflows.patrol.rounds.reading import rounds_begun


def rounds_now(
    session: Session, caller: Caller, site_ids: Collection[UUID], *, now: datetime
) -> list[dict[str, Any]]:
    """Rounds of some sites that somebody goes, that wait for phones, or that begin too late.

    Each as the list shows it, with `heard_at` and `next`: the checkpoint that is expected next, or
    none (see `expect_next`). All that the caller may read, in as many queries however many.
    """
    rows = rounds_begun(session, caller, site_ids, now=now)
    ids = [row["id"] for row in rows]
    expected, heard = expect_next(session, ids), heard_of(session, ids, now=now)
    return [{**row, "next": expected.get(row["id"]), "heard_at": heard[row["id"]]} for row in rows]
