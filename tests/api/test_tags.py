"""Signed tags are set up at a reader, left off at every step, and set up all the same."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from starlette.testclient import TestClient
from typer.testing import CliRunner

from core.clock import SimulatedClock
from core.errors import Conflict, NotFound, NotSignedIn, WatchkeeperError
from core.ids import new_id
from tests.api.conftest import MakeUser, User
from tests.fixtures import NOON, SmallSite
from tests.tags.emulator import EmulatedTag
from watchkeeper.cli import app as command_line
from watchkeeper.tags import commands
from watchkeeper.tags.provisioning import provision, re_key
from watchkeeper.tags.server import Given, TagServer
from watchkeeper.tags.tag import Ntag424, TagError

API = "/api/v1"
UID = bytes.fromhex("04A1B2C3D4E5F6")
BASE = "https://watch.example"
# What the tool does beside the database is the same on both.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def client(client: TestClient) -> TestClient:
    client.base_url = BASE
    return client


@pytest.fixture
def server(client: TestClient) -> TagServer:
    return TagServer(client)


@pytest.fixture
def gate(client: TestClient, site: SmallSite) -> str:
    """The id of a checkpoint."""
    body = {"site_id": str(site.id), "code": "gate", "name": {"en": "Gate", "zh": "大门"}}
    return str(client.post(f"{API}/checkpoints", json=body).json()["id"])


@pytest.fixture
def guard(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("guard", site.id)


def silent(_text: str) -> None:
    """Nobody listens."""


def set_up(tag: EmulatedTag, server: TagServer, gate: str) -> Given:
    tag.lay_down()
    return provision(Ntag424(tag), server, gate, "", silent)


def keyed_anew(tag: EmulatedTag, server: TagServer) -> Given:
    tag.lay_down()
    return re_key(Ntag424(tag), server, silent)


def verdict(client: TestClient, guard: User, address: str) -> tuple[str, dict[str, Any]]:
    body = {"id": str(new_id()), "occurred_at": NOON.isoformat(), "kind": "signed_tag"}
    shown = {**body, "address": address}
    answer = client.post(f"{API}/scans", json=shown, headers=guard.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["verdict"], answer.json()["evidence"]


def tokens(client: TestClient, gate: str) -> list[tuple[str, int]]:
    items = client.get(f"{API}/checkpoints/{gate}/tokens").json()["items"]
    return [(item["state"], item["key_version"]) for item in items]


def test_a_tag_is_provisioned_tapped_and_keyed_anew(
    client: TestClient, server: TagServer, gate: str, guard: User
) -> None:
    tag, said = EmulatedTag(UID), list[str]()
    given = provision(Ntag424(tag), server, gate, "left of the door", said.append)
    assert given.version == 1
    assert said[0] == "NTAG 424 DNA 04A1B2C3D4E5F6"
    assert "Proven by tap 1." in said
    assert tag.keys[:3] == [given.application, given.meta_read, given.file_read]
    assert tag.versions[:3] == [1, 1, 1]
    # Everybody reads it; only key 0 writes it or changes what guards it.
    assert tag.rights == 0xE000
    first = tag.tap()
    assert first.startswith(f"{BASE}/t?e=")
    assert verdict(client, guard, first) == ("accepted", {"counter": 2, "key_version": 1})
    kept = tag.tap()
    with pytest.raises(Conflict, match="already"):
        set_up(tag, server, gate)
    again = keyed_anew(tag, server)
    assert (again.version, tag.keys[0]) == (2, again.application)
    assert verdict(client, guard, kept)[0] == "replaced"
    assert verdict(client, guard, tag.tap())[0] == "accepted"
    assert tokens(client, gate) == [("active", 2), ("replaced", 1)]


def test_the_tap_that_proves_a_tag_is_no_scan_and_used_up(
    client: TestClient, server: TagServer, gate: str, guard: User
) -> None:
    tag = EmulatedTag(UID)
    given = set_up(tag, server, gate)
    assert client.get(f"{API}/scans", params={"verdict": "all"}).json()["items"] == []
    address = tag.tap()
    assert server.prove(given.token_id, address) == 2
    with pytest.raises(Conflict, match="taken before"):
        server.prove(given.token_id, address)
    assert verdict(client, guard, address)[0] == "overtaken"
    other = EmulatedTag(bytes.fromhex("04FFFFFFFFFFFF"))
    set_up(other, server, gate)
    with pytest.raises(Conflict, match="another tag"):
        server.prove(given.token_id, other.tap())
    with pytest.raises(Conflict, match="proves nothing"):
        server.prove(given.token_id, address[:-2] + "00")
    with pytest.raises(Conflict, match="can't be read"):
        server.prove(given.token_id, "https://watch.example/")


def test_a_lost_tag_is_keyed_anew_and_counts_again(
    client: TestClient, server: TagServer, gate: str, guard: User
) -> None:
    tag = EmulatedTag(UID)
    server.lose(set_up(tag, server, gate).token_id)
    assert verdict(client, guard, tag.tap())[0] == "lost"
    with pytest.raises(Conflict, match="lost there"):
        set_up(tag, server, gate)
    keyed_anew(tag, server)
    assert verdict(client, guard, tag.tap())[0] == "accepted"


@ONE_ENGINE
def test_a_tag_that_stands_nowhere_is_not_keyed_anew(server: TagServer, gate: str) -> None:
    with pytest.raises(NotFound, match="no checkpoint"):
        keyed_anew(EmulatedTag(UID), server)


def test_earlier_keys_are_only_told_of_what_counts_no_more(
    client: TestClient, server: TagServer, gate: str
) -> None:
    first = server.put(gate, UID, "")
    assert list(first.earlier) == []
    server.lose(first.token_id)
    # Put once more while the first may yet be found: its keys stay untold.
    second = server.put(gate, UID, "")
    assert (second.version, list(second.earlier)) == (2, [])
    third = server.replace(second.token_id, UID)
    assert [each.version for each in third.earlier] == [2]
    assert third.earlier[0].application == second.application


def test_which_token_a_tag_is_knows_only_who_sets_tags_up_there(
    client: TestClient,
    anonymous: TestClient,
    server: TagServer,
    gate: str,
    guard: User,
    make_user: MakeUser,
    other_site: Any,
) -> None:
    set_up(EmulatedTag(UID), server, gate)
    path, body = f"{API}/checkpoint-tokens/of-tag", {"uid": "04:a1:b2:c3:d4:e5:f6"}
    found = client.post(path, json=body)
    assert (found.status_code, found.json()["checkpoint_id"]) == (200, gate)
    elsewhere = make_user("administrator", other_site)
    assert anonymous.post(path, json=body, headers=elsewhere.headers).status_code == 404
    assert anonymous.post(path, json=body, headers=guard.headers).status_code == 403
    assert client.post(path, json={"uid": "04A1"}).status_code == 422


class NoCard(Exception):
    """As pyscard tells it."""


class NoService(Exception):
    """As what lies below pyscard tells it."""


class FakeReader:
    """A reader as pyscard shows it, with a tag on it or none."""

    def __init__(self, name: str, tag: EmulatedTag | None = None) -> None:
        self._name, self._tag = name, tag

    def __str__(self) -> str:
        return self._name

    def createConnection(self) -> "FakeReader":  # noqa: N802
        return self

    def connect(self) -> None:
        if self._tag is None:
            raise NoCard("no card")
        self._tag.lay_down()

    def transmit(self, command: list[int]) -> tuple[list[int], int, int]:
        assert self._tag is not None
        try:
            data, status = self._tag.transmit(bytes(command))
        except TagError as error:
            raise NoCard(str(error)) from error
        return list(data), status >> 8, status & 0xFF

    def disconnect(self) -> None:
        raise NoCard("it is gone already")


Plug = Callable[..., None]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch, server: TagServer, clock: SimulatedClock) -> Plug:
    """Plugs readers in; commands speak to the server of the test."""
    library = {
        name: ModuleType(name)
        for name in (
            "smartcard",
            "smartcard.System",
            "smartcard.Exceptions",
            "smartcard.pcsc",
            "smartcard.pcsc.PCSCExceptions",
        )
    }
    for name, module in library.items():
        monkeypatch.setitem(sys.modules, name, module)
    system = library["smartcard.System"]
    library["smartcard.Exceptions"].SmartcardException = NoCard  # type: ignore[attr-defined]
    service = library["smartcard.pcsc.PCSCExceptions"]
    service.BaseSCardException = NoService  # type: ignore[attr-defined]

    @contextmanager
    def here(_url: str | None, _token: str | None) -> Iterator[TagServer]:
        yield server

    monkeypatch.setattr(commands, "_server", here)

    def plugged(*readers: FakeReader | Exception) -> None:
        def listed() -> list[Any]:
            for each in readers:
                if isinstance(each, Exception):
                    raise each
            return list(readers)

        system.readers = listed  # type: ignore[attr-defined]

    return plugged


def run(*words: str) -> Any:
    return CliRunner().invoke(command_line, ["tags", *words])


@ONE_ENGINE
def test_the_commands_set_a_tag_up_and_key_it_anew(
    client: TestClient, plug: Plug, gate: str, guard: User
) -> None:
    tag = EmulatedTag(UID)
    plug(FakeReader("ACS ACR122U 00"), FakeReader("Identiv uTrust 01", tag))
    listed = run("readers")
    assert listed.stdout.splitlines() == ["ACS ACR122U 00", "Identiv uTrust 01"]
    done = run("provision", "gate", "--reader", "utrust")
    assert done.exit_code == 0, done.exception
    assert done.stdout.endswith("The tag is set up.\n")
    assert tag.keys[0].hex().upper() not in done.stdout
    assert verdict(client, guard, tag.tap())[0] == "accepted"
    client.base_url = "http://127.0.0.1:8080"
    again = run("re-key", "--reader", "01")
    assert "Its address is one of this machine alone" in again.stdout
    assert "this machine" not in done.stdout
    assert tokens(client, gate) == [("active", 2), ("replaced", 1)]


@ONE_ENGINE
def test_the_commands_say_what_to_do_when_something_is_missing(plug: Plug, gate: str) -> None:
    tag = EmulatedTag(UID)

    def refused(*words: str) -> str:
        error = run(*words).exception
        assert isinstance(error, WatchkeeperError), error
        return f"{error.detail} {error.advice}"

    plug()
    assert "there is no reader" in refused("readers")
    assert "there is no reader" in refused("re-key")
    plug(NoService("the service is not running"))
    assert "pcscd" in refused("readers")
    plug(FakeReader("one"), FakeReader("other", tag))
    assert "several readers could be meant: one, other" in refused("re-key")
    assert "no reader is called that" in refused("re-key", "--reader", "third")
    assert "no tag lies on one" in refused("re-key", "--reader", "one", "--wait", "0")
    plug(FakeReader("other", tag))
    assert "no checkpoint 'gat'" in refused("provision", "gat")
    assert "no checkpoint 'gate'" in refused("provision", "gate", "--site", "elsewhere")
    strange = EmulatedTag(bytes(7))
    plug(FakeReader("other", strange))
    assert "random UIDs" in refused("provision", "gate")
    tag.keys[2] = bytes(range(16))
    plug(FakeReader("other", tag))
    assert "Put another tag in its place" in refused("provision", "gate")
    tag = EmulatedTag(bytes.fromhex("04000000000001"))
    plug(FakeReader("other", tag))
    with pytest.MonkeyPatch.context() as patched:
        # Laying it down again would bring it back.
        patched.setattr(tag, "lay_down", lambda: None)
        tag.gone_at = 20
        assert "run `watchkeeper tags re-key`" in refused("provision", "gate")
    assert run("re-key").exit_code == 0


@ONE_ENGINE
def test_without_pyscard_the_command_says_how_to_get_it(
    plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "smartcard.System", None)
    error = run("readers").exception
    assert isinstance(error, WatchkeeperError)
    assert "pyscard" in error.detail


@ONE_ENGINE
def test_a_server_that_is_no_server_is_one_clear_message(client: TestClient, gate: str) -> None:
    del client.headers["Authorization"]
    with pytest.raises(NotSignedIn):
        TagServer(client).checkpoint("gate", None)

    class Elsewhere:
        def request(self, *_words: Any, **_more: Any) -> Any:
            raise ValueError("no JSON")

    with pytest.raises(WatchkeeperError, match="does not answer as it should"):
        TagServer(Elsewhere()).of_tag(UID)


def test_labels_of_checkpoints_come_as_one_paper_with_new_codes(
    client: TestClient, anonymous: TestClient, gate: str, site: SmallSite, make_user: MakeUser
) -> None:
    body = {"site_id": str(site.id), "code": "roof", "name": {"en": "Roof", "zh": "楼顶"}}
    roof = str(client.post(f"{API}/checkpoints", json=body).json()["id"])
    path, wanted = f"{API}/checkpoint-labels", {"checkpoint_ids": [roof, gate, roof]}
    paper = client.post(path, json=wanted)
    assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
    assert paper.headers["cache-control"] == "no-store"
    image = pypdfium2.PdfDocument(paper.content)[0].render(scale=3).to_pil()
    read = sorted(code.text.partition("?")[0] for code in zxingcpp.read_barcodes(image))
    assert read == [f"{BASE}/t"] * 2
    assert tokens(client, gate) == [("active", 1)]
    assert client.post(path, json={"checkpoint_ids": [gate]}).status_code == 200
    assert tokens(client, gate) == [("active", 1), ("replaced", 1)]
    unknown = {"checkpoint_ids": [gate, str(new_id())]}
    assert client.post(path, json=unknown).status_code == 404
    # All or nothing.
    assert tokens(client, gate) == [("active", 1), ("replaced", 1)]
    assert client.post(path, json={"checkpoint_ids": []}).status_code == 422
    client.post(f"{API}/checkpoints/{gate}/retire")
    assert client.post(path, json={"checkpoint_ids": [gate]}).status_code == 409
    guard = make_user("guard", site.id)
    assert anonymous.post(path, json=wanted, headers=guard.headers).status_code == 403
