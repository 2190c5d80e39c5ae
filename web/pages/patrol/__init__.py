"""Patrols: checkpoints, what is scanned at them, scans, badges, exports of wands, labels."""

from fastapi import APIRouter

from web.pages.patrol import badges, checkpoints, labels, scans, taps, tokens, wands
from web.templating import Templates


def router(templates: Templates) -> APIRouter:
    """The routes of every page about patrols."""
    routes = APIRouter()
    for module in (checkpoints, tokens, scans, badges, wands, labels, taps):
        routes.include_router(module.router(templates))
    return routes
