"""Programs of others speak to the product: a gateway that polls Modbus, a Sparkplug edge node, and
the clients of Mosquitto. Each fault they tell of is a ticket."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from scripts.client_programs import EDGE, GATEWAY
from tests.servers import find_program, free_port
from tests.servers.mosquitto import mosquitto
from tests.servers.product import ROOT, Product, furnished, until
from tests.stories.clients import LIMIT, client, has_ticket

CLIENTS = ROOT / "tests" / "servers" / "clients"
CONFIGURATION = ROOT / "deploy" / "gateway"
SHANGHAI = ZoneInfo("Asia/Shanghai")
SITE_TEXT = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
site: {code: works, name: {en: Works, zh: 工厂}, time_zone: Asia/Shanghai}
assets:
  - {code: pump-1, type: pump, name: {en: Pump 1, zh: 1号泵}}
  - {code: fan-1, type: fan, name: {en: Fan 1, zh: 1号风机}}
  - {code: edge, type: gateway, name: {en: Edge node, zh: 边缘网关}}
  - {code: lobby, type: smoke_detector, name: {en: Lobby, zh: 大堂烟感}}
sources:
  - {code: own, topic: wk/v1/works/#, dialect: wk}
  - {code: gateways, topic: v1/gateway/#, dialect: thingsboard}
  - {code: gateways-asking, topic: v1/devices/me/rpc/request/+, dialect: thingsboard}
  - {code: plant, topic: spBv1.0/plant/#, dialect: sparkplug}
  - {code: fire, topic: fire/+/up, dialect: gb26875, options: {answer_topic: "fire/{device}/down"}}
devices:
  - {code: pump-1, asset: pump-1, points: {motor_temperature: motor_temperature, running: running}}
  - {code: plant.edge, asset: edge, gateway: true, points: {online: online}}
  - {code: plant.edge.fan-1, asset: fan-1, points: {speed: speed}}
  - {code: "000000000379.1-1.10-2", asset: lobby, points: {fire: smoke}}
"""
RULES_TEXT = """\
id: pump-hot
title: {en: Pump too hot, zh: 水泵过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
severity: high
ticket: {kind: repair, category: pumps, team: maintenance}
---
id: fan-fast
title: {en: Fan too fast, zh: 风机超速}
applies_to: {asset_type: fan}
when: speed > 1000 rpm
severity: high
ticket: {kind: repair, category: mechanical, team: maintenance}
---
id: gateway-gone
title: {en: Gateway offline, zh: 网关离线}
applies_to: {asset_type: gateway}
when: not online
severity: high
ticket: {kind: repair, category: communication, team: maintenance}
---
id: smoke
title: {en: Smoke, zh: 烟雾报警}
applies_to: {asset_type: smoke_detector}
when: smoke
severity: critical
life_safety: true
ticket: {kind: repair, category: fire, team: maintenance}
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product behind a Mosquitto, since ThingsBoard's gateway speaks MQTT 5 alone."""
    folder = tmp_path_factory.mktemp("real-clients")
    (folder / "broker").mkdir()
    with mosquitto(folder / "broker") as broker:
        settings = {"mqtt_host": broker.address.host, "mqtt_port": str(broker.address.port)}
        with furnished(folder, SITE_TEXT, RULES_TEXT, settings) as product:
            yield product


def address(product: Product) -> tuple[str, str]:
    """Host and port of the broker."""
    return product.settings["mqtt_host"], product.settings["mqtt_port"]


def configure(product: Product, folder: Path, modbus_port: int) -> None:
    """The files that the documents show, with the addresses of this machine."""
    gateway = json.loads((CONFIGURATION / "tb_gateway.json").read_text())
    host, port = address(product)
    gateway["thingsboard"] |= {"host": host, "port": int(port)}
    modbus = json.loads((CONFIGURATION / "modbus.json").read_text())
    (pump,) = modbus["master"]["slaves"]
    pump |= {"host": "127.0.0.1", "port": modbus_port}
    (folder / "tb_gateway.json").write_text(json.dumps(gateway))
    (folder / "modbus.json").write_text(json.dumps(modbus))
    (folder / "logs.json").write_bytes((CONFIGURATION / "logs.json").read_bytes())


