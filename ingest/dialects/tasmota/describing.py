"""What Tasmota devices measure, and in what unit; and what they announce of themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import NAMED, device_code, named
from ingest.dialects.spoken import FOLLOWED, Decoded, Described, DescribedPoint, Result, Told
from ingest.dialects.values import Value, document, flat, is_text, known_unit, name_in

DISCOVERY = ["tasmota", "discovery"]
# What is noted under this and a device: the points that were told of it so far.
DESCRIBED = "points/"
# What is remembered under this and the MAC of a device that announced itself: its name.
ANNOUNCED = "mac/"
# And under this and a device: that it sleeps between its reports, so that it is no fault if it is
# gone.
SLEEPS = "sleeps/"
# Texts, and what stands for something else than the state of a device.
NOT_MEASURED = frozenset(
    {"Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit", "Id", "Sleep", "SleepMode"}
)
_FOLLOWED = (
    ("tele", ("SENSOR", "STATE", "LWT", "DEEPSLEEP")),
    ("stat", ("RESULT", "POWER", "STATUS8", "STATUS10", "STATUS11")),
)
# By the last name of a path: the unit, and what it means.
_MEASURES: Mapping[str, tuple[str | None, str | None]] = {
    "Temperature": ("TempUnit", "temperature"),
    "DewPoint": ("TempUnit", "temperature"),
    "Humidity": ("%", "humidity"),
    "Pressure": ("PressureUnit", "pressure"),
    "SeaPressure": ("PressureUnit", "pressure"),
    "Illuminance": ("lx", "illuminance"),
    "CarbonDioxide": ("ppm", "carbon_dioxide"),
    "eCO2": ("ppm", "carbon_dioxide"),
    "TVOC": ("ppb", "volatile_organic_compounds"),
    "PM2.5": ("µg/m³", "pm25"),
    "PM10": ("µg/m³", "pm10"),
    "Vcc": ("V", "voltage"),
    "Battery": ("%", "battery"),
    "BatteryPercentage": ("%", "battery"),
    "Moisture": ("%", "moisture_content"),
    "Distance": ("cm", "distance"),
    "Weight": ("kg", "weight"),
    "Speed": ("SpeedUnit", "speed"),
    "PM1": ("µg/m³", "pm1"),
    "Voltage": ("V", "voltage"),
    "BatteryVoltage": ("V", "voltage"),
    "Current": ("A", "current"),
    "Power": ("W", "power"),
}
_OF_ENERGY: Mapping[str, tuple[str | None, str | None]] = {
    "Voltage": ("V", "voltage"),
    "Current": ("A", "current"),
    "Power": ("W", "power"),
    "ApparentPower": ("VA", "apparent_power"),
    "ReactivePower": ("var", "reactive_power"),
    "Frequency": ("Hz", "frequency"),
    "Total": ("kWh", "energy"),
    "Today": ("kWh", "energy"),
    "Yesterday": ("kWh", "energy"),
    "ExportActive": ("kWh", "energy"),
    "ImportActive": ("kWh", "energy"),
    "TotalTariff": ("kWh", "energy"),
    "ExportTariff": ("kWh", "energy"),
    "Factor": (None, "power_factor"),
}
# Of Zigbee's alarms, and what else is 0 or 1 there: what it means.
_YES_OR_NO = {
    "open": "opening",
    "Occupancy": "occupancy",
    "Water": "moisture",
    "Fire": "smoke",
    "CO": "carbon_monoxide",
    "Vibration": "vibration",
    "Contact": None,
    "DoorOpen": "opening",
}
# Of one unit at a bridge's device, and of another or none at a device itself.
_OF_PASSED: Mapping[str, tuple[str | None, str | None]] = {
    "Power": (None, None),
    "Battery": (None, None),
}
_STATED = {"TempUnit": "C", "PressureUnit": "hPa", "SpeedUnit": ""}


def points(measured: Mapping[str, Value], said: Mapping[str, Any]) -> Iterator[DescribedPoint]:
    """The points of a message's readings; units of temperature and pressure stand beside them."""
    for key, value in measured.items():
        kind = "boolean" if isinstance(value, bool) else "number"
        path = key.split(".")
        last = path[-2] if path[-1].isdigit() and len(path) > 1 else path[-1]
        if key.endswith("PM2.5"):
            last = "PM2.5"
        elif "Speed" in path:
            last = "Speed"
        known = _OF_ENERGY if path[0] == "ENERGY" else _MEASURES
        unit, means = known.get(last, (None, None))
        if unit in _STATED:
            unit = known_unit(said.get(unit, _STATED[unit]))
        yield DescribedPoint(key, kind, unit, means=means)


