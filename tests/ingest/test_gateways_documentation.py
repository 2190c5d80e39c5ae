"""docs/gateways.md shows the files that are tested, and its sources are ones that exist."""

import json
import re

import pytest

from core.dialects import DIALECTS
from tests.servers.product import ROOT

TEXT = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
FILES = sorted((ROOT / "deploy" / "gateway").glob("*.json"))


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
