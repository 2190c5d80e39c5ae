"""Profiles of devices: the shipped ones and one's own, written beside what they would mean."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.db import Session
from core.devices import Device
from core.errors import Invalid, NotFound
from core.events import Actor
from core.people import Caller
from core.profile_drafts import (
    as_profile_yaml,
    document_of,
    document_of_device,
    points_of_type,
    seen_of,
)
from core.profile_use import Use, delete_unused, devices_of_kind, is_needed, uses
from core.profiles import Profile, fit_of, read_profile, shipped_profiles
from core.profiles.own import load_profiles, own_document, own_versions, put_profile
from core.register import find
from core.rulebook import known_rules
from core.site_file import load_catalog
from rules.catalog import AssetType, Catalog
from rules.located_yaml import LocatedYamlError, Problem
from rules.wording import worded
from web.languages import mark
from web.naming import point_name, type_name
from web.page_route import PageRoute
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit

# What holds in the whole installation is written by who administers all of it.
READ, WRITE = "devices.read", "places.write"
SECTION = "profiles"
# Of a key under which true says no.
TURNED = mark("turned round")
MOST_DEVICES = 30
EMPTY = """name: {en: "", zh: ""}
known:
- {maker: "", model: [""]}
asset: ""
points: {}
interval: 1h
"""


class ProfileForm(BaseModel):
    """What stands in the editor. device: on which it is tried."""

    code: str = ""
    document: str = ""
    version: int = 0
    device: str = ""


@dataclass(frozen=True, slots=True)
class PointShown:
    """A point of a profile in words. keys, words: as they are written."""

    code: str
    name: str
    unit: str
    keys: Sequence[str]
    means: Sequence[str]
    words: Sequence[str]
    optional: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A profile in words."""

    profile: Profile
    name: str
    type_name: str
    points: Sequence[PointShown]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is made of a text. faults: with their line; tried: what each key of the device feeds;
    more: what this kind of equipment may say beside it; types: what there is; rules: that exist."""

    faults: Sequence[Problem] = ()
    shown: Shown | None = None
    device: Device | None = None
    tried: Sequence[tuple[str, str]] = ()
    more: Sequence[PointShown] = ()
    types: Sequence[tuple[str, str]] = ()
    rules: Collection[str] = ()


def may_write(caller: Caller) -> bool:
    """Whether somebody may write profiles."""
    return WRITE in caller.company_wide


def router(templates: Templates) -> APIRouter:
    """The routes of profiles."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_reading(routes, templates)
    _add_new(routes, templates)
    _add_changing(routes, templates)
    return routes


def _units(kind: AssetType | None, code: str) -> str:
    known = kind.points.get(code) if kind else None
    return (known.unit or "") if known else ""


def _shown(profile: Profile, catalog: Catalog, reader: Reader) -> Shown:
    kind = catalog.get(profile.asset_type)
    points = [
        PointShown(
            code,
            point_name(kind, code, {}, reader),
            _units(kind, code),
            [_key_text(key.pattern, key.unit, reader, invert=key.invert) for key in point.keys],
            point.means,
            [" / ".join(pair) for pair in point.words],
            point.optional,
        )
        for code, point in profile.points.items()
    ]
    name = profile.name.get(reader.language) or profile.id
    return Shown(profile, name, type_name(catalog, profile.asset_type, reader), points)


def _key_text(pattern: str, unit: str | None, reader: Reader, *, invert: bool) -> str:
    turned = f" ({reader.translate(TURNED)})" if invert else ""
    return f"{pattern}{f' [{unit}]' if unit else ''}{turned}"


def _words_of(shown: Shown) -> str:
    """Everything of a profile by which somebody may look for it."""
    profile = shown.profile
    models = (f"{one.maker} {' '.join(one.model)} {' '.join(one.code)}" for one in profile.known)
    names = (profile.id, profile.name.en, profile.name.zh, profile.asset_type, shown.type_name)
    return " ".join((*names, *models)).casefold()


