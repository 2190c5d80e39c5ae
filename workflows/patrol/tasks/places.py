"""Where a task is, and which checkpoints prove that somebody came there."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from core.places import Asset, is_within
from workflows.patrol.tasks.nearness import Place, above, checkpoints_of, parents_of
from workflows.tickets.model import Ticket

# How near to the alarm the checkpoints are that prove an arrival: in its very space, in one around
# it, or in another part of one around it.
SAME_SPACE, AROUND, BESIDE = "same_space", "around", "beside"
# The next room proves little, and one on another floor nothing.
_BESIDE_LEVELS = 1


@dataclass(frozen=True, slots=True)
class Proving:
    """The checkpoints that prove an arrival. how: see above; levels: how far up the tree."""

    checkpoints: Sequence[UUID]
    how: str
    levels: int


def space_of(session: Session, ticket: Ticket) -> UUID | None:
    """Where the alarm of a ticket is."""
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    return asset.space_id if asset is not None and asset.space_id else ticket.space_id


def proving(session: Session, ticket: Ticket) -> Proving | None:
    """Which checkpoints prove that somebody came to an alarm: the nearest up the tree.

    None where there is none in any space around it: a checkpoint somewhere on the site proves
    nothing of it, and the arrival can only be said.
    """
    space = space_of(session, ticket)
    parents = parents_of(session, ticket.site_id)
    known = checkpoints_of(session, ticket.site_id)
    if ticket.asset_id is not None and any(one == ticket.asset_id for one, _ in known):
        # The alarm is of the checkpoint itself: somebody opened it, or it is silent.
        return Proving([ticket.asset_id], SAME_SPACE, 0)
    for levels, around in enumerate(above(space, parents)):
        there = [one for one, at in known if at == around]
        if there:
            return Proving(there, AROUND if levels else SAME_SPACE, levels)
        within = [one for one, at in known if is_within(at, around, parents)]
        if within and levels <= _BESIDE_LEVELS:
            return Proving(within, BESIDE, levels)
    return None


def place_of(session: Session, ticket: Ticket) -> Place:
    """Where a task is, as the way there is reckoned."""
    found = proving(session, ticket)
    return Place(
        space_of(session, ticket),
        ticket.asset_id,
        found.checkpoints if found else (),
        parents_of(session, ticket.site_id),
    )
