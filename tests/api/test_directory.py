"""The directory of routes finds what asking all of them one by one finds, and asks few of them."""

import re
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute, Match

from api.app import _routes as api_routes
from api.directory import Directory, routes_of
from web.app import _routes as page_routes


def directory_of(name: str) -> Directory:
    """That of the probes, of the API or of the pages: only once a test wants it."""
    if name == "pages":
        pages = page_routes(Directory)
        assert isinstance(pages, Directory)
        return pages
    return dict(zip(("probes", "api"), api_routes(), strict=True))[name]


def scope(path: str, method: str, **more: Any) -> dict[str, Any]:
    return {"type": "http", "path": path, "method": method, **more}


def one_by_one(routes: tuple[BaseRoute, ...], path: str, method: str) -> BaseRoute | None:
    """The route that answers when all are asked, as FastAPI does it."""
    knows = None
    for route in routes:
        match, _ = route.matches(scope(path, method))
        if match is Match.FULL:
            return route
        if match is Match.PARTIAL and knows is None:
            knows = route
    return knows


@pytest.mark.parametrize("name", ["probes", "api", "pages"])
def test_every_address_finds_the_route_that_asking_all_would_find(name: str) -> None:
    directory, prefix = directory_of(name), "/api/v1" if name == "api" else ""
    asked = {route.path: min(route.methods or ()) for route in routes_of([directory])}
    asked |= {"/tickets/7/no-such-part": "GET", "/no-such-page": "GET", "/tickets": "PATCH"}
    for path, method in asked.items():
        address = prefix + re.sub(r"{[^}]+}", "7", path)
        match, found = directory.matches(scope(address, method))
        expected = one_by_one(directory.routes, address, method)
        assert found.get("watchkeeper.route") is expected, (method, address)
        assert (match is Match.NONE) == (expected is None)


def test_only_those_are_asked_whose_paths_begin_alike() -> None:
    api, pages = directory_of("api"), directory_of("pages")
    assert len(api._asked(scope("/api/v1/points/7", "GET"))) == 1
    assert api._asked(scope("/api/v1/nothing", "GET")) == ()
    assert len(pages._asked(scope("/people", "GET"))) < len(pages.routes) / 4


@pytest.fixture
def small() -> FastAPI:
    """Routers of which some begin with a parameter, or know an address by another method."""
    first, second, third = APIRouter(), APIRouter(), APIRouter()
    first.get("/pumps/{code}")(lambda code: f"pump {code}")
    second.get("/{kind}/7")(lambda kind: f"seven of {kind}")
    third.post("/pumps/{code}")(lambda code: f"changed {code}")
    together = APIRouter()
    for router in (first, second, third):
        together.include_router(router)
    app = FastAPI(redirect_slashes=False)
    app.routes.append(Directory(together.routes))
    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/pumps/7", 200, "pump 7"),
        ("POST", "/pumps/7", 200, "changed 7"),
        ("GET", "/lifts/7", 200, "seven of lifts"),
        ("DELETE", "/pumps/7", 405, None),
        ("GET", "/lifts/8", 404, None),
        ("GET", "/elsewhere", 404, None),
    ],
)
def test_the_first_that_takes_a_request_answers_it(
    small: FastAPI, method: str, path: str, status: int, said: str | None
) -> None:
    answer = TestClient(small).request(method, path)
    assert answer.status_code == status
    assert said is None or answer.json() == said


def test_behind_a_proxy_with_a_path_of_its_own_every_route_is_found(small: FastAPI) -> None:
    client = TestClient(small, root_path="/behind")
    assert client.get("/behind/pumps/7").json() == "pump 7"


def test_what_does_not_say_what_it_takes_is_asked_for_every_address() -> None:
    class Silent(BaseRoute):
        """Takes everything."""

        def matches(self, scope: Any) -> tuple[Match, Any]:
            return Match.FULL, {}

    silent = Silent()
    match, found = Directory([silent]).matches(scope("/anything", "GET"))
    assert (match, found["watchkeeper.route"]) == (Match.FULL, silent)
