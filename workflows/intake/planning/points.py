"""Planning points: which key of a device feeds which point of an asset."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from core.devices import Device, Point
from core.ids import new_id
from core.places import Asset, Node
from rules.catalog import TOLD, AssetType, PointType
from workflows.intake.choices import understand
from workflows.intake.faults import listed
from workflows.intake.lines import Line
from workflows.intake.plan import Item, Shown
from workflows.intake.planning.keyed import Draft
from workflows.intake.planning.standing import Known, in_parts
from workflows.intake.planning.work import Work, lines_of, written_number, written_seconds
from workflows.intake.sheets import CLEAR

PointKey = tuple[UUID, str]
_LONGEST_KEY = 120


@dataclass(slots=True)
class Want:
    """A point as the file wants it. column: the cell that names it, for findings."""

    line: Line
    column: str
    site: Node
    device: Known
    asset: Known
    point: PointType
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> PointKey:
        """What names a point."""
        return self.asset.id, self.point.code

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.site.code} / {self.asset.code} / {self.point.code}"


def plan_points(
    work: Work, lines: Iterable[Line], sites: Mapping[int, Node], devices: list[Draft]
) -> None:
    """Plan the sheet of points, and the points of devices that feed all of their asset's."""
    listed_lines = lines_of(lines, "points")
    _know_types(work, listed_lines, sites, devices)
    wanted: dict[PointKey, Want] = {}
    for want in _listed(work, listed_lines, sites, devices):
        first = wanted.setdefault(want.key, want)
        if first is not want:
            place = f"{first.line.title}!{first.line.cell(first.column)}"
            work.refuse(want.line, want.column, "twice", text=want.point.code, first=place)
    for draft in devices:
        for want in _every_point(work, draft):
            # A line of its own says more of a point than the device's line does of all.
            wanted.setdefault(want.key, want)
    _Planner(work, wanted).plan()


def _asset_of(work: Work, device: Known, drafts: Mapping[UUID, Draft]) -> UUID | None:
    """The asset that a device is about after the import."""
    draft = drafts.get(device.id)
    if draft is not None and "asset_id" in draft.after:
        return draft.after["asset_id"]  # type: ignore[no-any-return]
    return device.row["asset_id"] if device.row is not None else None


def _know_types(
    work: Work, lines: list[Line], sites: Mapping[int, Node], devices: list[Draft]
) -> None:
    """Look up the types of every asset whose points are wanted, and the codes of these assets."""
    drafts = {draft.known.id: draft for draft in devices}
    ids = {_asset_of(work, draft.known, drafts) for draft in devices}
    for line in lines:
        site = sites.get(id(line))
        if site is None:
            continue
        device = work.standing["device"].find(site.id, line.text("device"))
        asset = work.standing["asset"].find(site.id, line.text("asset"))
        if asset is not None:
            ids.add(asset.id)
        elif device is not None:
            ids.add(_asset_of(work, device, drafts))
    unknown = [each for each in ids if each is not None and each not in work.asset_types]
    for some in in_parts(unknown):
        statement = select(Asset.id, Asset.code, Asset.type).where(Asset.id.in_(some))
        for asset_id, code, kind in work.session.execute(statement):
            work.asset_types[asset_id] = kind
            work.standing["asset"].codes_by_id[asset_id] = code


def _type_of(work: Work, line: Line, column: str, asset_id: UUID) -> AssetType | None:
    code = work.asset_types.get(asset_id, "")
    kind = work.catalog.get(code)
    # Without a code the asset's own line is wrong, and has been told.
    if kind is None and code:
        work.refuse(line, column, "asset_type")
    return kind


