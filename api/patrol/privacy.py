"""Privacy over HTTP: one's own consent and who looked, what tickets hold, and the log of looks."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import IdempotencyKey, answer, claim, created, kept, page_answer
from api.deps import Asked, Permission, SignedIn
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.privacy_shapes import (
    ConsentGiven,
    ConsentWithdrawn,
    OwnPrivacy,
    ScannerList,
    TrackHoldItem,
    TrackHoldList,
    TrackHoldToMake,
    TrackLookPage,
)
from core.db import Session
from core.idempotency import keep, recall
from workflows import patrol
from workflows.patrol.privacy import consenting, holding, looking, showing, withdrawing
from workflows.patrol.privacy.model import TrackHold

router = APIRouter(tags=["patrol"])
People = Annotated[Asked, Depends(Permission(patrol.PEOPLE))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]
Protector = Annotated[Asked, Depends(Permission(looking.AUDIT))]


def _kept(asked: Asked) -> timedelta:
    return timedelta(days=asked.parts.settings.track_days)


def _own(session: Session, asked: Asked) -> Response:
    content = showing.own_privacy(session, asked.person, kept=_kept(asked), now=asked.now)
    return answer({"track_days": asked.parts.settings.track_days, **content})


@router.get("/me/privacy", response_model=OwnPrivacy, summary="What is known of where I was")
def get_my_privacy(asked: SignedIn) -> Response:
    """What you agreed to with its full text, what of yours is kept longer, and who looked."""
    with asked.parts.database.read() as session:
        return _own(session, asked)


@router.post("/me/consents", response_model=OwnPrivacy, summary="Agree", responses=may_answer(409))
def post_my_consent(asked: SignedIn, body: ConsentGiven) -> Response:
    """To a purpose, by the digest of the text that you were shown. Again it changes nothing.

    A conflict when another text is in force by now.
    """
    shown = consenting.Shown(body.version, body.language, body.digest, body.by)
    with asked.parts.database.write() as session:
        consenting.agree(session, asked.person, body.purpose, shown, now=asked.now)
        return _own(session, asked)


@router.post("/me/consents/withdraw", response_model=OwnPrivacy, summary="Agree no more")
def post_my_withdrawal(asked: SignedIn, body: ConsentWithdrawn) -> Response:
    """What was learned by it is dropped at once, as far as no case needs it. Safe to repeat."""
    with asked.parts.database.write() as session:
        withdrawing.withdraw(session, asked.person, body.purpose, by=body.by, now=asked.now)
        return _own(session, asked)


@router.get("/scanners", response_model=ScannerList, summary="List who may scan on a site")
def get_scanners(asked: People, site: UUID | None = None) -> Response:
    """Of your sites or of one. Who works without positions or badges, and never why."""
    sites = asked.caller.sites_for(patrol.PEOPLE)
    wanted = sites if site is None else sites & {site}
    with asked.parts.database.read() as session:
        found = {
            one["id"]: one
            for site_id in sorted(wanted)
            for one in showing.who_scans(session, asked.caller, site_id)
        }
    return answer({"items": list(found.values())})


@router.get("/track-looks", response_model=TrackLookPage, summary="List looks at tracks")
def get_track_looks(
    asked: Protector,
    site: UUID | None = None,
    person: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The last first. For data protection; each person sees those at their own."""
    page = wish(limit, cursor, *looking.KEY)
    with asked.parts.database.read() as session:
        found = looking.list_looks(session, asked.caller, page, site_id=site, person_id=person)
    return page_answer(found)


def _hold(row: TrackHold) -> dict[str, Any]:
    names = TrackHoldItem.model_fields
    return {name: getattr(row, name) for name in names}


@router.get("/track-holds", response_model=TrackHoldList, summary="List what tickets hold")
def get_track_holds(asked: People, site: UUID | None = None) -> Response:
    """Spans of tracks that were held by hand and not let go of."""
    sites = asked.caller.sites_for(patrol.PEOPLE)
    wanted = sites if site is None else sites & {site}
    with asked.parts.database.read() as session:
        items = [
            _hold(row)
            for site_id in sorted(wanted)
            for row in holding.held_for_tickets(session, asked.caller, site_id)
        ]
    return answer({"items": items})


@router.post(
    "/track-holds",
    response_model=TrackHoldItem,
    status_code=201,
    summary="Hold part of a track for a ticket",
    responses=may_answer(404, 409),
)
def post_track_hold(asked: Writer, body: TrackHoldToMake, key: IdempotencyKey = None) -> Response:
    """At most 31 days of one person, as long as the ticket stands. They are shown it.

    Needs `scans.read` on the site of the ticket as well.
    """
    request = claim(asked, "POST /track-holds", key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            row = holding.hold_track(
                session,
                asked.caller,
                body.person_id,
                body.ticket_number,
                body.since,
                body.until,
                now=asked.now,
            )
            made = keep(session, request, created(_hold(row), "track-holds"))
    return kept(made)


@router.post(
    "/track-holds/{track_hold_id}/release",
    response_model=TrackHoldItem,
    summary="Let go of what a ticket held",
    responses=may_answer(404),
)
def post_track_hold_release(asked: Writer, track_hold_id: UUID) -> Response:
    """It is dropped in its time again. Safe to repeat."""
    with asked.parts.database.write() as session:
        return answer(
            _hold(holding.release_track(session, asked.caller, track_hold_id, now=asked.now))
        )
