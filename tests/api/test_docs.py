"""The guide says what is so."""

import re
from pathlib import Path

from fastapi import FastAPI

from api.errors import STATUSES
from core.permissions import ROLES

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_address_in_the_guide_exists(app: FastAPI) -> None:
    known = {re.sub(r"{\w+}", "{}", path) for path in app.openapi()["paths"]}
    named = set(re.findall(r"(?:GET|POST|DELETE|PATCH) +(/[\w/{}.-]+)", GUIDE))
    assert len(named) > 8
    for address in named:
        plain = re.sub(r"{\w+}", "{}", address.removeprefix("/api/v1"))
        wanted = plain.replace("/actions/{}", "/actions/resolve")
        assert f"/api/v1{wanted}" in known or wanted in known, address


def test_the_filters_of_every_list_are_named(app: FastAPI) -> None:
    rows = dict(re.findall(r"^\| `(/[\w-]+)` \| (.+) \|$", GUIDE, re.M))
    for path, methods in app.openapi()["paths"].items():
        asked = {p["name"] for p in methods.get("get", {}).get("parameters", [])}
        if "cursor" in asked and "{" not in path:
            named = set(re.findall(r"`(\w+)`", rows[path.removeprefix("/api/v1")]))
            assert named == asked - {"cursor", "limit"}, path


def test_the_table_of_statuses_is_complete() -> None:
    told = dict(re.findall(r"^\| (\d{3}) \| (.+) \|$", GUIDE, re.M))
    assert {int(status) for status in told} == set(STATUSES)


def test_every_role_is_named() -> None:
    table = GUIDE.partition("| role | may |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| ([a-z_]+) \| .+ \|$", table, re.M)) == set(ROLES)
