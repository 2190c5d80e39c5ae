"""A tag is left off at every step of its set-up, and set up all the same."""

import pytest

from core.errors import Conflict
from tests.tags.emulator import EmulatedTag
from watchkeeper.tags.address import address_in, writing
from watchkeeper.tags.provisioning import NoKeyFits, Unfinished, provision, re_key
from watchkeeper.tags.server import EarlierKeys, Given
from watchkeeper.tags.tag import Ntag424, OtherTag, TagError
from workflows.patrol import sun
from workflows.patrol.keys import CompanyKeys

UID = bytes.fromhex("04A1B2C3D4E5F6")


class LittleServer:
    """Gives keys and judges taps as the product does, and keeps what it gave in a list."""

    def __init__(self) -> None:
        self.keys = CompanyKeys(bytes(range(16)))
        self.versions = dict[bytes, int]()
        self.states = dict[bytes, str]()
        self.is_blind = False

    def of_tag(self, uid: bytes) -> dict[str, object] | None:
        standing = self.states.get(uid)
        return {"id": uid.hex(), "state": standing} if standing in ("active", "lost") else None

    def put(self, checkpoint_id: str, uid: bytes, label: str) -> Given:
        self.states[uid] = "active"
        return self._give(uid)

    def replace(self, token_id: str, uid: bytes) -> Given:
        assert token_id == uid.hex()
        return self._give(uid)

    def prove(self, token_id: str, address: str) -> int:
        tap = sun.read_tap(address)
        picc = sun.open_picc(self.keys.meta_read, tap)
        file_key = self.keys.file_read(picc.uid, self.versions[picc.uid])
        if self.is_blind or not sun.is_genuine(file_key, picc, tap):
            raise Conflict("the tag proves nothing: The signature is not the tag's own.")
        return picc.counter

    def lose(self, token_id: str) -> None:
        self.states[bytes.fromhex(token_id)] = "lost"

    def holds(self, tag: EmulatedTag) -> bool:
        """Whether a tag holds the newest keys, and writes what they sign."""
        keys = self.keys.of_tag(tag.uid, self.versions[tag.uid])
        written = tag.keys[:3] == [keys.application, keys.meta_read, keys.file_read]
        return written and self.prove(tag.uid.hex(), tag.tap()) > 1

    def _give(self, uid: bytes) -> Given:
        version = self.versions[uid] = self.versions.get(uid, 0) + 1
        keys = self.keys.of_tag(uid, version)
        earlier = [
            EarlierKeys(
                each, self.keys.of_tag(uid, each).application, self.keys.file_read(uid, each)
            )
            for each in range(version - 1, 0, -1)
        ]
        address = f"https://watch.example/t?e={'0' * 32}&m={'0' * 16}"
        return Given(
            uid.hex(), version, keys.application, keys.meta_read, keys.file_read, address, earlier
        )


@pytest.fixture
def server() -> LittleServer:
    return LittleServer()


def silent(_text: str) -> None:
    """Nobody listens."""


def set_up(tag: EmulatedTag, server: LittleServer) -> Given:
    tag.lay_down()
    return provision(Ntag424(tag), server, "gate", "", silent)


def keyed_anew(tag: EmulatedTag, server: LittleServer) -> Given:
    tag.lay_down()
    return re_key(Ntag424(tag), server, silent)


@pytest.mark.parametrize("answer_lost", [False, True], ids=["before", "after"])
def test_a_tag_that_is_taken_away_at_any_step_is_set_up_the_next_time(
    server: LittleServer, answer_lost: bool
) -> None:
    whole = EmulatedTag(UID)
    set_up(whole, server)
    steps = whole.commands
    assert steps > 30
    unfinished = 0
    for step in range(1, steps + 1):
        tag = EmulatedTag(step.to_bytes(7, "big"))
        tag.gone_at, tag.answer_lost = step, answer_lost
        with pytest.raises(TagError) as caught:
            provision(Ntag424(tag), server, "gate", "", silent)
        if not isinstance(caught.value, Unfinished):
            # The server knows nothing of it yet.
            assert tag.uid not in server.versions
            set_up(tag, server)
            continue
        unfinished += 1
        # Taken away once more, at the same step, and then left alone.
        tag.lay_down()
        tag.gone_at, tag.answer_lost = step, not answer_lost
        with pytest.raises(Unfinished):
            re_key(Ntag424(tag), server, silent)
        keyed_anew(tag, server)
        assert server.holds(tag), step
        assert tag.most_failures <= 3, step
    assert unfinished > steps - 6


