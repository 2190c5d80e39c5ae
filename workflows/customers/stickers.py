"""Stickers on equipment and rooms: a short address, a random id, and a readable code."""

import secrets
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, scoped
from core.places import Asset, Node, Space
from rules.wording import worded

READ, WRITE = "places.read", "stickers.write"
# Nothing that a worn print or a tired eye takes for another: no 0 O, 1 I L, 2 Z, 5 S, 6 G, 8 B.
CODE_LETTERS = "3479ACDEFHJKMNPQRTUVWXY"
PATH_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
PATH_LENGTH = 16
WHAT = ("assets", "spaces", "all")
MOST_AT_ONCE = 1000
_LIVE = text("revoked_at IS NULL")


class Sticker(Base):
    """A printed code on an asset or in a space. path: its random id, the end of its address."""

    __tablename__ = "sticker"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id"))
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    code: Mapped[str] = mapped_column(String(8), unique=True)
    path: Mapped[str] = mapped_column(String(PATH_LENGTH), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        CheckConstraint("(asset_id IS NULL) <> (space_id IS NULL)", name="one_place"),
        # One place has one sticker that holds, whoever prints at the same moment.
        Index(
            "uq_sticker_asset", "asset_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
        ),
        Index(
            "uq_sticker_space", "space_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
        ),
    )


@dataclass(frozen=True, slots=True)
class Labelled:
    """A place with its sticker, if it has one. kind: asset or space; type: of an asset.

    within: the names of the spaces that it is in, from the outside in.
    """

    kind: str
    id: UUID
    code: str
    name: dict[str, str]
    type: str
    within: tuple[dict[str, str], ...]
    sticker: Sticker | None


def new_code() -> str:
    """A readable code such as K7-3MQ9, at random."""
    drawn = "".join(secrets.choice(CODE_LETTERS) for _ in range(6))
    return f"{drawn[:2]}-{drawn[2:]}"


def code_of(written: str) -> str:
    """A code as somebody typed it, as it is compared."""
    plain = unicodedata.normalize("NFKC", written).upper()
    letters = "".join(letter for letter in plain if letter.isalnum())
    return f"{letters[:2]}-{letters[2:]}"


def places_to_label(
    session: Session, site_id: UUID, *, space_id: UUID | None = None, what: str = "all"
) -> list[Labelled]:
    """The assets and spaces of a site, or of a space and all within it, with their stickers.

    what: assets, spaces or all. Invalid for anything else, NotFound for a space of another site.
    """
    if what not in WHAT:
        raise Invalid(
            worded("that can't be printed"),
            problems=[worded("what: one of %(known)s", known=", ".join(WHAT))],
        )
    spaces = session.scalars(
        select(Space).where(Space.site_id == site_id).order_by(Space.code)
    ).all()
    assets = session.scalars(
        select(Asset).where(Asset.site_id == site_id).order_by(Asset.code)
    ).all()
    known = {space.id: space for space in spaces}
    if space_id is not None:
        chosen = _within(spaces, space_id)
        spaces = [space for space in spaces if space.id in chosen]
        assets = [asset for asset in assets if asset.space_id in chosen]
    live = _live(session, site_id)
    above = {space.id: _above(known, space.parent_id) for space in spaces}
    found = [
        Labelled("space", one.id, one.code, dict(one.name), "", above[one.id], live.get(one.id))
        for one in spaces
        if what != "assets"
    ]
    for one in assets if what != "spaces" else ():
        within = _above(known, one.space_id)
        sticker = live.get(one.id)
        found.append(Labelled("asset", one.id, one.code, dict(one.name), one.type, within, sticker))
    return found


def _above(spaces: Mapping[UUID, Space], space_id: UUID | None) -> tuple[dict[str, str], ...]:
    """The names of a space and those that it is in, from the outside in."""
    names: list[dict[str, str]] = []
    seen = set[UUID]()
    while space_id is not None and space_id in spaces and space_id not in seen:
        seen.add(space_id)
        names.insert(0, dict(spaces[space_id].name))
        space_id = spaces[space_id].parent_id
    return tuple(names)


def _within(spaces: Sequence[Space], space_id: UUID) -> set[UUID]:
    if all(space.id != space_id for space in spaces):
        raise NotFound(
            worded("there is no such space on this site"), advice=worded("Choose it from the list.")
        )
    found, fresh = {space_id}, {space_id}
    while fresh:
        fresh = {one.id for one in spaces if one.parent_id in fresh} - found
        found |= fresh
    return found


def _live(session: Session, site_id: UUID) -> dict[UUID | None, Sticker]:
    statement = select(Sticker).where(Sticker.site_id == site_id, Sticker.revoked_at.is_(None))
    return {one.asset_id or one.space_id: one for one in session.scalars(statement)}


def make_stickers(
    session: Session, places: Iterable[Labelled], site_id: UUID, *, person: UUID, now: datetime
) -> int:
    """Give a sticker to each of these places that has none; returns how many were made."""
    # Two who print at once make each sticker once: the second waits here.
    session.scalars(select(Node.id).where(Node.id == site_id).with_for_update()).one()
    live = _live(session, site_id)
    lacking = [place for place in places if place.id not in live]
    if len(lacking) > MOST_AT_ONCE:
        raise Invalid(
            worded("at most %(most)s stickers at once", most=MOST_AT_ONCE),
            problems=[worded("space: choose a smaller part")],
        )
    for place in lacking:
        make_sticker(session, place.kind, place.id, site_id, person=person, now=now)
    return len(lacking)


