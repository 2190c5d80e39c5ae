"""Health for machines: alive, ready and which part is ill, and Prometheus metrics."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel

from api.answers import answer
from api.deps import Asked, Permission, caller_of, parts_of
from core.errors import NotAllowed, NotSignedIn, Unavailable
from core.health import Health, PartState

router = APIRouter(tags=["health"])
READ = "system.read"


class Alive(BaseModel):
    """The process answers."""

    status: str


class Part(BaseModel):
    """One part's own word; detail and since only for callers with system.read.

    faults: how many things of it are wrong, such as jobs that fail or rules that watch nothing.
    """

    part: str
    ok: bool
    faults: int
    detail: str | None = None
    since: datetime | None = None


class Readiness(BaseModel):
    """Whether every part is well, the ill ones first."""

    status: str
    parts: list[Part]


@router.get("/healthz", response_model=Alive, summary="Is the process alive")
async def get_alive() -> Response:
    """Answers while the process does; it asks no other part."""
    return answer({"status": "alive"})


@router.get(
    "/readyz",
    response_model=Readiness,
    summary="Is every part well",
    responses={503: {"description": "Some part is ill.", "model": Readiness}},
)
async def get_ready(request: Request) -> Response:
    """Without a token: which part is ill. With `system.read`: also what it says, since when."""
    states = await run_in_threadpool(parts_of(request).health.snapshot)
    details = await _may_see_details(request)
    ready = all(state.ok for state in states)
    parts = [_part(state, details) for state in states]
    return answer({"status": "ready" if ready else "ill", "parts": parts}, 200 if ready else 503)


def _part(state: PartState, details: bool) -> dict[str, object]:
    plain: dict[str, object] = {"part": state.part, "ok": state.ok, "faults": state.faults}
    return {**plain, "detail": state.detail, "since": state.since} if details else plain


async def _may_see_details(request: Request) -> bool:
    # It must answer while the database is away, when nobody can be identified.
    try:
        (await caller_of(request)).require_anywhere(READ)
    except (NotSignedIn, NotAllowed, Unavailable):
        return False
    return True


class _HealthCollector(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily(
            "watchkeeper_part_ok", "Whether a part of the product is well.", labels=["part"]
        )
        for state in self._health.snapshot():
            gauge.add_metric([state.part], float(state.ok))
        yield gauge


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(asked: Annotated[Asked, Depends(Permission(READ))]) -> Response:
    """Everything this process counts, and the health of its parts."""
    return Response(measured(asked.parts.health), media_type=CONTENT_TYPE_LATEST)


def measured(health: Health) -> bytes:
    """The figures of this process in Prometheus' text format, with the health of its parts."""
    parts = CollectorRegistry()
    parts.register(_HealthCollector(health))
    return generate_latest(REGISTRY) + generate_latest(parts)
