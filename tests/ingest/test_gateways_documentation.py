"""docs/gateways.md shows the files that are tested, and its sources are ones that exist."""

import json
import re
from textwrap import dedent

import pytest
import yaml

from core.device_credentials.rights import announcements, covers, rights_of
from core.dialects import DIALECTS
from tests.servers.product import ROOT

TEXT = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
FILES = sorted((ROOT / "deploy" / "gateway").glob("*.json"))
NODE_RED = ROOT / "deploy" / "node-red"
FLOWS = json.loads((NODE_RED / "flows.json").read_text(encoding="utf-8"))
(BROKER,) = [node for node in FLOWS if node["type"] == "mqtt-broker"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_page_shows_each_file_as_it_is(file: object) -> None:
    shown = re.findall(r"```json\n(.*?)\n```", TEXT, re.S)
    text = (ROOT / "deploy" / "gateway" / str(file).rsplit("/", 1)[1]).read_text(encoding="utf-8")
    json.loads(text)
    assert text.rstrip() in shown


def test_nothing_that_is_shown_writes_to_a_plant() -> None:
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        found = re.findall(
            r'"(attributeUpdates|attributes_updates|rpc\w*|serverSideRpc)": (.)(.)', text
        )
        assert all(first + last == "[]" for _, first, last in found), file


def test_the_dialects_of_its_sources_exist() -> None:
    assert set(re.findall(r"dialect: (\w+)", TEXT)) <= set(DIALECTS)


def test_the_page_shows_what_node_red_needs_of_the_site() -> None:
    shown = [dedent(block) for block in re.findall(r"```yaml\n(.*?)\n *```", TEXT, re.S)]
    assert (NODE_RED / "site.yaml").read_text(encoding="utf-8").rstrip() in shown


def test_the_flows_of_node_red_say_and_hear_what_their_credential_may() -> None:
    site = yaml.safe_load((NODE_RED / "site.yaml").read_text(encoding="utf-8"))
    (boxes,) = [one["topic"] for one in site["sources"] if one["dialect"] == "mapping"]
    rights = rights_of("riverside", ["node-red", "pump-1"], [boxes])
    said = [node["topic"] for node in FLOWS if node["type"] == "mqtt out"]
    said += [BROKER[f"{when}Topic"] for when in ("birth", "close", "will")]
    assert [one for one in said if not any(covers(each, one) for each in rights.publish)] == []
    heard = [node["topic"] for node in FLOWS if node["type"] == "mqtt in"]
    assert heard == [announcements("riverside")]
    assert set(heard) <= set(rights.subscribe)


def test_the_flows_of_node_red_lose_nothing_hold_no_secret_and_suit_the_embedded_broker() -> None:
    assert {node["qos"] for node in FLOWS if node["type"].startswith("mqtt ")} == {"1"}
    assert "credentials" not in BROKER
    # MQTT 3.1.1.
    assert BROKER["protocolVersion"] == "4"