def test_a_register_that_a_thingsboard_gateway_polls_becomes_a_ticket(
    product: Product, tmp_path: Path
) -> None:
    port = free_port()
    configure(product, tmp_path, port)
    environment = {**GATEWAY.environment(), "TB_GW_CONFIG_DIR": str(tmp_path)}
    serve = [sys.executable, str(CLIENTS / "modbus_server.py"), str(port)]
    poll = [sys.executable, "-c", "from thingsboard_gateway.tb_gateway import main; main()"]
    with (
        client(serve, tmp_path / "pump", environment) as pump,
        client(poll, tmp_path / "gateway", environment) as gateway,
    ):
        pump.tell("812")
        until(has_ticket(product, "pump-hot", "pump-1"), LIMIT, lambda: gateway.said[-3000:])


def test_a_sparkplug_edge_node_is_born_asked_for_its_birth_and_missed_when_it_dies(
    product: Product, tmp_path: Path
) -> None:
    command = [sys.executable, str(CLIENTS / "edge_node.py"), *address(product)]
    with client(command, tmp_path / "edge", EDGE.environment()) as edge:
        edge.wait_for("born")
        edge.tell("1500")
        until(has_ticket(product, "fan-fast", "fan-1"), LIMIT, lambda: edge.said)
        edge.tell("lose")
        edge.tell("800")
        edge.wait_for("Node Control/Rebirth True")
        assert not has_ticket(product, "gateway-gone", "edge")()
        edge.tell("die")
        until(has_ticket(product, "gateway-gone", "edge"), LIMIT, "its death was not heard")


def fire_frame(now: datetime) -> bytes:
    """A report of GB/T 26875.3: the detector of zone 10, number 2 is on fire."""
    local = now.astimezone(SHANGHAI)
    tag = bytes((local.second, local.minute, local.hour, local.day, local.month, local.year - 2000))
    place = bytes.fromhex("01 01 28 0A00 0200") + (2).to_bytes(2, "little")
    data = b"\x02\x01" + place + "大堂".encode("gb18030").ljust(31, b"\0") + tag
    unit = bytes.fromhex("0100 0101") + tag + bytes.fromhex("790300000000 385B01000000")
    unit += len(data).to_bytes(2, "little") + b"\x02" + data
    return b"@@" + unit + bytes([sum(unit) & 0xFF]) + b"##"


def of_mosquitto(product: Product, program: str, *words: str) -> list[str]:
    """A call of one of Mosquitto's clients."""
    found = find_program(program, f"/usr/bin/{program}", package="mosquitto-clients")
    host, port = address(product)
    return [found, "-h", host, "-p", port, *words]


def test_a_fire_that_mosquittos_clients_tell_of_is_a_ticket_and_its_report_confirmed(
    product: Product, tmp_path: Path
) -> None:
    frame = tmp_path / "frame"
    frame.write_bytes(fire_frame(datetime.now(UTC)))
    listen = of_mosquitto(product, "mosquitto_sub", "-d", "-t", "fire/dtu-7/down", "-F", "%x")
    # Otherwise it keeps its words until there are many.
    with client(["stdbuf", "-oL", *listen], tmp_path / "listener") as listener:
        listener.wait_for("Subscribed")
        publish = of_mosquitto(product, "mosquitto_pub", "-q", "1", "-t", "fire/dtu-7/up", "-f")
        subprocess.run([*publish, str(frame)], check=True, timeout=LIMIT)
        until(has_ticket(product, "smoke", "lobby"), LIMIT, "no ticket")
        (receipt,) = [
            line for line in listener.wait_for("2323\n").splitlines() if line.startswith("4040")
        ]
    assert receipt[52:54] == "03"
