"""The alarms that one shift hands over to the next."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.paging import Wish
from core.people import Caller
from workflows.alarms.standing import open_alarms
from workflows.alarms.withheld_now import WithheldFilter, list_withheld

# More than this is a flood, which no sheet of paper hands over.
MOST = 200


def alarms_to_hand_over(session: Session, caller: Caller, site_id: UUID) -> list[dict[str, Any]]:
    """What nobody has acknowledged yet on a site, and every alarm that is out of service.

    Each as the fields of a standing alarm of a hand-over: id, title, state, asset, since; of one
    out of service also until and patrol.
    """
    listed: list[dict[str, Any]] = []
    for one in open_alarms(session, caller, site_id=site_id, limit=MOST):
        since = one.raised_at or one.returned_at
        if since and one.state in ("unacknowledged", "returned_unacknowledged"):
            said = {"id": one.id, "title": one.title, "state": one.state}
            listed.append({**said, "asset": one.asset_name, "since": since})
    out = WithheldFilter(kind="out_of_service", site_id=site_id)
    rows = list_withheld(session, caller, out, Wish(MOST)).items
    return listed + [
        {
            "id": row["alarm_id"],
            "title": row["title"],
            "state": row["kind"],
            "asset": row["asset_name"],
            "since": row["since"],
            "until": row["until"],
            "patrol": row["patrol"],
        }
        for row in rows
    ]
