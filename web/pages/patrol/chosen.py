"""What the pages of patrols share: the site that they are about, and what forms send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from core.clock import from_micros
from core.db import Session
from core.errors import Invalid, NotFound, Stale
from core.events import Actor
from core.local_time import resolve, zone
from core.paging import LARGEST_PAGE, Wish
from core.register import RegisterFilter, list_devices
from rules.wording import worded
from web.languages import mark
from web.visit import Visit
from workflows import overview, patrol

# How many a form offers to choose from; more are found by their name first.
MOST_TO_CHOOSE = 500


@dataclass(frozen=True, slots=True)
class Chosen:
    """The site that a page is about, and those that it could be about."""

    site: overview.NodeView
    sites: Sequence[overview.NodeView]


def chosen_site(session: Session, visit: Visit, permission: str, wanted: UUID | None) -> Chosen:
    """The site asked for, else the first where the caller holds the permission.

    Raises NotAllowed for who holds it nowhere, NotFound for a site where they don't.
    """
    visit.caller.require_anywhere(permission)
    held = visit.caller.sites_for(permission)
    sites = [site for site in overview.sites(session, visit.caller) if site.id in held]
    found = next((site for site in sites if wanted in (None, site.id)), None)
    if found is None:
        raise NotFound(worded(mark("there is no such site, or you may not see it")))
    return Chosen(found, sites)


def zone_of(session: Session, visit: Visit, site_id: UUID) -> str:
    """The time zone of a site where the caller sees checkpoints."""
    return chosen_site(session, visit, patrol.READ, site_id).site.time_zone


def actor_of(visit: Visit) -> Actor:
    """Whoever sends the form."""
    return Actor.person(visit.caller.person_id)


def one_id(text: str, field: str, told: str) -> UUID | None:
    """The id that a form sends, if any. told: what was not done; Invalid names the field."""
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(told, problems=[worded(mark("%(field)s: choose one"), field=field)]) from None


def require_seen(seen: str, newest: UUID | None) -> None:
    """Stale where something was put there since the form was shown, or by the same form before.

    So a page that is loaded again never replaces what was just printed or written.
    """
    if seen != str(newest or ""):
        raise Stale(
            worded(mark("something was put there since you read it")),
            advice=worded(
                mark("Look at what stands there now; what was shown once can't be shown again.")
            ),
        )


def devices_to_choose(session: Session, visit: Visit, site_id: UUID) -> dict[UUID, str]:
    """The devices of a site by their id: the name in the reader's language, with the code."""
    found: dict[UUID, str] = {}
    wish = Wish(LARGEST_PAGE)
    while len(found) < MOST_TO_CHOOSE:
        page = list_devices(session, visit.caller, RegisterFilter(site_id=site_id), wish)
        for one in page.items:
            name = visit.reader.text(one["name"])
            found[one["id"]] = f"{name} · {one['code']}" if name else one["code"]
        if page.next is None:
            break
        wish = Wish(LARGEST_PAGE, page.next)
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def spaces_to_choose(visit: Visit, site_id: UUID) -> list[tuple[UUID, str]]:
    """The spaces of a site, each with what it is in."""
    places = visit.parts.places.places()
    return [
        (one.id, " › ".join(visit.reader.text(each) for each in (*one.within[1:], one.name)))
        for one in places
        if one.kind == "space" and one.site_id == site_id
    ]


def of_day(text: str, zone_name: str) -> tuple[datetime | None, datetime | None]:
    """From when to when a day of the site's clocks is; nothing for no day."""
    if not text:
        return None, None
    try:
        day = date.fromisoformat(text)
        first, second = (_midnight(each, zone_name) for each in (day, day + timedelta(days=1)))
    except (ValueError, OverflowError):
        raise Invalid(
            worded(mark("there is no such list")), problems=[worded(mark("day: like 2026-11-28"))]
        ) from None
    return first, second


def _midnight(day: date, zone_name: str) -> datetime:
    return from_micros(resolve(datetime.combine(day, time()), zone(zone_name)))
