"""What stands, as rows of a template: to be changed in a spreadsheet and handed in again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts import Password
from core.colleagues import nodes_in_sight
from core.devices import Device, Point, Source
from core.households import PHONES, WRITE, Resident, contacts_of
from core.invitations import answers_for, roles_to_give
from core.people import Caller, Grant, Person
from core.permissions import ROLES, STAFF_ROLES
from core.places import Asset, Node, Space
from core.site_file import load_catalog
from core.tables import MOST_ROWS
from core.told_points import is_ours
from rules.catalog import TOLD, Text
from workflows.intake.choices import CHOICES, choices_of
from workflows.intake.filling_duty import Filling
from workflows.intake.planning.work import written_number, written_seconds
from workflows.intake.sheets import SHEETS, Sheet
from workflows.intake.template import Offer

_NO_LOGIN = Text("no login", "无登录名")


def sheets_for(caller: Caller) -> list[str]:
    """The sheets of which the caller may change something."""
    return [
        code
        for code, sheet in SHEETS.items()
        if caller.sites_for(sheet.permission) or sheet.permission in caller.company_wide
    ]


def offer_for(
    session: Session,
    caller: Caller,
    language: str,
    *,
    filled: bool,
    now: datetime,
    only: str | None = None,
) -> Offer:
    """What a template offers to the caller; filled: with what stands where they may change it.

    Of very many things, the first 20,000 of a sheet; of rosters, this month and the next.
    only: the one sheet that is wanted. Of all of them, a roster is filled in once, by the month.
    """
    codes = sheets_for(caller)
    nodes = list(session.scalars(select(Node).order_by(Node.path)))
    rights = {sheet.permission for sheet in SHEETS.values()} - {"people.write"}
    writable = frozenset[UUID]().union(*map(caller.sites_for, rights))
    in_sight = nodes_in_sight(session, caller).values()
    places = [node for node in in_sight if answers_for(caller, node)]
    given = {role for node in places for role in roles_to_give(caller, node)}
    lists = {
        "site": [n.code for n in nodes if n.id in writable],
        "place": [node.code for node in places],
        "asset_type": [kind.name.get(language) for kind in load_catalog(session).values()],
        "role": [CHOICES["role"][role].get(language) for role in ROLES if role in given],
    }
    if not filled:
        return Offer(codes, lists)
    reader = _Filler(session, caller, language, {node.id: node for node in nodes}, now)
    wanted = [code for code in codes if code == (only or code) and (only or code != "roster_days")]
    return Offer(codes, lists, {code: reader.rows(SHEETS[code]) for code in wanted})


class _Filler:
    def __init__(
        self,
        session: Session,
        caller: Caller,
        language: str,
        nodes: Mapping[UUID, Node],
        now: datetime,
    ) -> None:
        self._duty = Filling(session, caller, language, nodes, now)
        self._session = session
        self._caller = caller
        self._language = language
        self._nodes = nodes
        self._catalog = load_catalog(session)

    def rows(self, sheet: Sheet) -> list[list[str]]:
        """The rows of a sheet, in the order of its columns."""
        found = getattr(self, f"_{sheet.code}")()
        rows = found[:MOST_ROWS]
        return [[row.get(column.code, "") for column in sheet.columns] for row in rows]

    def _word(self, group: str, code: str) -> str:
        known = choices_of(group, self._catalog).get(code)
        return known.get(self._language) if known else code

    def _of(self, model: Any, permission: str) -> list[Any]:
        statement = select(model).where(model.site_id.in_(self._caller.sites_for(permission)))
        statement = statement.order_by(model.site_id, model.code).limit(MOST_ROWS)
        return list(self._session.scalars(statement))

    def _codes(self, model: Any, permission: str) -> dict[UUID, str]:
        sites = self._caller.sites_for(permission)
        rows = select(model.id, model.code).where(model.site_id.in_(sites))
        return dict(self._session.execute(rows).all())

    def _named(self, row: Any) -> dict[str, str]:
        return {
            "site": self._nodes[row.site_id].code,
            "code": row.code,
            "name_zh": row.name.get("zh", ""),
            "name_en": row.name.get("en", ""),
        }

    def _spaces(self) -> list[dict[str, str]]:
        codes = self._codes(Space, "places.write")
        return [
            {
                **self._named(space),
                "kind": self._word("space_kind", space.kind),
                "parent": codes.get(space.parent_id, ""),
            }
            for space in self._of(Space, "places.write")
        ]

    def _assets(self) -> list[dict[str, str]]:
        codes = self._codes(Space, "places.write")
        return [
            {
                **self._named(asset),
                "type": self._word("asset_type", asset.type),
                "space": codes.get(asset.space_id, ""),
                "criticality": self._word("criticality", asset.criticality),
            }
            for asset in self._of(Asset, "places.write")
        ]

    def _devices(self) -> list[dict[str, str]]:
        assets = self._codes(Asset, "devices.write")
        devices = self._codes(Device, "devices.write")
        sources = self._codes(Source, "devices.write")
        return [
            {
                **self._named(device),
                "asset": assets.get(device.asset_id, ""),
                "via": devices.get(device.path_id, ""),
                "source": sources.get(device.source_id, ""),
            }
            for device in self._of(Device, "devices.write")
            # What waits is adopted by hand, and what is retired can't be changed so.
            if device.state == "active" and not is_ours(device.code)
        ]

    def _points(self) -> list[dict[str, str]]:
        assets = self._codes(Asset, "devices.write")
        devices = self._codes(Device, "devices.write")
        return [
            {
                "site": self._nodes[point.site_id].code,
                "device": devices.get(point.device_id, ""),
                "asset": assets.get(point.asset_id, ""),
                "point": point.code,
                "key": point.key,
                "interval": written_seconds(point.expected_interval),
                "low": written_number(point.low),
                "high": written_number(point.high),
            }
            for point in self._of(Point, "devices.write")
            if point.code not in TOLD
        ]

    def _households(self) -> list[dict[str, str]]:
        caller = self._caller
        # Who may not see a number gets no file with it.
        sites = caller.sites_for(WRITE) & caller.sites_for(PHONES)
        statement = select(Resident).where(Resident.site_id.in_(sites))
        rows = list(self._session.scalars(statement.order_by(Resident.id).limit(MOST_ROWS)))
        spaces = select(Space.id, Space.code).where(Space.site_id.in_(sites))
        codes = dict(self._session.execute(spaces).all())
        return [
            {
                "site": self._nodes[contact.site_id].code,
                "unit": codes.get(contact.space_id, ""),
                "name": contact.name,
                "phones": ", ".join(contact.phones),
                "relation": self._word("relation", contact.relation),
                "since": contact.since.isoformat() if contact.since else "",
                "until": contact.until.isoformat() if contact.until else "",
            }
            for contact in contacts_of(self._session, rows)
        ]

    def _teams(self) -> list[dict[str, str]]:
        return self._duty.teams()

    def _members(self) -> list[dict[str, str]]:
        return self._duty.members()

    def _roster(self) -> list[dict[str, str]]:
        return self._duty.months()

    def _roster_days(self) -> list[dict[str, str]]:
        return self._duty.days()

    def _people(self) -> list[dict[str, str]]:
        caller = self._caller
        places = {
            node.id: node
            for node in nodes_in_sight(self._session, caller).values()
            if answers_for(caller, node)
        }
        statement = (
            select(Person, Grant.role, Grant.node_id, Grant.team, Password.login)
            .join(Grant, Grant.person_id == Person.id)
            .outerjoin(Password, Password.person_id == Person.id)
            .where(Grant.node_id.in_(places), Grant.role.in_(STAFF_ROLES))
            .where(Person.left_at.is_(None))
            .order_by(Person.name, Person.id, Grant.id)
            .limit(MOST_ROWS)
        )
        return [
            {
                # Nothing to find them by: shown, and not read again.
                "skip": "" if login else _NO_LOGIN.get(self._language),
                "login": login or "",
                "name": person.name,
                "language": self._word("language", person.locale),
                "role": self._word("role", role),
                "place": places[node_id].code,
                "team": team,
            }
            for person, role, node_id, team, login in self._session.execute(statement)
        ]
