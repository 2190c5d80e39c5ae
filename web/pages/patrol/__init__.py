"""Patrols: checkpoints and what is scanned at them, scans, badges, routes and their rounds."""

from fastapi import APIRouter

from web.pages.patrol import (
    badges,
    checkpoints,
    figures,
    labels,
    round_plans,
    rounds,
    routes,
    scans,
    statutes,
    taps,
    tokens,
    wands,
)
from web.templating import Templates


def router(templates: Templates) -> APIRouter:
    """The routes of every page about patrols."""
    whole = APIRouter()
    ways = (rounds, routes, round_plans, figures, statutes)
    for module in (checkpoints, tokens, scans, badges, wands, labels, taps, *ways):
        whole.include_router(module.router(templates))
    return whole