def passed_points(kinds: Mapping[str, str], said: Mapping[str, Any]) -> Iterator[DescribedPoint]:
    """The points of a device behind a bridge. kinds: of each of its values."""
    for key, kind in kinds.items():
        if key in _YES_OR_NO:
            yield DescribedPoint(key, "boolean", means=_YES_OR_NO[key])
            continue
        unit, means = _OF_PASSED.get(key, _MEASURES.get(key, (None, None)))
        if unit in _STATED:
            unit = known_unit(said.get(unit, _STATED[unit]))
        yield DescribedPoint(key, kind, unit, means=means)


def announced(levels: list[str], payload: bytes, memory: Mapping[str, Any]) -> Result:
    """`tasmota/discovery/<MAC>/config` and `sensors`: a device, where it speaks and what it has."""
    if len(levels) != 4 or levels[3] not in ("config", "sensors"):
        return None
    mac = levels[2]
    name = memory.get(ANNOUNCED + mac)
    if not payload:
        return _gone(mac, name, memory) if levels[3] == "config" and name else None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    if levels[3] == "config":
        return _config(mac, said, memory)
    return _sensors(name, said) if name else None


def _sensors(name: str, said: Mapping[str, Any]) -> Decoded | None:
    seen = said.get("sn")
    if not isinstance(seen, dict):
        return None
    measured = flat(seen, texts=False, leave=NOT_MEASURED)
    code = device_code(name)
    known = {point.key: point for point in points(measured, seen)}
    told = Told(code, described=Described(points=tuple(known.values())))
    return Decoded([told], note={DESCRIBED + code: known})


def _config(mac: str, said: Mapping[str, Any], memory: Mapping[str, Any]) -> Result:
    topics = dict(_topics(said, mac))
    prefixes = said.get("tp")
    if not topics and isinstance(prefixes, list) and prefixes[1:] != ["stat", "tele"]:
        named_so = ", ".join(repr(str(one)[:20]) for one in prefixes[1:3])
        detail = f"its topics are named {named_so}: set Prefix2 to stat and Prefix3 to tele"
        return Problem("unsupported", detail.encode("utf-8", "replace").decode())
    if not topics:
        return Problem("wrong_shape", "an announcement names its topic: t, ft and tp")
    name = next(iter(topics.values()))
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    remember: dict[str, Any] = dict(own.remember)
    before = memory.get(ANNOUNCED + mac)
    if before != name:
        if before:
            remember |= _gone(mac, before, memory).remember
        remember[ANNOUNCED + mac] = name
    for topic in topics:
        if memory.get(FOLLOWED + topic) != mac:
            remember[FOLLOWED + topic] = mac
    if (said.get("dslp") == 1) != bool(memory.get(SLEEPS + own.code)) and "dslp" in said:
        remember[SLEEPS + own.code] = True if said["dslp"] == 1 else None
    described = Described(name_in(said.get("dn")), "Tasmota", name_in(said.get("md")))
    return Decoded([Told(own.code, described=described)], remember=remember)


def _topics(said: Mapping[str, Any], mac: str) -> Iterator[tuple[str, str]]:
    """The topics on which a device speaks, each with the device's name in it."""
    full, topic, prefixes = said.get("ft"), said.get("t"), said.get("tp")
    texts = [full, topic, *(prefixes if isinstance(prefixes, list) else [])]
    if not all(isinstance(text, str) and 0 < len(text) <= 120 for text in texts):
        return
    if len(texts) != 5 or texts[3:] != ["stat", "tele"]:
        return
    filled = str(full).replace("%topic%", str(topic)).replace("%id%", mac).rstrip("/")
    filled = filled.replace("%hostname%", name_in(said.get("hn")) or "%hostname%")
    name = "/".join(level for level in filled.split("/") if level not in ("%prefix%", ""))
    if "%prefix%" not in filled.split("/") or not name or not is_text(filled):
        return
    if set(filled) & set("+#\0"):
        return
    for prefix, lasts in _FOLLOWED:
        for last in lasts:
            yield f"{filled.replace('%prefix%', prefix)}/{last}", name


def _gone(mac: str, name: str, memory: Mapping[str, Any]) -> Decoded:
    remember: dict[str, Any] = {ANNOUNCED + mac: None}
    remember |= {key: None for key, of in memory.items() if key.startswith(FOLLOWED) and of == mac}
    if memory.get(NAMED + device_code(name)) == name:
        remember[NAMED + device_code(name)] = None
    return Decoded(remember=remember)
