"""Contractors show that they are there by the sticker on the spot."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.errors import Invalid
from rules.wording import worded
from workflows.customers.stickers import Sticker, read_sticker, sticker_by_code
from workflows.tickets import Ticket, contractors
from workflows.tickets.contractors import ContractorLink


def stickers_at(session: Session, ticket: Ticket) -> list[Sticker]:
    """The stickers that show that somebody is there; empty where none was put up."""
    spots = contractors.spots_of(session, ticket)
    if not spots:
        return []
    places = [
        Sticker.asset_id == spot.asset_id if spot.asset_id else Sticker.space_id == spot.space_id
        for spot in spots
    ]
    statement = select(Sticker).where(or_(*places), Sticker.revoked_at.is_(None))
    return list(session.scalars(statement))


def waits_here(session: Session, link: ContractorLink, sticker: Sticker) -> bool:
    """Whether this sticker is where somebody who accepted a job is expected."""
    if link.state != "accepted":
        return False
    ticket = contractors.job_of(session, link)
    known = {one.id for one in stickers_at(session, ticket)}
    return sticker.id in known and contractors.is_needed(link, ticket)


def arrive_by_sticker(session: Session, link: ContractorLink, path: str, *, now: datetime) -> None:
    """Arrive by the sticker whose address was opened."""
    _arrive(session, link, read_sticker(session, path).sticker, "sticker", now)


def arrive_by_code(session: Session, link: ContractorLink, code: str, *, now: datetime) -> None:
    """Arrive by the readable code of the sticker on the spot."""
    _arrive(session, link, sticker_by_code(session, code), "code", now)


def arrive_by_tap(session: Session, link: ContractorLink, *, now: datetime) -> None:
    """Arrive where no sticker was put up. Invalid where there is one."""
    if stickers_at(session, contractors.job_of(session, link)):
        raise Invalid(
            worded("scan the sticker on the spot"),
            problems=[worded("code: or type the code printed on it")],
        )
    contractors.arrive(session, link, "tap", now=now)


def _arrive(
    session: Session, link: ContractorLink, sticker: Sticker, way: str, now: datetime
) -> None:
    ticket = contractors.job_of(session, link)
    if sticker.id not in {one.id for one in stickers_at(session, ticket)}:
        raise Invalid(
            worded("this sticker belongs to another place"),
            problems=[worded("code: go to the place that your job names")],
        )
    contractors.arrive(session, link, way, now=now)
