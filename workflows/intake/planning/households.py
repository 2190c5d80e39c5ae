"""Planning households: which space a row means, and who of it is new or changes."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.folding import fold, unit_key
from core.households import (
    FIELDS,
    MOST_PHONES,
    Contact,
    Details,
    Resident,
    contacts_of,
    phone_of,
    phones_in,
)
from core.ids import new_id
from core.places import Node, Space
from workflows.intake.faults import listed
from workflows.intake.lines import Line
from workflows.intake.plan import Item, Shown
from workflows.intake.planning.standing import NOUNS, in_parts
from workflows.intake.planning.work import Work, lines_of

_LONGEST_NAME = 120
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


@dataclass(frozen=True, slots=True)
class _At:
    """A row with the space that it means."""

    line: Line
    site: Node
    space_id: UUID
    code: str


def plan_households(work: Work, lines: Iterable[Line], sites: Mapping[int, Node]) -> None:
    """Plan the sheet of households."""
    wanted = lines_of(lines, "households")
    if not wanted:
        return
    finder = _Spaces(work, {site.id for line in wanted if (site := sites.get(id(line)))})
    found = [at for line in wanted if (at := finder.find(line, sites.get(id(line))))]
    standing = _standing(work, {at.space_id for at in found})
    first: dict[tuple[UUID, str], Line] = {}
    for at in found:
        key = (at.space_id, fold(at.line.text("name")))
        contact = standing.get(key)
        details = _details(work, at.line, contact)
        if key in first:
            place = f"{first[key].title}!{first[key].cell('name')}"
            work.refuse(at.line, "name", "twice", text=at.line.text("name"), first=place)
            continue
        first[key] = at.line
        work.items.append(_item(at, contact, details))


class _Spaces:
    """The spaces of some sites by every spelling of their code, name and address."""

    def __init__(self, work: Work, sites: set[UUID]) -> None:
        self._work = work
        self._found: defaultdict[tuple[UUID, object], dict[UUID, str]] = defaultdict(dict)
        statement = select(Space).where(Space.site_id.in_(sites)).order_by(Space.code)
        spaces = {space.id: space for space in work.session.scalars(statement)}
        for space in spaces.values():
            for spelling in _spellings(space, spaces):
                self._found[space.site_id, spelling][space.id] = space.code

    def find(self, line: Line, site: Node | None) -> _At | None:
        """The space that a row means; None after noting that there is none, or more than one."""
        text = line.text("unit")
        if site is None or not text or not line.text("name"):
            return None
        known = self._work.standing["space"].find(site.id, text)
        if known is not None:
            return _At(line, site, known.id, known.code)
        # By its very name first: other units may have the same numbers.
        some = self._found.get((site.id, fold(text))) or self._found.get((site.id, unit_key(text)))
        if some and len(some) == 1:
            [(space_id, code)] = some.items()
            return _At(line, site, space_id, code)
        if some:
            known_codes = listed(sorted(some.values()))
            self._work.refuse(line, "unit", "which_unit", text=text, known=known_codes)
        else:
            self._work.refuse(line, "unit", "unknown", kind=NOUNS["space"], text=text)
        return None


def _spellings(space: Space, spaces: Mapping[UUID, Space]) -> set[object]:
    """Code and names folded, and the unit's numbers as its code, names and address give them."""
    texts = [space.code, *space.name.values()]
    found: set[object] = {fold(text) for text in texts}
    found |= {unit_key(text) for text in texts}
    for language in ("zh", "en"):
        names, at, seen = list[str](), space.id, set[UUID]()
        while at in spaces and at not in seen:
            seen.add(at)
            names.append(spaces[at].name.get(language) or spaces[at].code)
            at = spaces[at].parent_id or at
        found.add(unit_key(" ".join(reversed(names))))
    return found - {(), ""}


