"""Rules: what is watched, who changed it, and where it is changed."""

from fastapi import APIRouter

from web.pages.rules import editor, listing, one, shadow
from web.templating import Templates


def router(templates: Templates) -> APIRouter:
    """The routes of every page about rules."""
    routes = APIRouter()
    for module in (listing, one, shadow, editor):
        routes.include_router(module.router(templates))
    return routes
