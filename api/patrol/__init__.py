"""Patrols over HTTP: checkpoints, what is scanned at them, badges, scans, exports of wands."""

from api.patrol.badges import router as _badges
from api.patrol.checkpoints import router
from api.patrol.scans import router as _scans

router.include_router(_badges)
router.include_router(_scans)

__all__ = ["router"]
