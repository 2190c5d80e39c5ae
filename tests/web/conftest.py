"""What the tests of the pages stand on."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import ConsoleMessage, Page

from api.deps import SESSION_COOKIE
from core.clock import Clock, SimulatedClock, SystemClock, to_micros
from tests.web.stage import Stage, WebServer, build, lay_foundation, let_go, serving


@pytest.fixture(scope="session")
def foundation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo compound on disk, imported once; every test works on a copy.

    Its tables are in SQLite, unless STAGE=postgresql, as `make proof` has it.
    """
    folder = tmp_path_factory.mktemp("foundation")
    if os.environ.get("STAGE") == "postgresql":
        lay_foundation(folder, request.getfixturevalue("postgres"))
    else:
        lay_foundation(folder, migrated=request.getfixturevalue("migrated_file"))
    return folder


@pytest.fixture
def stage(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The demo compound, with nothing wrong and nobody signed in."""
    yield from stage_on(foundation, tmp_path)


@pytest.fixture
def stage_at_noon(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The same at the next noon of its site, where the clock stands: for what a day decides."""
    now = SystemClock().now()
    noon = now.replace(hour=4, minute=0, second=0, microsecond=0)
    noon += timedelta(days=noon < now)
    yield from stage_on(foundation, tmp_path, SimulatedClock(to_micros(noon)))


def stage_on(foundation: Path, folder: Path, clock: Clock | None = None) -> Iterator[Stage]:
    """A copy of the foundation in a folder, under a clock if one is given; closed at the end."""
    shutil.copytree(foundation, folder, dirs_exist_ok=True)
    stage = build(folder, clock)
    yield stage
    stage.live.stop()
    stage.parts.telemetry.close()
    stage.parts.database.close()
    let_go(folder)


def client_of(stage: Stage, role: str = "manager", locale: str = "en") -> TestClient:
    """A browser without scripts, signed in as somebody with a role on the whole company."""
    person = stage.person("Wei Chen", role, locale=locale)
    return signed_in(stage, stage.secret(person, "session"))


def signed_in(stage: Stage, session: str) -> TestClient:
    """A browser without scripts that holds a session."""
    client = TestClient(stage.app, follow_redirects=False)
    client.headers["accept"] = "text/html"
    # With the domain of an answer, so that a renewed cookie takes its place.
    client.cookies.set(SESSION_COOKIE, session, domain="testserver.local", path="/")
    return client


@pytest.fixture
def client(stage: Stage) -> TestClient:
    """A manager's browser, without scripts."""
    return client_of(stage)


@pytest.fixture
def server(stage: Stage) -> Iterator[WebServer]:
    """The stage, served over HTTP."""
    with serving(stage) as server:
        yield server


@pytest.fixture
def console_log(page: Page) -> list[str]:
    """Everything that the browser complains about: scripts, policy, failed requests."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


@pytest.fixture
def signed_in_page(stage: Stage, server: WebServer, page: Page) -> Page:
    """A manager's real browser on the served stage."""
    person = stage.person("Wei Chen", "manager")
    cookie = {"name": SESSION_COOKIE, "value": stage.secret(person, "session"), "url": stage.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    return page