def make_sticker(
    session: Session, kind: str, place_id: UUID, site_id: UUID, *, person: UUID, now: datetime
) -> Sticker:
    """A new sticker of a place that has none that holds. kind: asset or space."""
    row = Sticker(
        id=new_id(),
        site_id=site_id,
        asset_id=place_id if kind == "asset" else None,
        space_id=place_id if kind == "space" else None,
        code=_free_code(session),
        path="".join(secrets.choice(PATH_LETTERS) for _ in range(PATH_LENGTH)),
        created_at=now,
    )
    session.add(row)
    session.flush()
    _say(session, "sticker.create", row, person, now)
    return row


def _free_code(session: Session) -> str:
    while True:
        code = new_code()
        if session.scalar(select(Sticker.id).where(Sticker.code == code)) is None:
            return code


def sticker_of_place(
    session: Session, caller: Caller, kind: str, place_id: UUID, *, now: datetime
) -> Sticker:
    """The sticker of a place, made when it has none. NotFound where the caller may make none."""
    model = Asset if kind == "asset" else Space
    site_id = session.scalar(select(model.site_id).where(model.id == place_id))
    if site_id is None or site_id not in caller.sites_for(READ):
        raise NotFound(worded("there is no such place"), advice=worded("Look for it in the tree."))
    caller.require(WRITE, site_id)
    session.scalars(select(Node.id).where(Node.id == site_id).with_for_update()).one()
    standing = _live(session, site_id).get(place_id)
    if standing is not None:
        return standing
    return make_sticker(session, kind, place_id, site_id, person=caller.person_id, now=now)


def find_sticker(session: Session, caller: Caller, sticker_id: UUID) -> Sticker:
    """A sticker on a site that the caller sees. NotFound otherwise."""
    statement = scoped(
        select(Sticker).where(Sticker.id == sticker_id), Sticker.site_id, caller, READ
    )
    row = session.scalars(statement).first()
    if row is None:
        raise NotFound(
            worded("there is no such sticker"), advice=worded("Look for it in the list.")
        )
    return row


def revoke_sticker(session: Session, row: Sticker, *, person: UUID, now: datetime) -> None:
    """Let a sticker hold no more, because it was lost or stolen; its place may get a new one."""
    if row.revoked_at is not None:
        raise Conflict(
            worded("this sticker was revoked before"), advice=worded("Nothing is left to do.")
        )
    row.revoked_at = now
    session.flush()
    _say(session, "sticker.revoke", row, person, now)


def _say(session: Session, kind: str, row: Sticker, person: UUID, now: datetime) -> None:
    place = {"asset": str(row.asset_id)} if row.asset_id else {"space": str(row.space_id)}
    events.append(
        session,
        kind,
        ("sticker", row.id),
        actor=events.Actor.person(person),
        learned_at=now,
        site_id=row.site_id,
        after={**place, "code": row.code},
    )


def list_stickers(
    session: Session, caller: Caller, site_id: UUID | None, wish: Wish
) -> Page[dict[str, Any]]:
    """The stickers that hold, on the sites that the caller sees, the last made first. Key: id."""
    statement = rows_of(
        Sticker.id,
        Sticker.site_id,
        Sticker.asset_id,
        Sticker.space_id,
        Sticker.code,
        Sticker.path,
        Sticker.created_at,
    ).where(Sticker.revoked_at.is_(None))
    if site_id is not None:
        statement = statement.where(Sticker.site_id == site_id)
    statement = scoped(statement, Sticker.site_id, caller, READ)
    return newest_first(session, statement, (Sticker.id,), wish)


@dataclass(frozen=True, slots=True)
class Stuck:
    """A sticker that somebody reads, with where it is. asset, space: what it is on and in."""

    sticker: Sticker
    site: Node
    asset: Asset | None
    space: Space | None

    @property
    def name(self) -> dict[str, str]:
        """What the labelled place is called."""
        thing = self.asset or self.space
        return dict(thing.name) if thing else {}


def read_sticker(session: Session, path: str) -> Stuck:
    """The sticker at an address, for anybody. NotFound when there is none, or none any more."""
    row = session.scalars(
        select(Sticker).where(Sticker.path == path, Sticker.revoked_at.is_(None))
    ).first()
    if row is None:
        raise NotFound(
            worded("this sticker does not hold any more"),
            advice=worded("Look for a newer one, or call the property office."),
        )
    asset = session.get(Asset, row.asset_id) if row.asset_id else None
    space_id = asset.space_id if asset else row.space_id
    space = session.get(Space, space_id) if space_id else None
    return Stuck(row, session.get_one(Node, row.site_id), asset, space)


def sticker_by_code(session: Session, written: str) -> Sticker:
    """The sticker with a readable code, as somebody typed it. NotFound when there is none."""
    row = session.scalars(
        select(Sticker).where(Sticker.code == code_of(written), Sticker.revoked_at.is_(None))
    ).first()
    if row is None:
        raise NotFound(
            worded("there is no sticker with this code"), advice=worded("Type it letter by letter.")
        )
    return row
