"""Bringing company, regions and sites to what a file says."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Invalid
from core.ids import new_id
from core.places import Node, site_by_code
from core.site_file.model import Name, NodeEntry, SiteEntry


@dataclass
class TreeWriter:
    """Writes nodes and counts what it did."""

    session: Session
    actor: events.Actor
    now: datetime
    created: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    # Sites that got another time zone.
    moved: list[UUID] = field(default_factory=list)

    def company(self, entry: NodeEntry | None) -> Node:
        """The one company of this installation, made by the first import."""
        node = self.session.scalars(select(Node).where(Node.kind == "company")).first()
        if node is None and entry is None:
            raise Invalid(
                "this is the first import, and the file names no company",
                problems=["company: missing"],
                advice="Add `company: {code: …, name: …}` to the file.",
            )
        if entry is None:
            assert node is not None
            return node
        if node is not None and node.code != entry.code:
            raise Invalid(
                f"this installation belongs to the company {node.code!r}, not {entry.code!r}",
                problems=[f"company: {entry.code!r} is another company"],
                advice="One installation is one company; correct its code in the file.",
            )
        return self._put(node, "company", entry.code, entry.name, None, "UTC")

    def region(self, entry: NodeEntry, company: Node) -> Node:
        """A region of the company."""
        node = self.session.scalars(
            select(Node).where(Node.kind == "region", Node.code == entry.code)
        ).first()
        return self._put(node, "region", entry.code, entry.name, company, "UTC")

    def site(self, entry: SiteEntry, parent: Node) -> Node:
        """A site, under its region or straight under the company."""
        node = site_by_code(self.session, entry.code)
        return self._put(node, "site", entry.code, entry.name, parent, entry.time_zone)

    def _put(
        self, node: Node | None, kind: str, code: str, name: Name, parent: Node | None, zone: str
    ) -> Node:
        values = {
            "name": name,
            "parent_id": parent.id if parent else None,
            "path": f"{parent.path if parent else ''}{code}/",
            "time_zone": zone,
        }
        if node is None:
            node = Node(id=new_id(), kind=kind, code=code, **values)
            self.session.add(node)
            self._log("node.create", node, [])
            self.created[kind] += 1
            return node
        changes = [field for field, value in values.items() if getattr(node, field) != value]
        for changed in changes:
            setattr(node, changed, values[changed])
        if kind == "site" and "time_zone" in changes:
            self.moved.append(node.id)
        if changes:
            self._log("node.update", node, changes)
            self.changed[kind] += 1
        else:
            self.unchanged[kind] += 1
        return node

    def _log(self, verb: str, node: Node, fields: list[str]) -> None:
        self.session.flush()
        site_id: UUID | None = node.id if node.kind == "site" else None
        events.append(
            self.session,
            verb,
            ("node", node.id),
            actor=self.actor,
            learned_at=self.now,
            site_id=site_id,
            after={"kind": node.kind, "code": node.code, **({"fields": fields} if fields else {})},
        )
