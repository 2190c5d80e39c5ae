"""The demo's patrol: readers at checkpoints, a guard's card, and rounds each quarter of an hour."""

from datetime import datetime
from uuid import UUID

from core import events
from core.accounts import holders_of
from core.administration import NewDevice, create_device
from core.badges import NewBadge, issue_badge
from core.db import Database, Session
from core.paging import Wish
from core.people import administrator_of, caller_for
from core.places import sites, space_by_code
from core.vault import Vault
from simulators.demo.patrol import CARD, EVERY_S, READERS, Reader
from workflows.patrol import SCAN, Checkpoint, NewCheckpoint, NewToken, create_checkpoint, put_token
from workflows.patrol.rounds import (
    PlanDraft,
    RouteDraft,
    Stop,
    create_plan,
    create_route,
    list_routes,
)

ROUTE = "quarter-hours"
_BY = events.SYSTEM


def demo_patrol(database: Database, vault: Vault, guard: str, now: datetime) -> None:
    """Set up what the simulated guard goes by, unless there is a route. guard: a login."""
    with database.write() as session:
        site = next(iter(sites(session)), None)
        person_id = holders_of(session, [guard]).get(guard)
        by = administrator_of(session)
        if site is None or person_id is None or by is None:
            return
        if list_routes(session, caller_for(session, by), Wish(1), site_id=site.id).items:
            return
        points = [_put_reader(session, site.id, vault, one, now) for one in READERS]
        badge = NewBadge(person_id, "card", CARD)
        issue_badge(session, site.id, badge, needs=SCAN, vault=vault, actor=_BY, now=now)
        name = {"en": "Round of the compound", "zh": "小区巡更"}
        draft = RouteDraft(ROUTE, name, [Stop(point.id) for point in points])
        route = create_route(session, site.id, draft, actor=_BY, now=now)
        minutes = range(0, 24 * 60, EVERY_S // 60)
        times = [f"{minute // 60:02}:{minute % 60:02}" for minute in minutes]
        plan = PlanDraft(times, "security", duration_min=10, tolerance_min=2, settle_min=0)
        create_plan(session, route, plan, actor=_BY, now=now)


def _put_reader(
    session: Session, site_id: UUID, vault: Vault, reader: Reader, now: datetime
) -> Checkpoint:
    code = reader.code.replace("reader", "point")
    name = dict(zip(("en", "zh"), reader.name, strict=True))
    new = NewCheckpoint(code, name, space_by_code(session, site_id, reader.space))
    point = create_checkpoint(session, site_id, new, actor=_BY, now=now)
    device = create_device(
        session, site_id, NewDevice(reader.code, asset_id=point.id), actor=_BY, now=now
    )
    token = NewToken("fixed_reader", device_id=device.id)
    put_token(session, point, token, vault=vault, actor=_BY, now=now)
    return point
