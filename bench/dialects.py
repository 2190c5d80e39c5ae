"""The same load in other dialects: what a device says three values in, and on which topic.

Like the load generator, it imports nothing of ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

POINTS = ("temperature", "vibration", "current")
Values = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Speech:
    """How a dialect says it. device, topic: of a device's number; `keys`: of the three values.

    step: the least seconds from one message of a device to its next that its times tell apart.
    said: time, seconds, and the three values.
    """

    filter: str
    device: Callable[[int], str]
    topic: Callable[[str], str]
    keys: tuple[str, str, str]
    said: Callable[[str, float, Values], str]
    step: float = 0.0

    def points(self) -> str:
        """The points of a device as a site file has them; nothing where keys are as points are."""
        if self.keys == POINTS:
            return ""
        pairs = ", ".join(f'"{key}": {point}' for key, point in zip(self.keys, POINTS, strict=True))
        return f", points: {{{pairs}}}"


def _plain(number: int) -> str:
    return f"d{number}"


def _native(_: str, at: float, values: Values) -> str:
    temperature, vibration, current = values
    return (
        f'{{"ts":{at:.6f},"temperature":{temperature:.4f},'
        f'"vibration":{vibration:.4f},"current":{current:.4f}}}'
    )


def _zigbee2mqtt(_: str, at: float, values: Values) -> str:
    temperature, vibration, current = values
    seen = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return (
        f'{{"battery":97,"current":{current:.4f},"last_seen":"{seen}","linkquality":102,'
        f'"temperature":{temperature:.4f},"vibration":{vibration:.4f},"voltage":2985}}'
    )


def _tasmota(_: str, at: float, values: Values) -> str:
    temperature, vibration, current = values
    local = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return (
        f'{{"Time":"{local}","BME280":{{"Temperature":{temperature:.4f},"Humidity":52.1}},'
        f'"ANALOG":{{"Range1":{vibration:.4f}}},"ENERGY":{{"Current":{current:.4f},"Voltage":231}},'
        '"TempUnit":"C"}'
    )


def _chirpstack(device: str, at: float, values: Values) -> str:
    temperature, vibration, current = values
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    return (
        f'{{"deduplicationId":"3ac7e3c4-4401-4b8d-9386-a5c902f9202d","time":"{when}","deviceInfo":'
        '{"tenantId":"52f14cd4-c6f1-4fbd-8f87-4025e1d49242","tenantName":"ChirpStack",'
        '"applicationId":"17c82e96-be03-4f38-aef3-f83d48582d97","applicationName":"bench",'
        f'"deviceProfileName":"bench","deviceName":"bench","devEui":"{device}"}},'
        '"devAddr":"00189440","dr":1,"fPort":1,"fCnt":7,"data":"qg==","object":'
        f'{{"temperature":{temperature:.4f},"vibration":{vibration:.4f},"current":{current:.4f}}},'
        '"rxInfo":[{"gatewayId":"0016c001f153a14c","uplinkId":4217106255,"rssi":-36,"snr":10.5}],'
        '"txInfo":{"frequency":867100000,"modulation":{"lora":{"bandwidth":125000,'
        '"spreadingFactor":11,"codeRate":"CR_4_5"}}}}'
    )


NATIVE = "wk"
SPEECHES: Mapping[str, Speech] = {
    NATIVE: Speech(
        "wk/v1/bench/#", _plain, lambda code: f"wk/v1/bench/{code}/readings", POINTS, _native
    ),
    "zigbee2mqtt": Speech(
        "zigbee2mqtt/#", _plain, lambda code: f"zigbee2mqtt/{code}", POINTS, _zigbee2mqtt, 0.001
    ),
    "tasmota": Speech(
        "tele/#",
        _plain,
        lambda code: f"tele/{code}/SENSOR",
        ("BME280.Temperature", "ANALOG.Range1", "ENERGY.Current"),
        _tasmota,
        1.0,
    ),
    "chirpstack": Speech(
        "application/#",
        lambda number: f"{number:016x}",
        lambda code: f"application/17c82e96-be03-4f38-aef3-f83d48582d97/device/{code}/event/up",
        POINTS,
        _chirpstack,
    ),
}