def _listed(session: Session, visit: Visit, wanted: str, whose: str) -> list[tuple[Shown, Use]]:
    catalog, profiles = load_catalog(session), load_profiles(session)
    used = uses(session, visit.caller.sites_for(READ))
    words = wanted.casefold().split()
    found = []
    for one in profiles.values():
        shown, use = _shown(one, catalog, visit.reader), used.get(one.id, Use())
        fits = {"own": one.own, "used": use != Use()}.get(whose, True)
        said = _words_of(shown)
        if fits and all(word in said for word in words):
            found.append((shown, use))
    return sorted(found, key=lambda pair: (not pair[0].profile.own, pair[0].name))


def _add_reading(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/device-profiles")
    def show_all(visit: SignedInVisit, q: str = "", whose: str = "") -> Response:
        visit.caller.require_anywhere(READ)
        with visit.parts.database.read() as session:
            found = _listed(session, visit, q[:100], whose)
            # Whose equipment is gone is read no more, but must be found to be mended.
            lost = sorted(own_versions(session).keys() - load_profiles(session).keys())
        return templates.page(
            "profiles/list.html",
            visit,
            section=SECTION,
            found=found,
            lost=[one for one in lost if whose != "used" and q[:100].casefold() in one],
            q=q[:100],
            whose=whose,
            may_write=may_write(visit.caller),
        )

    @routes.get("/device-profiles/{profile_id}")
    def show(profile_id: str, visit: SignedInVisit) -> Response:
        visit.caller.require_anywhere(READ)
        with visit.parts.database.read() as session:
            context = _one(session, visit, profile_id)
        return templates.page("profiles/one.html", visit, section=SECTION, **context)


def _one(session: Session, visit: Visit, profile_id: str) -> dict[str, Any]:
    profiles = load_profiles(session)
    profile = profiles.get(profile_id)
    version = own_versions(session).get(profile_id)
    if profile is None and version is None:
        raise NotFound(
            worded(mark("there is no such profile")),
            advice=worded(mark("Look for it in the list of profiles.")),
        )
    sites, keeps = visit.caller.sites_for(READ), may_write(visit.caller)
    return {
        "profile_id": profile_id,
        "shown": _shown(profile, load_catalog(session), visit.reader) if profile else None,
        "own": version is not None,
        "replaces": version is not None and profile_id in shipped_profiles(),
        "use": uses(session, sites).get(profile_id, Use()),
        "devices": devices_of_kind(session, profile_id, sites, MOST_DEVICES),
        "rules": known_rules(session),
        "may_write": keeps,
        # Asked of every site, as the deletion asks.
        "may_delete": keeps and version is not None and not is_needed(session, profile_id),
    }


def _device(session: Session, visit: Visit, given: str) -> Device | None:
    try:
        wanted = UUID(given) if given else None
    except ValueError:
        raise NotFound(worded(mark("there is no such device"))) from None
    return find(session, visit.caller, Device, wanted) if wanted else None


def _checked(session: Session, visit: Visit, form: ProfileForm) -> Checked:
    """What is made of what stands in the editor."""
    reader, catalog = visit.reader, load_catalog(session)
    device = _device(session, visit, form.device)
    types = sorted((one.name.get(reader.language), code) for code, one in catalog.items())
    try:
        profile = read_profile(form.document, form.code or "profile", catalog, own=True)
    except LocatedYamlError as error:
        return Checked(error.problems, device=device, types=types)
    shown = _shown(profile, catalog, reader)
    kind = catalog.get(profile.asset_type)
    more = [
        PointShown(
            one.code, one.name.get(reader.language), one.unit or "", (), (), one.states, True
        )
        for one in points_of_type(catalog, profile.asset_type)
        if one.code not in profile.points
    ]
    tried = []
    if device is not None:
        sight = seen_of(session, device)
        fit = fit_of(profile, catalog, sight, chosen=True)
        feeds: Mapping[str, Any] = fit.feeds if fit else {}
        for value in sight.values:
            feed = feeds.get(value.key)
            tried.append((value.key, point_name(kind, feed.code, {}, reader) if feed else ""))
    return Checked((), shown, device, tried, more, rules=known_rules(session))


def _editor(
    templates: Templates,
    visit: Visit,
    form: ProfileForm,
    checked: Checked,
    *,
    fresh: bool,
    problems: Sequence[str] | None = None,
) -> Response:
    """The editor. problems: why what stands in it was not kept; None where nobody tried."""
    return templates.page(
        "profiles/editor.html",
        visit,
        200 if problems is None else 422,
        section=SECTION,
        form=form,
        checked=checked,
        fresh=fresh,
        # What stands beside its line is not said twice.
        problems=() if checked.faults else problems or (),
        refused=problems is not None,
    )


def _begin(session: Session, visit: Visit, copy: str, device: str) -> ProfileForm:
    """What stands in the editor at first."""
    spoken = _device(session, visit, device)
    if spoken is not None:
        written = document_of_device(session, spoken)
        return ProfileForm(document=as_profile_yaml(written), device=device)
    if not copy:
        return ProfileForm(document=EMPTY)
    profile = load_profiles(session).get(copy)
    if profile is None:
        raise NotFound(
            worded(mark("there is no such profile")),
            advice=worded(mark("Look for it in the list of profiles.")),
        )
    return ProfileForm(code=f"{copy[:56]}-own", document=as_profile_yaml(document_of(profile)))


def _add_new(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/new-device-profile")
    def new(visit: SignedInVisit, copy: str = "", device: str = "") -> Response:
        visit.caller.require_company_wide(WRITE)
        with visit.parts.database.read() as session:
            form = _begin(session, visit, copy, device)
            checked = _checked(session, visit, form)
        return _editor(templates, visit, form, checked, fresh=True)

    @routes.post("/new-device-profile/check")
    def check(visit: SignedInVisit, form: Annotated[ProfileForm, Form()]) -> Response:
        visit.caller.require_company_wide(WRITE)
        with visit.parts.database.read() as session:
            checked = _checked(session, visit, _plain(form))
        return templates.page("profiles/checked.html", visit, checked=checked)

    @routes.post("/new-device-profile")
    def create(visit: SignedInVisit, form: Annotated[ProfileForm, Form()]) -> Response:
        visit.caller.require_company_wide(WRITE)
        with visit.parts.database.read() as session:
            taken = form.code in own_versions(session)
        if taken:
            problem = worded(
                mark("a profile of your own is called '%(code)s' already"), code=form.code
            )
            return _again(templates, visit, form, [problem], fresh=True)
        return _save(templates, visit, form, form.code, None)


def _plain(form: ProfileForm) -> ProfileForm:
    # A form sends line ends of its own.
    return form.model_copy(update={"document": form.document.replace("\r\n", "\n")})


def _again(
    templates: Templates, visit: Visit, form: ProfileForm, problems: Sequence[str], *, fresh: bool
) -> Response:
    """The editor with what was written, and why it was not kept."""
    plain = _plain(form)
    with visit.parts.database.read() as session:
        checked = _checked(session, visit, plain)
    return _editor(templates, visit, plain, checked, fresh=fresh, problems=problems)


def _save(
    templates: Templates, visit: Visit, form: ProfileForm, code: str, version: int | None
) -> Response:
    actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
    text = _plain(form).document
    try:
        with visit.parts.database.write() as session:
            put_profile(session, code, text, expected_version=version, actor=actor, now=now)
    except Invalid as error:
        return _again(templates, visit, form, error.problems, fresh=version is None)
    return RedirectResponse(f"/device-profiles/{code}", status_code=303)


def _add_changing(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/device-profiles/{profile_id}/edit")
    def edit(profile_id: str, visit: SignedInVisit) -> Response:
        visit.caller.require_company_wide(WRITE)
        with visit.parts.database.read() as session:
            document, version = own_document(session, profile_id)
            text = as_profile_yaml(document)
            form = ProfileForm(code=profile_id, document=text, version=version)
            checked = _checked(session, visit, form)
        return _editor(templates, visit, form, checked, fresh=False)

    @routes.post("/device-profiles/{profile_id}")
    def save(
        profile_id: str, visit: SignedInVisit, form: Annotated[ProfileForm, Form()]
    ) -> Response:
        visit.caller.require_company_wide(WRITE)
        with visit.parts.database.read() as session:
            own_document(session, profile_id)
        form = form.model_copy(update={"code": profile_id})
        return _save(templates, visit, form, profile_id, form.version)

    @routes.post("/device-profiles/{profile_id}/delete")
    def delete(profile_id: str, visit: SignedInVisit) -> Response:
        visit.caller.require_company_wide(WRITE)
        actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
        with visit.parts.database.write() as session:
            delete_unused(session, profile_id, actor=actor, now=now)
        return RedirectResponse("/device-profiles?whose=own", status_code=303)