def _listed(
    work: Work, lines: list[Line], sites: Mapping[int, Node], devices: list[Draft]
) -> Iterator[Want]:
    drafts = {draft.known.id: draft for draft in devices}
    for line in lines:
        site = sites.get(id(line))
        if site is None or "device" not in line.entries or "point" not in line.entries:
            continue
        device = work.find(line, "device", "device", site)
        asset = _asset_named(work, line, site, device, drafts)
        if device is None or asset is None:
            continue
        kind = _type_of(work, line, "point", asset.id)
        point = _point_named(work, line, kind) if kind else None
        if point is not None:
            want = Want(line, "point", site, device, asset, point)
            _read_fields(work, want)
            yield want


def _asset_named(
    work: Work, line: Line, site: Node, device: Known | None, drafts: Mapping[UUID, Draft]
) -> Known | None:
    if "asset" in line.entries:
        return work.find(line, "asset", "asset", site)
    if device is None:
        return None
    asset_id = _asset_of(work, device, drafts)
    if asset_id is not None:
        return Known(asset_id, work.standing["asset"].code_of(asset_id))
    draft = drafts.get(device.id)
    if draft is None or not draft.line.text("asset"):
        work.refuse(line, "asset", "needs_asset")
    return None


def _point_named(work: Work, line: Line, kind: AssetType) -> PointType | None:
    names = {code: point.name for code, point in kind.points.items()}
    code = understand(names, line.text("point"))
    if code is None:
        known = listed(kind.points, most=20)
        text = line.text("point")
        work.refuse(line, "point", "no_point", type=kind.name, text=text, known=known)
        return None
    if code in TOLD:
        work.refuse(line, "point", "told_point", text=code)
        return None
    return kind.points[code]


def _read_fields(work: Work, want: Want) -> None:
    line = want.line
    if key := line.text("key"):
        if len(key) > _LONGEST_KEY:
            size = str(len(key))
            work.refuse(line, "key", "too_long", limit=str(_LONGEST_KEY), size=size)
        want.fields["key"] = key
    given = [name for name in ("interval", "low", "high") if line.text(name)]
    if want.point.kind == "event" and given:
        work.refuse(line, given[0], "event_point", text=want.point.code)
        return
    if line.text("interval"):
        want.fields["expected_interval"] = work.seconds(line, "interval")
    for column, own in (("low", want.point.low), ("high", want.point.high)):
        text = line.text(column)
        if text:
            want.fields[column] = own if text == CLEAR else work.number(line, column)


def _every_point(work: Work, draft: Draft) -> Iterator[Want]:
    line = draft.line
    every = work.choice(line, "all_points")
    interval = work.seconds(line, "interval")
    if every != "yes":
        return
    asset_id = _asset_of(work, draft.known, {draft.known.id: draft})
    if asset_id is None:
        if not line.text("asset") or line.text("asset") == CLEAR:
            work.refuse(line, "all_points", "needs_asset")
        return
    kind = _type_of(work, line, "all_points", asset_id)
    asset = Known(asset_id, work.standing["asset"].code_of(asset_id))
    for point in kind.usual_points if kind else ():
        timeless = interval is None or point.kind == "event"
        fields = {} if timeless else {"expected_interval": interval}
        yield Want(line, "all_points", draft.site, draft.known, asset, point, fields)


