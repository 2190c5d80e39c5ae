"""Rules: what is watched, who changed it, and where it is changed."""

from fastapi import APIRouter

from web.pages.rules import editor, listing, one, shadow
from web.templating import Templates


def routers(templates: Templates) -> tuple[APIRouter, ...]:
    """The routes of every page about rules."""
    return tuple(module.router(templates) for module in (listing, one, shadow, editor))
