"""Patrols over HTTP: checkpoints, scans, badges, wands, rounds, posts, guards and phones."""

from api.patrol.badges import router as _badges
from api.patrol.checkpoints import router
from api.patrol.figures import router as _figures
from api.patrol.frozen import router as _frozen
from api.patrol.guard import router as _guard
from api.patrol.guard_sos import router as _guard_sos
from api.patrol.labels import router as _labels
from api.patrol.lone import router as _lone
from api.patrol.marks import router as _marks
from api.patrol.phones import router as _phones
from api.patrol.plans import router as _plans
from api.patrol.post_orders import router as _post_orders
from api.patrol.post_shifts import router as _post_shifts
from api.patrol.posts import router as _posts
from api.patrol.privacy import router as _privacy
from api.patrol.report_clients import router as _report_clients
from api.patrol.reports import router as _reports
from api.patrol.rounds import router as _rounds
from api.patrol.routes import router as _routes
from api.patrol.scans import router as _scans
from api.patrol.sos import router as _sos
from api.patrol.statutes import router as _statutes
from api.patrol.tasks import router as _tasks

_SCANNED = (_badges, _labels, _scans)
_WALKED = (_routes, _plans, _rounds, _figures, _statutes)
_MANNED = (_posts, _post_orders, _post_shifts)
_GUARDED = (_guard, _guard_sos, _phones, _reports, _marks, _sos, _lone, _tasks, _privacy)
_REPORTED = (_frozen, _report_clients)
for _each in (*_SCANNED, *_WALKED, *_MANNED, *_GUARDED, *_REPORTED):
    router.include_router(_each)

__all__ = ["router"]
