"""Work that is foreseen: batteries that will be empty, changed in rounds."""

from workflows.maintenance.battery_rounds import (
    BatteryRound,
    RoundCell,
    buildings_due,
    changed_on,
    put_on_round,
)
from workflows.maintenance.forecast import Forecast, forecast
from workflows.maintenance.judging import (
    BatteryState,
    days_of,
    devices_to_judge,
    judge_battery,
)

__all__ = [
    "BatteryRound",
    "BatteryState",
    "Forecast",
    "RoundCell",
    "buildings_due",
    "changed_on",
    "days_of",
    "devices_to_judge",
    "forecast",
    "judge_battery",
    "put_on_round",
]
