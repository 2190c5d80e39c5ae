"""Households by the people in them: by a name, or by part of a phone number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.households import PHONES, READ, Contact, is_phone, shown_to, today_at
from core.people import Caller
from workflows.search.index import Place, PlaceIndex
from workflows.search.residents import Listed
from workflows.search.spelling import Wanted

EACH = 8
SHORTEST_PHONE = 4


@dataclass(frozen=True, slots=True)
class FoundHousehold:
    """A space, and those of its household who fit, as the caller may see them."""

    place: Place
    residents: tuple[Contact, ...]


def find_households(
    session: Session, index: PlaceIndex, caller: Caller, text: str, *, now: datetime
) -> list[FoundHousehold]:
    """The households of which somebody fits a text, by name or by part of a phone number.

    Only of those who live there now, and by number only where the caller may see it.
    """
    wanted = Wanted.read(text)
    if not wanted.text or not caller.sites_for(READ):
        return []
    ranked = [
        (-rank, each.contact.name, each.contact)
        for each, rank in _fitting(index.residents.listed(), caller, wanted)
    ]
    days: dict[UUID, date] = {}
    by_space: dict[UUID, list[Contact]] = {}
    for _, _, contact in sorted(ranked, key=lambda one: one[:2]):
        site = contact.site_id
        day = days[site] = days.get(site) or today_at(session, site, now)
        if contact.lives_there(day) and (len(by_space) < EACH or contact.space_id in by_space):
            by_space.setdefault(contact.space_id, []).append(shown_to(caller, contact))
    spaces = {place.id: place for place in index.places() if place.kind == "space"}
    return [
        FoundHousehold(spaces[space_id], tuple(residents))
        for space_id, residents in by_space.items()
        if space_id in spaces
    ]


def _fitting(
    listed: Iterable[Listed], caller: Caller, wanted: Wanted
) -> Iterator[tuple[Listed, int]]:
    """Whoever fits, and how well: by number where one was typed, else by name."""
    digits = "".join(sign for sign in wanted.text if sign.isdecimal())
    if len(digits) >= SHORTEST_PHONE and not any(sign.isalpha() for sign in wanted.text):
        sites = caller.sites_for(READ) & caller.sites_for(PHONES)
        for each in listed:
            fits = any(is_phone(digits, phone) for phone in each.contact.phones)
            if fits and each.contact.site_id in sites:
                yield each, 1
        return
    sites = caller.sites_for(READ)
    for each in listed:
        if each.contact.site_id in sites and (rank := each.spelling.rank(wanted)):
            yield each, rank
