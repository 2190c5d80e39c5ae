"""What is changed on the page of teams: rosters, absences, certificates, teams, things."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from core.clock import from_micros
from core.errors import Invalid
from core.local_time import resolve, thinkable, zone
from core.places import Node
from core.rosters import (
    add_shifts,
    end_absence,
    remove_shift,
    set_absence,
    set_duty_phone,
)
from core.teams import (
    ROSTER,
    WRITE,
    TeamShown,
    save_team,
    set_certificate,
)
from rules.wording import worded
from web.languages import mark
from web.pages.teams.showing import chosen_site
from web.visit import SignedInVisit
from workflows import dispatch

Texts = Annotated[list[str] | None, Form()]


def _back(site_id: UUID, team: str) -> Response:
    return RedirectResponse(f"/teams?site={site_id}&team={team}", status_code=303)


def _uuid(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(
            worded(mark("nothing was changed")),
            problems=[worded(mark("%(field)s: choose one"), field=field)],
        ) from None


def _local(text: str, site: Node, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            worded(mark("nothing was changed")),
            problems=[worded(mark("%(field)s: a date and a time"), field=field)],
        ) from None
    return from_micros(resolve(moment.replace(tzinfo=None), zone(site.time_zone)))


@dataclass(frozen=True, slots=True)
class ShiftForm:
    """What the form of a roster carries."""

    team: Annotated[str, Form()] = ""
    kind: Annotated[str, Form()] = ""
    starts: Annotated[str, Form()] = ""
    ends: Annotated[str, Form()] = ""
    first: Annotated[str, Form()] = ""
    weeks: Annotated[str, Form()] = ""

    def hours(self) -> tuple[time, time]:
        """The hours of each shift."""
        try:
            return time.fromisoformat(self.starts), time.fromisoformat(self.ends)
        except ValueError:
            raise Invalid(
                worded(mark("the roster was not changed")),
                problems=[worded(mark("hours: such as 08:00"))],
            ) from None

    def begin(self) -> tuple[date, int]:
        """The first day, and for how many weeks."""
        try:
            return thinkable(date.fromisoformat(self.first)), int(self.weeks)
        except ValueError:
            problems = [worded(mark("first day: a date")), worded(mark("weeks: a number"))]
            raise Invalid(worded(mark("the roster was not changed")), problems=problems) from None


def _add_roster(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/shifts")
    def add(
        site_id: UUID,
        visit: SignedInVisit,
        form: Annotated[ShiftForm, Depends()],
        person: Texts = None,
        weekday: Texts = None,
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            visit.caller.require(ROSTER, site.id)
            first, weeks = form.begin()
            add_shifts(
                session,
                visit.caller,
                site,
                form.team,
                [_uuid(one, "people") for one in person or []],
                kind=form.kind,
                weekdays=[int(day) for day in weekday or [] if day.isdecimal()],
                hours=form.hours(),
                first=first,
                weeks=weeks,
                now=visit.parts.clock.now(),
            )
        return _back(site_id, form.team)

    @routes.post("/teams/{site_id}/shifts/{shift_id}/remove")
    def remove(site_id: UUID, shift_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            shift = remove_shift(session, visit.caller, shift_id, now=now)
            team = shift.team
        return _back(site_id, team)


def _add_people(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/absences")
    def away(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        person: Annotated[str, Form()] = "",
        deputy: Annotated[str, Form()] = "",
        starts: Annotated[str, Form()] = "",
        ends: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            set_absence(
                session,
                visit.caller,
                site.id,
                _uuid(person, "person"),
                (_local(starts, site, "from"), _local(ends, site, "to")),
                _uuid(deputy, "deputy") if deputy else None,
                now=visit.parts.clock.now(),
            )
        return _back(site_id, team)

    @routes.post("/teams/{site_id}/absences/{absence_id}/end")
    def back_again(
        site_id: UUID,
        absence_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            now = visit.parts.clock.now()
            end_absence(session, visit.caller, site.id, absence_id, now=now)
        return _back(site_id, team)


def _add_certificates(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/certificates")
    def certify(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        person: Annotated[str, Form()] = "",
        kind: Annotated[str, Form()] = "",
        valid_until: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            visit.caller.require(ROSTER, site.id)
            try:
                until = date.fromisoformat(valid_until) if valid_until else None
            except ValueError:
                raise Invalid(
                    worded(mark("nothing was recorded")),
                    problems=[worded(mark("valid until: a date"))],
                ) from None
            set_certificate(
                session,
                visit.caller,
                site.id,
                _uuid(person, "person"),
                kind,
                until,
                now=visit.parts.clock.now(),
            )
        return _back(site_id, team)


def _add_set_up(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/set-up")
    def set_up(
        site_id: UUID,
        visit: SignedInVisit,
        version: Annotated[int, Form()],
        team: Annotated[str, Form()] = "",
        name_en: Annotated[str, Form()] = "",
        name_zh: Annotated[str, Form()] = "",
        mode: Annotated[str, Form()] = "",
        cover: Annotated[str, Form()] = "",
        member: Texts = None,
        person: Texts = None,
        skills: Texts = None,
    ) -> Response:
        names = {"en": name_en.strip(), "zh": name_zh.strip()}
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            visit.caller.require(WRITE, site.id)
            can = dict(zip(person or [], skills or [], strict=False))
            members = {
                _uuid(one, "member"): [
                    word.strip()
                    for word in can.get(one, "").replace("，", ",").split(",")
                    if word.strip()
                ]
                for one in member or []
            }
            wanted = TeamShown(
                team.strip(),
                {language: name for language, name in names.items() if name},
                mode,
                cover or None,
                version,
            )
            now = visit.parts.clock.now()
            save_team(session, visit.caller, site, wanted, members, now=now)
        return _back(site_id, team.strip())


def _add_things(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/duty-phone")
    def phone(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        phone: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            set_duty_phone(session, visit.caller, site, phone, now=visit.parts.clock.now())
        return _back(site_id, team)

    @routes.post("/teams/{site_id}/items")
    def items(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        keys: Annotated[str, Form()] = "",
        equipment: Annotated[str, Form()] = "",
    ) -> Response:
        wanted = [("key", line) for line in keys.splitlines()]
        wanted += [("equipment", line) for line in equipment.splitlines()]
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            now = visit.parts.clock.now()
            dispatch.set_items(session, visit.caller, site.id, team, wanted, now=now)
        return _back(site_id, team)


def add_changes(routes: APIRouter) -> None:
    """Add the routes that change something."""
    _add_roster(routes)
    _add_people(routes)
    _add_certificates(routes)
    _add_set_up(routes)
    _add_things(routes)
