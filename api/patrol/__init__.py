"""Patrols over HTTP: checkpoints and what is scanned there, badges, scans, wands, rounds."""

from api.patrol.badges import router as _badges
from api.patrol.checkpoints import router
from api.patrol.figures import router as _figures
from api.patrol.plans import router as _plans
from api.patrol.rounds import router as _rounds
from api.patrol.routes import router as _routes
from api.patrol.scans import router as _scans

for _each in (_badges, _scans, _routes, _plans, _rounds, _figures):
    router.include_router(_each)

__all__ = ["router"]
