"""Patrols: checkpoints and what is scanned there, scans, badges, routes, rounds and posts."""

from fastapi import APIRouter

from web.pages.patrol import (
    badges,
    checkpoints,
    figures,
    labels,
    post_orders,
    posts,
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
    manned = (posts, post_orders)
    for module in (checkpoints, tokens, scans, badges, wands, labels, taps, *ways, *manned):
        whole.include_router(module.router(templates))
    return whole
