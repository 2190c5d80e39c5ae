"""Patrols: checkpoints and what is scanned there, routes and rounds, posts, guards' phones."""

from fastapi import APIRouter

from web.pages.patrol import (
    badges,
    checkpoints,
    figures,
    labels,
    phones,
    post_orders,
    posts,
    reports,
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

_SCANNED = (checkpoints, tokens, scans, badges, wands, labels, taps)
_WALKED = (rounds, routes, round_plans, figures, statutes)
_MANNED = (posts, post_orders, phones, reports)


def router(templates: Templates) -> APIRouter:
    """The routes of every page about patrols."""
    whole = APIRouter()
    for module in (*_SCANNED, *_WALKED, *_MANNED):
        whole.include_router(module.router(templates))
    return whole
