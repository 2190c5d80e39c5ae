"""What may leave the house of a ticket: no name, no telephone number, and nobody's door.

Channels are other companies' servers, and messages show on locked screens. What people wrote is
left out altogether, since nobody can tell what stands in it; the link leads to it.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from core.places import Asset, Node, Space
from workflows.tickets import Ticket
from workflows.tickets.categories import categories_at

# Titles of rules and templates are in these; what a person wrote stands under another key.
_ADMINISTERED = frozenset({"en", "zh"})
_HOME = "unit"
_ROOM = "room"
# A room that is called by a number is somebody's door, or may be.
_NUMBER = re.compile(r"\d{3,}")


def told_outside(session: Session, ticket: Ticket) -> dict[str, Any]:
    """title and place of a ticket as channels are told them, by language; empty = left out."""
    return {"title": title_outside(session, ticket), "place": place_outside(session, ticket)}


def title_outside(session: Session, ticket: Ticket) -> Mapping[str, str]:
    """The title of a rule or a template; of what somebody wrote the name of its category."""
    if set(ticket.title) <= _ADMINISTERED:
        return dict(ticket.title)
    category = categories_at(session, ticket.site_id).get(ticket.category)
    return {} if category is None else dict(category.name)


def place_outside(session: Session, ticket: Ticket) -> Mapping[str, str]:
    """The equipment or space; where that is in a home, what the home is in."""
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    space_id = asset.space_id if asset is not None else ticket.space_id
    space, outermost = None, None
    while space_id is not None:
        space = session.get_one(Space, space_id)
        if _is_a_door(space):
            outermost = space
        space_id = space.parent_id
    if outermost is None:
        direct = session.get(Space, ticket.space_id) if ticket.space_id else None
        named = asset or direct or session.get_one(Node, ticket.site_id)
        return dict(named.name)
    if outermost.parent_id is not None:
        return dict(session.get_one(Space, outermost.parent_id).name)
    return dict(session.get_one(Node, ticket.site_id).name)


def _is_a_door(space: Space) -> bool:
    if space.kind == _HOME:
        return True
    return space.kind == _ROOM and any(_NUMBER.search(name) for name in space.name.values())
