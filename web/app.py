"""Adds the pages to the API's application."""

from fastapi import FastAPI

from api.context import Parts
from web import bundle
from web.bundle import Bundle
from web.live import LiveFeed
from web.pages import (
    account,
    alarms,
    assets,
    categories,
    chat_buttons,
    checklist,
    companies,
    contractors,
    control_room,
    devices,
    elsewhere,
    fire_alarms,
    hand_over,
    home_invitations,
    homes,
    households,
    identity,
    imports,
    jobs,
    new_ticket,
    notes,
    notices,
    people,
    photos,
    public,
    push,
    relations,
    return_visits,
    saved_views,
    search,
    second_factor,
    service,
    shift_codes,
    sign_in,
    signatures,
    sticker_problems,
    stickers,
    teams,
    ticket_bulk,
    ticket_changes,
    ticket_list,
    ticket_templates,
    tickets,
    tokens,
    voices,
    waiting,
    work,
)
from web.pages import live as live_page
from web.templating import Templates


def mount(app: FastAPI, parts: Parts, live: LiveFeed) -> None:
    """Add the pages to `app`, whose requests `parts` serve; `live` tells open pages what is new.

    The caller starts the feed, and stops it before asking the web server to end.
    """
    app.state.parts = parts
    assets_of_browser = Bundle()
    templates = Templates(assets_of_browser)
    app.state.templates = templates
    app.include_router(bundle.router(assets_of_browser))
    # Before signing in by links, which would take its address for one of theirs.
    app.include_router(identity.router(templates))
    app.include_router(sign_in.router(templates, live))
    app.include_router(live_page.router(templates, live))
    app.include_router(control_room.router(templates))
    app.include_router(alarms.router(templates))
    _mount_tickets(app, templates)
    app.include_router(assets.router(templates))
    app.include_router(devices.router(templates))
    app.include_router(people.router(templates))
    app.include_router(imports.router(templates))
    app.include_router(account.router(templates))
    app.include_router(second_factor.router(templates))
    app.include_router(tokens.router(templates))
    app.include_router(search.router(templates))
    app.include_router(home_invitations.router(templates))
    app.include_router(homes.router(templates))
    app.include_router(companies.router(templates))
    app.include_router(jobs.router(templates))
    app.include_router(households.router(templates))
    app.include_router(service.router(templates))
    app.include_router(teams.router(templates))
    app.include_router(hand_over.router(templates))
    app.include_router(chat_buttons.router())
    app.include_router(waiting.router(templates))
    app.include_router(notices.router(templates))
    app.include_router(push.router())
    app.include_router(new_ticket.router(templates))
    app.include_router(categories.router(templates))
    app.include_router(shift_codes.router(templates))
    app.include_router(sticker_problems.router(templates))
    app.include_router(ticket_templates.router(templates))
    app.include_router(ticket_list.router(templates))
    app.include_router(saved_views.router())
    app.include_router(stickers.router(templates))
    app.include_router(public.router(templates))
    app.include_router(contractors.guest_router(templates))
    # The last one: whatever no other route knows.
    app.include_router(elsewhere.router())


def _mount_tickets(app: FastAPI, templates: Templates) -> None:
    # Before the actions of tickets, which would take its address for one of theirs.
    app.include_router(ticket_bulk.router(templates))
    app.include_router(ticket_changes.router(templates))
    app.include_router(photos.router())
    app.include_router(voices.router())
    app.include_router(notes.router())
    app.include_router(work.router())
    app.include_router(checklist.router())
    app.include_router(fire_alarms.router())
    app.include_router(return_visits.router())
    app.include_router(relations.router())
    app.include_router(signatures.router(templates))
    app.include_router(contractors.router(templates))
    app.include_router(tickets.router(templates))