def _standing(work: Work, spaces: set[UUID]) -> dict[tuple[UUID, str], Contact]:
    """Who stands in these households, by space and folded name."""
    found: dict[tuple[UUID, str], Contact] = {}
    for some in in_parts(sorted(spaces)):
        statement = select(Resident).where(Resident.space_id.in_(some)).order_by(Resident.id)
        if work.lock:
            statement = statement.with_for_update()
        rows = list(work.session.scalars(statement))
        for contact in contacts_of(work.session, rows):
            found[contact.space_id, fold(contact.name)] = contact
    return found


def _details(work: Work, line: Line, contact: Contact | None) -> Details:
    """What a row wants of somebody; an empty cell keeps what stands. Notes every finding."""
    stands = contact.details if contact else Details("")
    name = line.text("name")
    if len(name) > _LONGEST_NAME:
        work.refuse(line, "name", "too_long", limit=str(_LONGEST_NAME), size=str(len(name)))
    since, until = _day(work, line, "since", stands.since), _day(work, line, "until", stands.until)
    if since and until and until < since:
        column = "until" if line.text("until") else "since"
        work.refuse(line, column, "until_first")
    return Details(
        # Another spelling of the same name is no other name.
        stands.name or name,
        _phones(work, line, stands.phones),
        work.choice(line, "relation") or stands.relation,
        since,
        until,
    )


def _phones(work: Work, line: Line, standing: tuple[str, ...]) -> tuple[str, ...]:
    if not line.text("phones"):
        return standing
    if work.clears(line, "phones"):
        return ()
    found = []
    for text in phones_in(line.text("phones")):
        phone = phone_of(text)
        if phone is None:
            work.refuse(line, "phones", "phone", text=text)
        else:
            found.append(phone)
    if len(found) > MOST_PHONES:
        work.refuse(line, "phones", "many_phones", limit=str(MOST_PHONES))
    return tuple(dict.fromkeys(found))


def _day(work: Work, line: Line, column: str, standing: date | None) -> date | None:
    text = line.text(column)
    if not text:
        return standing
    if work.clears(line, column):
        return None
    return day_in(work, line, column) or standing


def day_in(work: Work, line: Line, column: str) -> date | None:
    """The date in a cell; None when it is empty, or after noting that it is none."""
    text = line.text(column)
    match = _DAY.fullmatch(text)
    try:
        return date(*map(int, match.groups())) if match else date.fromisoformat(text)
    except ValueError:
        if text:
            work.refuse(line, column, "day", text=text)
        return None


def _item(at: _At, contact: Contact | None, details: Details) -> Item:
    wanted = kept(details)
    stands = kept(contact.details) if contact else {}
    changed = [name for name in FIELDS if stands.get(name) != wanted[name]]
    fixed = {"site_id": at.site.id, "space_id": at.space_id}
    shown = [
        Shown(name, _shown(stands.get(name)), _shown(wanted[name]))
        for name in changed
        if _shown(stands.get(name)) or _shown(wanted[name])
    ]
    return Item(
        kind="resident",
        action="create" if contact is None else "update" if changed else "same",
        id=contact.id if contact else new_id(),
        site_id=at.site.id,
        label=f"{at.site.code} / {at.code} / {details.name}",
        sheet=at.line.title,
        row=at.line.row,
        shown=tuple(shown),
        before={name: stands[name] for name in changed} if contact else {},
        after={name: wanted[name] for name in changed} if contact else {**fixed, **wanted},
    )


def kept(details: Details) -> dict[str, Any]:
    """The fields of somebody as an import keeps them; `details_of` makes them again."""
    days = {name: day and day.isoformat() for name, day in _days(details).items()}
    fields = {"name": details.name, "phones": list(details.phones), "relation": details.relation}
    return {**fields, **days}


def _days(details: Details) -> dict[str, date | None]:
    return {"since": details.since, "until": details.until}


def details_of(fields: Mapping[str, Any]) -> Details:
    """What an import kept of somebody."""
    since, until = (day and date.fromisoformat(day) for day in (fields["since"], fields["until"]))
    return Details(fields["name"], tuple(fields["phones"]), fields["relation"], since, until)


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else value or ""
