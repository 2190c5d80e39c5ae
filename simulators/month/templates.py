"""What fails how often and for how long in the month-long plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.faults.plan import FaultKind
from simulators.month.agenda import HOUR, MINUTE

# Kinds of fault that are told of by the same alarms, by mode or point where that decides.
TROUBLES: Mapping[tuple[FaultKind, str], tuple[str, ...]] = {
    (FaultKind.PUMP_FAILURE, "overheating"): ("motor heat",),
    (FaultKind.PUMP_FAILURE, "bearing"): ("vibration",),
    (FaultKind.PUMP_FAILURE, "dry"): ("no water",),
    (FaultKind.DRIFT, "motor_temperature"): ("motor heat",),
    (FaultKind.DRIFT, "temperature"): ("room heat",),
    (FaultKind.FAN_FAILURE, "bearing"): ("vibration",),
    (FaultKind.FAN_FAILURE, "belt"): ("belt",),
    (FaultKind.BOARD_FAILURE, "hot_joint"): ("bar heat",),
    (FaultKind.BOARD_FAILURE, "earth_leakage"): ("earth leakage",),
    (FaultKind.BOARD_FAILURE, "overload"): ("overload",),
    (FaultKind.BOARD_FAILURE, "low_voltage"): ("voltage",),
    (FaultKind.TRANSFORMER_FAILURE, "blocked_ducts"): ("winding heat",),
    (FaultKind.TRANSFORMER_FAILURE, "fan_stands"): ("fan",),
    (FaultKind.CHILLER_FAILURE, "tripped"): ("tripped",),
    (FaultKind.CHILLER_FAILURE, "fouled"): ("condenser",),
    (FaultKind.LIFT_FAILURE, "door_blocked"): ("door",),
    (FaultKind.LIFT_FAILURE, "hot_machine"): ("motor heat",),
    (FaultKind.DOOR_FAILURE, "forced"): ("forced",),
    (FaultKind.DOOR_FAILURE, "held"): ("open",),
    (FaultKind.ROOM_FAILURE, "hot"): ("room heat",),
    (FaultKind.ROOM_FAILURE, "humid"): ("damp",),
    (FaultKind.FIRE_MAIN_LEAK, "seeping"): ("seeping",),
    (FaultKind.FIRE_MAIN_LEAK, "burst"): ("pressure", "seeping"),
    (FaultKind.CHATTER, "leak"): ("water",),
    (FaultKind.CHATTER, "motor_temperature"): ("motor heat",),
    (FaultKind.BURST_PIPE, "None"): ("water",),
    (FaultKind.SMOKE, "None"): ("smoke",),
    (FaultKind.SILENCE, "None"): ("silence",),
}


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of fault on a type of asset. share: how often, as a weight; lasts: seconds."""

    kind: FaultKind
    asset_type: str
    share: int
    lasts: tuple[float, float]
    options: dict[str, Any] = field(default_factory=dict)
    of_device: bool = False

    @property
    def troubles(self) -> frozenset[str]:
        """What is wrong with the asset; the same trouble again would continue the last ticket."""
        known = TROUBLES.get((self.kind, str(self.options.get("mode", self.options.get("point")))))
        return frozenset(known or (self.kind.value,))


def _by_mode(
    kind: FaultKind, asset_type: str, share: int, **modes: tuple[float, float]
) -> tuple[Template, ...]:
    return tuple(
        Template(kind, asset_type, share, lasts, {"mode": mode}) for mode, lasts in modes.items()
    )


