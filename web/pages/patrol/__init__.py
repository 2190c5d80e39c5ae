"""Patrols: checkpoints and what is scanned there, rounds, posts, guards' phones, calls for help."""

from fastapi import APIRouter

from web.pages.patrol import (
    badges,
    checkpoints,
    figures,
    frozen,
    labels,
    lone_workers,
    marks,
    phones,
    post_orders,
    post_shifts,
    posts,
    privacy,
    report_check,
    report_clients,
    reports,
    round_plans,
    rounds,
    routes,
    scans,
    sos,
    statutes,
    taps,
    tasks,
    tokens,
    wands,
)
from web.templating import Templates

_SCANNED = (checkpoints, tokens, scans, badges, wands, labels, taps)
_WALKED = (rounds, routes, round_plans, figures, statutes)
_MANNED = (posts, post_orders, post_shifts, phones, reports)
_CALLED = (sos, lone_workers, marks, tasks, privacy)
_REPORTED = (frozen, report_clients, report_check)


def routers(templates: Templates) -> tuple[APIRouter, ...]:
    """The routes of every page about patrols."""
    modules = (*_SCANNED, *_WALKED, *_MANNED, *_CALLED, *_REPORTED)
    return tuple(module.router(templates) for module in modules)
