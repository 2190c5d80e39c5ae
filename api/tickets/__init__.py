"""Tickets over HTTP: list, read, open, edit, and every action of their lifecycle."""

from api.tickets.actions import router as _actions
from api.tickets.outside import router as _outside
from api.tickets.photos import router as _photos
from api.tickets.routes import router

router.include_router(_actions)
router.include_router(_photos)
router.include_router(_outside)

__all__ = ["router"]
