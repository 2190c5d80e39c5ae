"""Places: company → region → site → spaces → assets, and what supplies what."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base
from core.ids import new_id

NODE_KINDS = ("company", "region", "site")
CRITICALITIES = ("low", "medium", "high", "critical")


class Node(Base):
    """A node of the tree of company, regions and sites; rights are granted on nodes.

    path: the codes from the root, each followed by "/", so that a prefix is a subtree.
    """

    __tablename__ = "node"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"))
    kind: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[dict[str, str]] = mapped_column(JSON)
    path: Mapped[str] = mapped_column(String(600), unique=True)
    time_zone: Mapped[str] = mapped_column(String(60), default="UTC")

    __table_args__ = (CheckConstraint("kind IN ('company','region','site')", name="kind"),)


class Space(Base):
    """A part of a site: building, floor, room, outdoor area."""

    __tablename__ = "space"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    kind: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[dict[str, str]] = mapped_column(JSON)

    __table_args__ = (UniqueConstraint("site_id", "code"),)


class Asset(Base):
    """A thing that can fail: a pump, a lift, a door."""

    __tablename__ = "asset"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"), index=True)
    type: Mapped[str] = mapped_column(String(60), index=True)
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[dict[str, str]] = mapped_column(JSON)
    criticality: Mapped[str] = mapped_column(String(10), default="medium")

    __table_args__ = (UniqueConstraint("site_id", "code"),)


class Supply(Base):
    """`supplier` feeds `consumer`: what loses it loses the other."""

    __tablename__ = "supply"

    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    consumer_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    medium: Mapped[str] = mapped_column(String(20), default="power")

    __table_args__ = (Index("ix_supply_consumer_id", "consumer_id"),)


class AssetTypeRow(Base):
    """An asset type or points that a site adds to the shipped catalogue, as given in its file."""

    __tablename__ = "asset_type"

    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


def is_within(space: UUID | None, top: UUID, parents: Mapping[UUID, UUID | None]) -> bool:
    """Whether a space is `top` or lies below it. parents: of every space of the site."""
    seen = set[UUID]()
    while space is not None and space not in seen:
        if space == top:
            return True
        seen.add(space)
        space = parents.get(space)
    return False


def node_name(session: Session, node_id: UUID) -> dict[str, str]:
    """What a node of the tree is called, in both languages."""
    return dict(session.get_one(Node, node_id).name)


def space_by_code(session: Session, site_id: UUID, code: str) -> UUID | None:
    """The space of a site with this code."""
    return session.scalar(select(Space.id).where(Space.site_id == site_id, Space.code == code))


def asset_by_code(session: Session, site_id: UUID, code: str) -> Asset | None:
    """The asset of a site with this code."""
    wanted = select(Asset).where(Asset.site_id == site_id, Asset.code == code)
    return session.scalars(wanted).first()


def sites(session: Session) -> list[Node]:
    """Every site, by its code."""
    return list(session.scalars(select(Node).where(Node.kind == "site").order_by(Node.code)))


def site_by_code(session: Session, code: str) -> Node | None:
    """The site with this code; codes of sites are unique in an installation."""
    return session.scalars(select(Node).where(Node.kind == "site", Node.code == code)).first()
