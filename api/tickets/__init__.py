"""Tickets over HTTP: list, read, open, edit, and every action of their lifecycle."""

from api.tickets.actions import router as _actions
from api.tickets.bulk import router as _bulk
from api.tickets.checklist import router as _checklist
from api.tickets.claims import router as _claims
from api.tickets.fire_alarms import router as _fire_alarms
from api.tickets.links import router as _links
from api.tickets.outside import router as _outside
from api.tickets.photos import router as _photos
from api.tickets.return_visits import router as _return_visits
from api.tickets.routes import router
from api.tickets.signatures import router as _signatures
from api.tickets.voices import router as _voices
from api.tickets.work import router as _work

router.include_router(_actions)
router.include_router(_bulk)
router.include_router(_photos)
router.include_router(_voices)
router.include_router(_outside)
router.include_router(_claims)
router.include_router(_work)
router.include_router(_checklist)
router.include_router(_fire_alarms)
router.include_router(_return_visits)
router.include_router(_links)
router.include_router(_signatures)

__all__ = ["router"]
