"""Patrols over HTTP: checkpoints and what is scanned there, badges, scans, wands, rounds, posts."""

from api.patrol.badges import router as _badges
from api.patrol.checkpoints import router
from api.patrol.figures import router as _figures
from api.patrol.plans import router as _plans
from api.patrol.post_orders import router as _post_orders
from api.patrol.posts import router as _posts
from api.patrol.rounds import router as _rounds
from api.patrol.routes import router as _routes
from api.patrol.scans import router as _scans
from api.patrol.statutes import router as _statutes

_OF_ROUNDS = (_routes, _plans, _rounds, _figures, _statutes)
for _each in (_badges, _scans, *_OF_ROUNDS, _posts, _post_orders):
    router.include_router(_each)

__all__ = ["router"]
