"""Adds the pages to the API's application."""

from collections.abc import Callable, Sequence
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from api.context import Parts
from web import bundle, languages
from web.bundle import Bundle
from web.live import LiveFeed
from web.pages import (
    account,
    account_privacy,
    alarm_load,
    alarms,
    assets,
    categories,
    chat_buttons,
    checklist,
    claims,
    companies,
    contractors,
    control_room,
    device_health,
    device_identities,
    device_profiles,
    devices,
    elsewhere,
    expected_devices,
    fire_alarms,
    first_boot,
    guard,
    hand_over,
    home_invitations,
    homes,
    households,
    identity,
    imports,
    incidents,
    jobs,
    laboratory,
    mappings,
    new_ticket,
    notes,
    notices,
    onboarding,
    patrol,
    people,
    photos,
    planned_work,
    public,
    push,
    relations,
    return_visits,
    rules,
    saved_views,
    search,
    second_factor,
    service,
    shift_codes,
    sign_in,
    signatures,
    sources,
    sticker_problems,
    stickers,
    teams,
    ticket_bulk,
    ticket_changes,
    ticket_list,
    ticket_priority,
    ticket_templates,
    tickets,
    tokens,
    voices,
    waiting,
    walk_tests,
    why,
    work,
)
from web.pages import live as live_page
from web.templating import Templates


@cache
def _templates() -> Templates:
    return Templates(_bundle())


@cache
def _bundle() -> Bundle:
    return Bundle()


def _pages() -> tuple[APIRouter, ...]:
    """A router for each place."""
    templates = _templates()
    return (
        bundle.router(_bundle()),
        first_boot.router(templates),
        # Before signing in by links, which would take its address for one of theirs.
        identity.router(templates),
        sign_in.router(templates),
        live_page.router(templates),
        control_room.router(templates),
        alarms.router(templates),
        planned_work.router(templates),
        walk_tests.router(templates),
        alarm_load.router(templates),
        laboratory.router(templates),
        why.router(templates),
        *_pages_of_tickets(templates),
        assets.router(templates),
        *_pages_of_devices(templates),
        people.router(templates),
        imports.router(templates),
        account.router(templates),
        account_privacy.router(templates),
        second_factor.router(templates),
        tokens.router(templates),
        search.router(templates),
        home_invitations.router(templates),
        homes.router(templates),
        companies.router(templates),
        jobs.router(templates),
        households.router(templates),
        service.router(templates),
        teams.router(templates),
        hand_over.router(templates),
        chat_buttons.router(),
        waiting.router(templates),
        notices.router(templates),
        push.router(),
        new_ticket.router(templates),
        *rules.routers(templates),
        categories.router(templates),
        shift_codes.router(templates),
        device_identities.router(templates),
        device_health.router(templates),
        sticker_problems.router(templates),
        ticket_templates.router(templates),
        ticket_list.router(templates),
        saved_views.router(),
        stickers.router(templates),
        *patrol.routers(templates),
        guard.router(templates, _bundle()),
        public.router(templates),
        contractors.guest_router(templates),
        # The last one: whatever no other route knows.
        elsewhere.router(),
    )


def _pages_of_devices(templates: Templates) -> tuple[APIRouter, ...]:
    """Devices, what they are, and through what they speak."""
    return (
        onboarding.router(templates),
        expected_devices.router(templates),
        device_profiles.router(templates),
        devices.router(templates),
        sources.router(templates),
        mappings.router(templates),
    )


def _pages_of_tickets(templates: Templates) -> tuple[APIRouter, ...]:
    return (
        # Before the actions of tickets, which would take its address for one of theirs.
        ticket_bulk.router(templates),
        ticket_changes.router(templates),
        photos.router(),
        voices.router(),
        notes.router(),
        work.router(),
        claims.router(),
        checklist.router(),
        fire_alarms.router(),
        return_visits.router(),
        relations.router(),
        incidents.router(),
        ticket_priority.router(),
        signatures.router(templates),
        contractors.router(templates),
        tickets.router(templates),
    )


@cache
def _routes(directory: Callable[[Sequence[BaseRoute]], BaseRoute]) -> BaseRoute:
    """The routes of every page, in a directory; they hold nothing of the product that answers.

    Made once a process and shared by its applications, as those of the API are: to read the
    signatures of all of them takes a second.
    """
    together = APIRouter()
    for router in _pages():
        together.include_router(router)
    return directory(together.routes)


def mount(app: FastAPI, parts: Parts, live: LiveFeed) -> None:
    """Add the pages to `app`, whose requests `parts` serve; `live` tells open pages what is new.

    The caller starts the feed, and stops it before asking the web server to end.
    """
    app.state.parts = parts
    app.state.live = live
    app.state.translators = languages.translator
    app.state.templates = _templates()
    app.routes.append(_routes(app.state.directory))
