"""Taking back what an import did to spaces, assets, devices and points."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from core.administration.many import MODELS, Change, change_many, remove_many
from core.administration.uses import uses_of
from core.devices import Point
from core.site_file import load_catalog
from workflows.intake.applying import free_keys
from workflows.intake.plan import Item
from workflows.intake.undoing.state import PLACES, Undoing


def undo_places(undoing: Undoing, spoken: Collection[int]) -> None:
    """Give changed things their values back, and remove new ones that nobody has used.

    spoken: the telemetry numbers of points that have readings.
    """
    gone_points = _points_to_remove(undoing, spoken)
    _restore(undoing, gone_points)
    _remove(undoing, gone_points)


def _is_as_left(row: RowMapping, after: Mapping[str, Any]) -> bool:
    """Whether nobody has changed since what the import wrote."""
    return all(row[name] == value for name, value in after.items())


def _points_to_remove(undoing: Undoing, spoken: Collection[int]) -> set[UUID]:
    """The new points that never spoke."""
    gone = set()
    for item in undoing.items["point"]:
        if item.action != "create":
            continue
        row = undoing.rows["point"].get(item.id)
        if row is None:
            undoing.keep(item, "gone")
        elif row["series"] in spoken:
            undoing.keep(item, "readings")
        elif not _is_as_left(row, item.after):
            undoing.keep(item, "changed")
        else:
            gone.add(item.id)
    for use in uses_of(undoing.doing.session, Point, gone):
        if use.used in gone:
            gone.discard(use.used)
            item = next(each for each in undoing.items["point"] if each.id == use.used)
            undoing.keep(item, "used", use.table)
    return gone


def _restore(undoing: Undoing, gone_points: Collection[UUID]) -> None:
    """Give changed things back the values that they had."""
    for kind in reversed(PLACES):
        changes = []
        points = []
        for item in undoing.items[kind]:
            if item.action != "update":
                continue
            reason = _why_not_restored(undoing, item, gone_points)
            if reason:
                undoing.keep(item, reason)
                continue
            if "state" in item.after:
                # It was taken into service because it spoke, and that can't be unsaid.
                undoing.keep(item, "adopted")
            after = {name: value for name, value in item.before.items() if name != "state"}
            before = {name: item.after[name] for name in after}
            if after:
                assert item.site_id is not None
                changes.append(Change(item.id, item.site_id, before, after))
                points.append(Item(**{**_fields(item), "before": before, "after": after}))
                undoing.undone += 1
        if kind == "point":
            free_keys(undoing.doing, points)
        change_many(undoing.doing, kind, changes)


def _fields(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in Item.__dataclass_fields__}


def _why_not_restored(undoing: Undoing, item: Item, gone_points: Collection[UUID]) -> str | None:
    row = undoing.rows[item.kind].get(item.id)
    if row is None:
        return "gone"
    if not _is_as_left(row, item.after):
        return "changed"
    session = undoing.doing.session
    for name, model in (("parent_id", "space"), ("space_id", "space"), ("asset_id", "asset")):
        if not _stands(session, model, item.before.get(name)):
            return "gone"
    for name in ("path_id", "device_id"):
        if not _stands(session, "device", item.before.get(name)):
            return "gone"
    if "type" in item.before and not _type_fits(session, item, gone_points):
        return "used"
    if item.kind == "point" and _key_is_taken(undoing, item, row):
        return "changed"
    return None


def _stands(session: Session, kind: str, row_id: UUID | None) -> bool:
    return row_id is None or session.get(MODELS[kind], row_id) is not None


def _type_fits(session: Session, item: Item, gone_points: Collection[UUID]) -> bool:
    """Whether the type that an asset had knows every point that will be left on it."""
    kind = load_catalog(session).get(item.before["type"])
    rows = session.execute(select(Point.id, Point.code).where(Point.asset_id == item.id))
    left = {code for point_id, code in rows if point_id not in gone_points}
    return kind is not None and left <= kind.points.keys()


def _key_is_taken(undoing: Undoing, item: Item, row: RowMapping) -> bool:
    """Whether another point, which no undoing moves, has the key that this one had."""
    device = item.before.get("device_id", row["device_id"])
    key = item.before.get("key", row["key"])
    ours = {each.id for each in undoing.items["point"]}
    statement = select(Point.id).where(
        Point.device_id == device, Point.key == key, Point.asset_id == row["asset_id"]
    )
    return any(found not in ours for found in undoing.doing.session.scalars(statement))


def _remove(undoing: Undoing, gone_points: set[UUID]) -> None:
    """Remove what is new and unused: points, then devices, assets and spaces."""
    created = {
        kind: [item for item in undoing.items[kind] if item.action == "create"] for kind in PLACES
    }
    going: dict[str, set[UUID]] = {"point": gone_points}
    for kind in ("device", "asset", "space"):
        going[kind] = {item.id for item in created[kind] if _may_go(undoing, item)}
    _keep_what_is_used(undoing, going, created)
    for kind in reversed(PLACES):
        rows = [
            (item.id, row["site_id"], row["code"])
            # What was written last refers to what was written first.
            for item in reversed(created[kind])
            if item.id in going[kind] and (row := undoing.rows[kind][item.id]) is not None
        ]
        remove_many(undoing.doing, kind, rows)
        undoing.undone += len(rows)


def _may_go(undoing: Undoing, item: Item) -> bool:
    row = undoing.rows[item.kind].get(item.id)
    if row is None:
        undoing.keep(item, "gone")
    elif not _is_as_left(row, item.after):
        undoing.keep(item, "changed")
    else:
        return True
    return False


def _keep_what_is_used(
    undoing: Undoing, going: dict[str, set[UUID]], created: Mapping[str, Sequence[Item]]
) -> None:
    """Take out of `going` whatever something refers to that stays, until nothing changes."""
    session = undoing.doing.session
    items = {item.id: item for kind in PLACES for item in created[kind]}
    uses = [
        (kind, use)
        for kind in ("device", "asset", "space")
        for use in uses_of(session, MODELS[kind], going[kind])
    ]
    settled = False
    while not settled:
        settled = True
        for kind, use in uses:
            if use.used in going[kind] and use.user not in going.get(use.table, ()):
                going[kind].discard(use.used)
                undoing.keep(items[use.used], "used", use.table)
                settled = False
