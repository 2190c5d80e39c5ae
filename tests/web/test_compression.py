"""What leaves compressed, what must not, and why compressed pages give no secret away."""

import re

import httpx2
import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token, is_csrf_token
from tests.web.stage import OVERHEATING, Stage, WebServer

PUMP = "b1-pump-1"


def coding_of(client: TestClient, address: str, accepted: str, **headers: str) -> str:
    """The content coding of an answer, which must be readable all the same."""
    answer = client.get(address, headers={"accept-encoding": accepted, **headers})
    assert answer.status_code == 200
    return str(answer.headers.get("content-encoding", ""))


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("gzip; q=0, identity", ""),
        ("gzip;q=0.000", ""),
        ("identity", ""),
        ("xgzip", ""),
        ("", ""),
    ],
)
def test_a_page_leaves_as_its_reader_takes_it(
    client: TestClient, accepted: str, coding: str
) -> None:
    assert coding_of(client, "/tickets", accepted) == coding


def test_a_compressed_page_is_the_same_page_and_much_smaller(client: TestClient) -> None:
    plain = client.get("/", headers={"accept-encoding": "identity"})
    with client.stream("GET", "/", headers={"accept-encoding": "gzip"}) as answer:
        sent = b"".join(answer.iter_raw())
        assert int(answer.headers["content-length"]) == len(sent)
        assert "Accept-Encoding" in answer.headers["vary"]
    assert len(sent) < len(plain.content) / 4
    pages = [
        client.get("/people", headers={"accept-encoding": way}).text for way in ("gzip", "identity")
    ]
    # Tokens of forms are others on each page.
    one, other = (re.sub(r'="[^"]{88}"', "", page) for page in pages)
    assert one == other


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_asks_for_leaves_plain(client: TestClient, site: str) -> None:
    headers = {"sec-fetch-site": site}
    assert coding_of(client, "/search?q=pump", "gzip", **headers) == ""
    assert coding_of(client, "/search?q=pump", "gzip", **{"sec-fetch-site": "none"}) == "gzip"


def test_no_two_pages_hold_the_same_token_and_each_is_good(
    stage: Stage, client: TestClient
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    tokens = [
        set(re.findall(r'name="csrf" value="([^"]+)"', client.get(f"/tickets/{number}").text))
        for _ in range(3)
    ]
    assert [len(found) for found in tokens] == [1, 1, 1]
    for token in set.union(*tokens):
        assert (
            client.post(
                f"/tickets/{number}/notes", data={"csrf": token, "body": "Seen"}
            ).status_code
            == 303
        )
    assert len(set.union(*tokens)) == 3


def test_a_token_belongs_to_its_session(client: TestClient) -> None:
    secret = client.cookies[SESSION_COOKIE]
    token = csrf_token(secret)
    assert is_csrf_token(token, secret)
    assert not is_csrf_token(token, secret[:-60] + "another")
    for wrong in ("", "0", "x" * 88, token[:-4], "00" + token, "A" * 86 + "==", "é", "==="):
        assert not is_csrf_token(wrong, secret), wrong


def test_the_bundle_comes_in_the_smallest_form_that_a_browser_takes(client: TestClient) -> None:
    address = re.findall(r'href="(/static/app[^"]+)"', client.get("/").text)[0]
    sizes = []
    for accepted, coding in (("gzip, br", "br"), ("gzip", "gzip"), ("identity", None)):
        with client.stream("GET", address, headers={"accept-encoding": accepted}) as answer:
            assert answer.headers.get("content-encoding") == coding
            assert answer.headers["vary"] == "Accept-Encoding"
            sizes.append(sum(len(chunk) for chunk in answer.iter_raw()))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3


def test_a_stream_is_never_held_back_to_be_compressed(
    stage: Stage, client: TestClient, server: WebServer
) -> None:
    address = f"{stage.url}/live/{stage.site_id}/stream"
    headers = {"accept-encoding": "gzip, br"}
    cookies = {SESSION_COOKIE: client.cookies[SESSION_COOKIE]}
    with (
        httpx2.Client(cookies=cookies, timeout=60) as browser,
        browser.stream("GET", address, headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers
        lines = answer.iter_lines()
        assert next(lines) == "event: contact"
        # Of what changed before that the stream tells nothing: pages fetch it when they hear this.
        assert any(line == "event: following" for line in lines)
        stage.trip(PUMP, OVERHEATING)
        assert any(line == "event: changed" for line in lines)