class _Planner:
    """Compares what is wanted with the points that stand."""

    def __init__(self, work: Work, wanted: Mapping[PointKey, Want]) -> None:
        self._work = work
        self._wanted = wanted
        self._points: dict[PointKey, RowMapping] = {}
        self._states: dict[UUID, tuple[str, str]] = {}
        self._load()

    def _load(self) -> None:
        table = Point.__table__
        assets = list({want.asset.id for want in self._wanted.values()})
        for some in in_parts(assets):
            statement = select(*table.c).where(table.c.asset_id.in_(some))
            if self._work.lock:
                statement = statement.with_for_update()
            rows = self._work.session.execute(statement)
            self._points.update(((r["asset_id"], r["code"]), r) for r in rows.mappings())
        feeders = {row["device_id"] for row in self._points.values()}
        for some in in_parts(list(feeders)):
            found = select(Device.id, Device.code, Device.state).where(Device.id.in_(some))
            for device_id, code, state in self._work.session.execute(found):
                self._states[device_id] = (code, state)

    def plan(self) -> None:
        """Add the items, and a finding for whatever can't be."""
        final: dict[PointKey, tuple[UUID, str, UUID]] = {
            key: (row["device_id"], row["key"], row["asset_id"])
            for key, row in self._points.items()
        }
        for key, want in self._wanted.items():
            standing = self._points.get(key)
            if standing is None:
                item = self._new(want)
            elif self._is_fed(want, standing):
                continue
            else:
                item = self._changed(want, standing)
            values = {**(standing or {}), **item.after}
            final[key] = (values["device_id"], values["key"], values["asset_id"])
            low, high = values["low"], values["high"]
            if low is not None and high is not None and low >= high:
                self._work.refuse(want.line, "low", "range")
            self._work.items.append(item)
        self._refuse_keys(final)

    def _is_fed(self, want: Want, standing: RowMapping) -> bool:
        """Whether another device feeds the point; who takes over from a retired one goes on."""
        if standing["device_id"] == want.device.id:
            return False
        code, state = self._states[standing["device_id"]]
        if state == "retired":
            return False
        if want.column == "all_points":
            # Said of all its points, not of this one: what another feeds is left to it.
            return True
        self._work.refuse(want.line, want.column, "fed", text=want.point.code, known=code)
        return True

    def _new(self, want: Want) -> Item:
        kind = want.point
        after = {
            "id": new_id(),
            "site_id": want.site.id,
            "asset_id": want.asset.id,
            "device_id": want.device.id,
            "code": kind.code,
            "key": want.fields.get("key", kind.code),
            "name": {k: v for k, v in (("en", kind.name.en), ("zh", kind.name.zh)) if v},
            "kind": kind.kind,
            "unit": kind.unit,
            "low": want.fields.get("low", kind.low),
            "high": want.fields.get("high", kind.high),
            "states": list(kind.states) or None,
            "expected_interval": want.fields.get("expected_interval"),
        }
        return self._item(want, "create", after["id"], {}, after)

    def _changed(self, want: Want, standing: RowMapping) -> Item:
        wanted = {"device_id": want.device.id, **want.fields}
        after = {name: value for name, value in wanted.items() if standing[name] != value}
        if "device_id" in after:
            # Written along, so that points may change places.
            after.setdefault("key", standing["key"])
        before = {name: standing[name] for name in after}
        return self._item(want, "update" if after else "same", standing["id"], before, after)

    def _item(
        self,
        want: Want,
        action: str,
        row_id: UUID,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> Item:
        return Item(
            kind="point",
            action=action,
            id=row_id,
            site_id=want.site.id,
            label=want.label,
            sheet=want.line.title,
            row=want.line.row,
            shown=tuple(self._shown(before, after)),
            before=before,
            after=after,
        )

    def _shown(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Shown]:
        devices = self._work.standing["device"]

        def device(row_id: UUID | None) -> str:
            if row_id in self._states:
                return self._states[row_id][0]
            return devices.code_of(row_id)

        for name, column, write in (
            ("device_id", "device", device),
            ("key", "key", str),
            ("expected_interval", "interval", written_seconds),
            ("low", "low", written_number),
            ("high", "high", written_number),
        ):
            old = write(before[name]) if name in before else ""
            if name in after and old != write(after[name]):
                yield Shown(column, old, write(after[name]))

    def _refuse_keys(self, final: Mapping[PointKey, tuple[UUID, str, UUID]]) -> None:
        """One key of a device feeds one point of an asset."""
        held: dict[tuple[UUID, str, UUID], PointKey] = {}
        # What the file does not speak of keeps its key.
        for key in sorted(final, key=lambda each: each in self._wanted):
            holder = held.setdefault(final[key], key)
            if holder != key and key in self._wanted:
                want = self._wanted[key]
                column = "key" if "key" in want.fields else want.column
                text = final[key][1]
                self._work.refuse(want.line, column, "key_taken", text=text, known=holder[1])
