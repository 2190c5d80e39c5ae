"""The overview: places with health, open tickets, waiting devices, recent activity.

A read model for the API's tree and the live page; it shows only what the caller may see. What
stands on assets is handed in, because a workflow knows no other than the ticket:
`tree(session, caller, standing=alarms.standing_by_asset(session, caller))`.
"""

from workflows.overview.activity import Activity, recent_activity, timeline
from workflows.overview.finding import (
    Located,
    find_asset,
    find_device,
    find_site,
    find_space,
    find_ticket_number,
    person_name,
    rule_document,
    ticket_numbers,
)
from workflows.overview.listing import (
    ListedTicket,
    TicketsFound,
    WaitingDevice,
    browse_tickets,
    count_tickets,
    open_tickets,
    waiting_devices,
)
from workflows.overview.points import PointView, points, silent_assets
from workflows.overview.tree import AssetView, Health, NodeView, SpaceView, Tree, sites, tree

__all__ = [
    "Activity",
    "AssetView",
    "Health",
    "ListedTicket",
    "Located",
    "NodeView",
    "PointView",
    "SpaceView",
    "TicketsFound",
    "Tree",
    "WaitingDevice",
    "browse_tickets",
    "count_tickets",
    "find_asset",
    "find_device",
    "find_site",
    "find_space",
    "find_ticket_number",
    "open_tickets",
    "person_name",
    "points",
    "recent_activity",
    "rule_document",
    "silent_assets",
    "sites",
    "ticket_numbers",
    "timeline",
    "tree",
    "waiting_devices",
]
