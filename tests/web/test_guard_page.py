"""What the server gives of the guard's app: its page, worker, words, and how it is installed."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import stage_on
from web.bundle import DIST
from web.languages import LANGUAGES, translations

# Of the whole shell as it goes over the air: the page, its script, style, words and icons.
LARGEST_SHELL = 150 * 1024


@pytest.fixture(scope="module")
def client(foundation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    for stage in stage_on(foundation, tmp_path_factory.mktemp("guard-page")):
        yield TestClient(stage.app, follow_redirects=False)


def shell_of(client: TestClient) -> dict[str, object]:
    first = client.get("/guard/guard-sw.js").text.splitlines()[0]
    shell: dict[str, object] = json.loads(first.removeprefix("self.SHELL=").removesuffix(";"))
    return shell


def test_the_page_needs_no_account_and_may_use_the_camera(client: TestClient) -> None:
    answer = client.get("/guard/")
    assert answer.status_code == 200
    assert "camera=(self)" in answer.headers["permissions-policy"]
    assert "img-src 'self' data: blob:" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


def test_the_page_without_its_slash_keeps_what_was_asked(client: TestClient) -> None:
    assert client.get("/guard?tap=1").headers["location"] == "/guard/?tap=1"
    assert client.get("/guard/elsewhere").status_code == 404


def test_every_file_that_the_worker_keeps_is_there(client: TestClient) -> None:
    shell = shell_of(client)
    files = shell["files"]
    assert isinstance(files, list)
    assert {client.get(one).status_code for one in files} == {200}
    page = client.get("/guard/").text
    assert [one for one in files if one.endswith((".js", ".css"))]
    assert all(one in page for one in files if one.endswith((".js", ".css", ".json")))


def test_the_worker_says_which_version_it_is_and_is_looked_for_anew(client: TestClient) -> None:
    answer = client.get("/guard/guard-sw.js")
    assert answer.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert shell_of(client)["version"] == shell_of(client)["version"]


def test_it_is_installed_in_both_languages(client: TestClient) -> None:
    told = {}
    for language in LANGUAGES:
        answer = client.get(f"/guard/manifest.{language}.webmanifest")
        assert answer.headers["content-type"] == "application/manifest+json"
        told[language] = answer.json()["name"]
        assert (answer.json()["scope"], answer.json()["display"]) == ("/guard/", "standalone")
        assert {icon["sizes"] for icon in answer.json()["icons"]} == {"192x192", "512x512"}
    assert told["en"] != told["zh"]
    assert client.get("/guard/manifest.fr.webmanifest").status_code == 404


def test_its_words_are_those_of_the_catalogue(client: TestClient) -> None:
    files = shell_of(client)["files"]
    assert isinstance(files, list)
    words = client.get(next(one for one in files if "/words." in one)).json()
    assert words["Recorded"] == translations("zh").gettext("Recorded")
    assert client.get("/guard/words.000000000000.json").status_code == 404


def test_the_shell_is_small(client: TestClient) -> None:
    icons = sum(path.stat().st_size for path in DIST.glob("guard-*.png"))
    code = sum(path.stat().st_size for path in DIST.glob("guard*.br"))
    files = shell_of(client)["files"]
    assert isinstance(files, list)
    texts = [
        client.get(one).content for one in ("/guard/", *files) if not one.startswith("/static")
    ]
    assert icons + code + sum(len(gzip.compress(one)) for one in texts) < LARGEST_SHELL
