"""What administrators do to assets, sources, devices and points, one use case each."""

from core.administration.assets import NewAsset, create_asset, update_asset
from core.administration.devices import (
    NewDevice,
    create_device,
    reactivate_device,
    retire_device,
    update_device,
)
from core.administration.points import NewPoint, create_points, update_point
from core.administration.sources import NewSource, create_source, delete_source, update_source

__all__ = [
    "NewAsset",
    "NewDevice",
    "NewPoint",
    "NewSource",
    "create_asset",
    "create_device",
    "create_points",
    "create_source",
    "delete_source",
    "reactivate_device",
    "retire_device",
    "update_asset",
    "update_device",
    "update_point",
    "update_source",
]
