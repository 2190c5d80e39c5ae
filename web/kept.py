"""What pages about things that are kept on nodes of the tree have in common."""

from collections.abc import Sequence
from uuid import UUID

from core.people import Caller
from core.places import Node


def chosen_node(nodes: Sequence[Node], wanted: UUID | None) -> UUID:
    """The place asked for, else the first site, else the first of all."""
    if wanted is not None:
        return wanted
    sites = [node for node in nodes if node.kind == "site"]
    return (sites or list(nodes))[0].id


def may_change(caller: Caller, node: Node, permission: str) -> bool:
    """Whether somebody may change what is kept on a node."""
    if node.kind == "site":
        return node.id in caller.sites_for(permission)
    return permission in caller.company_wide
