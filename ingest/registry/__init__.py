"""What ingest knows while it runs: sites, devices, points, and rules bound to assets."""

from ingest.registry.carrying import Stored, Windowed, carry_over, restore
from ingest.registry.loading import load_registry
from ingest.registry.model import (
    ONLINE,
    Binding,
    Conduct,
    DeviceState,
    Listener,
    Moment,
    PathState,
    PointState,
    Registry,
    SiteState,
    Way,
)

__all__ = [
    "ONLINE",
    "Binding",
    "Conduct",
    "DeviceState",
    "Listener",
    "Moment",
    "PathState",
    "PointState",
    "Registry",
    "SiteState",
    "Stored",
    "Way",
    "Windowed",
    "carry_over",
    "load_registry",
    "restore",
]