def test_until_the_server_has_seen_a_tap_the_tag_opens_to_its_old_key(
    server: LittleServer,
) -> None:
    tag = EmulatedTag(UID)
    server.is_blind = True
    with pytest.raises(Unfinished, match="signature"):
        set_up(tag, server)
    assert (tag.keys[0], tag.versions[:3]) == (bytes(16), [0, 1, 1])
    server.is_blind = False
    keyed_anew(tag, server)
    assert server.holds(tag)
    server.is_blind = True
    with pytest.raises(Unfinished):
        keyed_anew(tag, server)
    assert tag.versions[:3] == [2, 3, 3]
    server.is_blind = False
    keyed_anew(tag, server)
    assert server.holds(tag)


def test_a_tag_of_many_versions_is_asked_which_it_holds(server: LittleServer) -> None:
    tag = EmulatedTag(UID)
    set_up(tag, server)
    for _time in range(60):
        server.replace(UID.hex(), UID)
    keyed_anew(tag, server)
    assert server.holds(tag)
    assert tag.most_failures == 0


def test_a_tag_that_others_keyed_is_put_nowhere(server: LittleServer) -> None:
    tag = EmulatedTag(UID)
    tag.keys[0] = bytes(range(16))
    with pytest.raises(NoKeyFits):
        set_up(tag, server)
    assert server.states[UID] == "lost"
    assert (tag.content, tag.keys[1]) == (bytearray(256), bytes(16))


def test_a_file_that_must_be_written_sealed_is(server: LittleServer) -> None:
    tag = EmulatedTag(UID, option=0x03, rights=0xE000)
    set_up(tag, server)
    assert server.holds(tag)
    signed = EmulatedTag(bytes.fromhex("04000000000001"), option=0x01, rights=0xE000)
    set_up(signed, server)
    assert server.holds(signed)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        (EmulatedTag(UID, hardware=bytes.fromhex("04010133001605")), "but the chip 04010133"),
        (EmulatedTag(bytes(7)), "random UIDs"),
    ],
    ids=["a DESFire", "random UID"],
)
def test_another_chip_is_refused_before_anything_is_written(
    server: LittleServer, tag: EmulatedTag, said: str
) -> None:
    with pytest.raises(OtherTag, match=said):
        set_up(tag, server)
    assert server.states == {}


def test_a_tag_without_the_application_is_none_of_ours(server: LittleServer) -> None:
    class Plain:
        def transmit(self, _command: bytes) -> tuple[bytes, int]:
            return b"", 0x6A82

    with pytest.raises(OtherTag, match="no application"):
        provision(Ntag424(Plain()), server, "gate", "", silent)


def test_a_tag_that_others_swapped_is_noticed(server: LittleServer) -> None:
    tag = EmulatedTag(UID)

    class Swapped:
        def transmit(self, command: bytes) -> tuple[bytes, int]:
            if command[1] == 0x51:
                tag.uid = bytes.fromhex("04FFFFFFFFFFFF")
            return tag.transmit(command)

    with pytest.raises(Unfinished, match="another tag"):
        provision(Ntag424(Swapped()), server, "gate", "", silent)
    assert tag.content == bytearray(256)


def test_the_address_fits_or_nothing_is_written() -> None:
    address = f"https://{'long.' * 40}example/t?e={'0' * 32}&m={'0' * 16}"
    with pytest.raises(TagError, match="too long"):
        writing(address, 256)
    short = f"http://w.example:8080/t?e={'0' * 32}&m={'0' * 16}"
    written = writing(short, 256)
    assert address_in(written.content) == short
    place = int.from_bytes(written.settings[6:9], "little")
    assert written.content[place - 2 : place + 33].decode() == f"e={'0' * 32}&"
    for wrong in (bytes(256), written.content[:6] + b"\x07" + written.content[7:], b""):
        with pytest.raises(TagError, match="no address"):
            address_in(wrong)