_HOURS = (2 * HOUR, 5 * HOUR)
EQUIPMENT: tuple[Template, ...] = (
    *_by_mode(
        FaultKind.PUMP_FAILURE, "pump", 10, overheating=_HOURS, bearing=_HOURS, dry=(HOUR, 2 * HOUR)
    ),
    *_by_mode(FaultKind.FAN_FAILURE, "fan", 7, bearing=_HOURS, belt=_HOURS),
    *_by_mode(
        FaultKind.BOARD_FAILURE,
        "distribution_board",
        9,
        hot_joint=_HOURS,
        earth_leakage=_HOURS,
        overload=_HOURS,
        low_voltage=_HOURS,
    ),
    *_by_mode(
        FaultKind.TRANSFORMER_FAILURE, "transformer", 3, blocked_ducts=_HOURS, fan_stands=_HOURS
    ),
    *_by_mode(
        FaultKind.CHILLER_FAILURE, "chiller", 3, tripped=_HOURS, fouled=(6 * HOUR, 10 * HOUR)
    ),
    *_by_mode(
        FaultKind.PIT_FAILURE,
        "drainage_pit",
        7,
        pump_dead=(HOUR, 2 * HOUR),
        flooded=(HOUR, 2 * HOUR),
    ),
    *_by_mode(FaultKind.LIFT_FAILURE, "lift", 9, door_blocked=(HOUR, 2 * HOUR), hot_machine=_HOURS),
    *_by_mode(
        FaultKind.DOOR_FAILURE, "door", 9, forced=(4 * MINUTE, 8 * MINUTE), held=(HOUR, 3 * HOUR)
    ),
    *_by_mode(FaultKind.ROOM_FAILURE, "room", 8, hot=_HOURS, humid=_HOURS),
    *_by_mode(
        FaultKind.FIRE_MAIN_LEAK, "fire_main", 4, seeping=_HOURS, burst=(5 * MINUTE, 6 * MINUTE)
    ),
    Template(FaultKind.LIFT_ENTRAPMENT, "lift", 9, (10 * MINUTE, 40 * MINUTE)),
    Template(FaultKind.SMOKE, "smoke_detector", 12, (5 * MINUTE, 30 * MINUTE)),
    Template(FaultKind.BURST_PIPE, "water_leak", 16, (20 * MINUTE, 2 * HOUR)),
)
_LONG = (6 * HOUR, 12 * HOUR)
SENSORS: tuple[Template, ...] = (
    Template(FaultKind.STUCK, "room", 4, (20 * HOUR, 26 * HOUR), {"point": "temperature"}, True),
    Template(
        FaultKind.STUCK, "pump", 3, (20 * HOUR, 26 * HOUR), {"point": "motor_temperature"}, True
    ),
    Template(
        FaultKind.DRIFT, "pump", 3, _LONG, {"point": "motor_temperature", "per_second": 0.003}, True
    ),
    Template(
        FaultKind.DRIFT, "room", 3, _LONG, {"point": "temperature", "per_second": 0.002}, True
    ),
    Template(FaultKind.SILENCE, "door", 2, _LONG, {}, True),
    Template(FaultKind.SILENCE, "water_leak", 4, _LONG, {}, True),
    Template(FaultKind.SILENCE, "lift", 2, _LONG, {}, True),
    Template(FaultKind.DEAD_CLOCK, "fan", 3, _LONG, {"ts": 1.33}, True),
    Template(FaultKind.DEAD_CLOCK, "pump", 2, _LONG, {"ts": 1.33}, True),
    Template(
        FaultKind.CHATTER,
        "water_leak",
        3,
        (20 * MINUTE, HOUR),
        {"point": "leak", "low": False, "high": True, "period": 10.0},
        True,
    ),
    Template(
        FaultKind.CHATTER,
        "pump",
        2,
        (HOUR, 2 * HOUR),
        {"point": "motor_temperature", "low": 70.0, "high": 80.0, "period": 20.0},
        True,
    ),
    Template(FaultKind.BATTERY_LOW, "smoke_detector", 4, _LONG),
    Template(FaultKind.BATTERY_LOW, "water_leak", 4, _LONG),
    Template(FaultKind.WEAK_SIGNAL, "gateway", 2, (2 * HOUR, 4 * HOUR)),
    Template(FaultKind.OUT_OF_ORDER, "pump", 3, _LONG, {"depth": 2}, True),
    Template(FaultKind.DUPLICATE, "distribution_board", 3, _LONG, {"copies": 3}, True),
    Template(
        FaultKind.SPIKE,
        "pump",
        2,
        (HOUR, HOUR),
        {"point": "motor_temperature", "value": 120.0},
        True,
    ),
    Template(
        FaultKind.SPIKE, "room", 1, (HOUR, HOUR), {"point": "temperature", "value": 60.0}, True
    ),
)
