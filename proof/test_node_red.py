"""Node-RED as docs/gateways.md sets it up: what its flows tell is a ticket, and it hears of it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from scripts.node_programs import NODE_RED
from scripts.set_up import Step, run
from tests.servers import free_port
from tests.servers.product import ROOT, Product, furnished, until
from tests.stories.clients import LIMIT, Client, client, has_ticket

FILES = ROOT / "deploy" / "node-red"
SITE_TEXT = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
site: {code: riverside, name: {en: Riverside, zh: 滨河小区}, time_zone: Asia/Shanghai}
assets:
  - {code: node-red, type: gateway, name: {en: Node-RED, zh: 网关}}
  - {code: pump-1, type: pump, name: {en: Pump 1, zh: 1号泵}}
  - {code: pump-2, type: pump, name: {en: Pump 2, zh: 2号泵}}
"""
# Beside the shipped rules, which wait longer: one of which sites are warned, and one of death.
RULES_TEXT = """\
id: pump-hot
title: {en: Pump too hot, zh: 水泵过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
severity: critical
ticket: {kind: repair, category: pumps, team: maintenance}
---
id: gateway-gone
title: {en: Gateway offline, zh: 网关离线}
applies_to: {asset_type: gateway}
when: not online
severity: high
ticket: {kind: repair, category: communication, team: maintenance}
"""


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """The product with its embedded broker, which lets in only who has a credential."""
    run([Step("Node-RED (proof/node_red)", NODE_RED.is_installed, NODE_RED.install)])
    text = SITE_TEXT + (FILES / "site.yaml").read_text(encoding="utf-8")
    with furnished(tmp_path, text, RULES_TEXT, {"device_sign_in": "own"}) as product:
        yield product


def become_a_bridge(product: Product) -> tuple[str, str]:
    """User name and secret of a bridge that speaks for pump-1 and on the topics of the boxes."""
    headers = {"Authorization": f"Bearer {product.token}"}
    with httpx2.Client(base_url=f"{product.url}/api/v1", headers=headers, timeout=60) as api:
        devices = {one["code"]: one["id"] for one in api.get("/devices").json()["items"]}
        sources = {one["code"]: one["id"] for one in api.get("/sources").json()["items"]}
        at = f"/devices/{devices['node-red']}"
        tag = api.get(f"{at}/identity").headers["ETag"]
        rights = {"speaks_for": [devices["pump-1"]], "sources": [sources["boxes"]]}
        changed = api.patch(f"{at}/identity", json=rights, headers={"If-Match": tag})
        assert changed.status_code == 200, changed.text
        made = api.post(f"{at}/credential").json()
    return made["username"], made["secret"]


class Editor:
    """Node-RED's editor, as far as it speaks to the program behind it."""

    def __init__(self, port: int) -> None:
        self._api = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def deploy(self, flows: list[dict[str, Any]]) -> None:
        """Put flows in force; secrets stand in their nodes' `credentials`."""
        answer = self._api.post("/flows", json=flows)
        assert answer.status_code == 204, answer.text

    def press(self, node: str) -> None:
        """Press the button of an inject node."""
        assert self._api.post(f"/inject/{quote(node)}").status_code == 200

    def close(self) -> None:
        self._api.close()


@contextmanager
def node_red(folder: Path) -> Iterator[tuple[Client, Editor]]:
    """A Node-RED without flows, in a folder of its own."""
    port = free_port()
    program = str(NODE_RED.folder / "node_modules" / "node-red" / "red.js")
    settings = str(NODE_RED.folder / "settings.cjs")
    command = [NODE_RED.node(), program, "--userDir", str(folder), "--settings", settings]
    with client([*command, "--port", str(port)], folder) as program_:
        program_.wait_for("Started flows")
        editor = Editor(port)
        try:
            yield program_, editor
        finally:
            editor.close()


def imported(product: Product, username: str, secret: str) -> list[dict[str, Any]]:
    """The file that the document has people import, with what it has them fill in."""
    flows: list[dict[str, Any]] = json.loads((FILES / "flows.json").read_text(encoding="utf-8"))
    (broker,) = [node for node in flows if node["type"] == "mqtt-broker"]
    broker |= {"broker": product.mqtt.host, "port": str(product.mqtt.port)}
    broker["credentials"] = {"user": username, "password": secret}
    return flows


@pytest.mark.timeout(900)
def test_node_red_tells_of_faults_hears_what_is_announced_and_is_missed_when_it_dies(
    product: Product, tmp_path: Path
) -> None:
    flows = imported(product, *become_a_bridge(product))
    with node_red(tmp_path / "node-red") as (program, editor):
        editor.deploy(flows)
        program.wait_for("Connected to broker")

        def said() -> str:
            return program.said[-3000:]

        heard = re.compile(r"\[debug:Announced\]\s+(.*)")
        until(lambda: product.fed() >= 5, LIMIT, said)
        assert product.tickets() == []

        editor.press("box-low")
        editor.press("pump-hot")
        until(has_ticket(product, "pump-hot", "pump-1"), LIMIT, said)
        until(lambda: "水泵过热" in " ".join(heard.findall(program.said)), LIMIT, said)
        # A minute after the button, and two.
        until(has_ticket(product, "pump-outlet-pressure-low", "pump-2"), 60 + LIMIT, said)
        until(has_ticket(product, "pump-motor-overheating", "pump-1"), 120 + LIMIT, said)
        assert not has_ticket(product, "gateway-gone", "node-red")()
    until(has_ticket(product, "gateway-gone", "node-red"), LIMIT, "its death was not heard")
    assert product.rows("SELECT reason, topic FROM quarantined") == []
    assert product.ill_parts() == []
