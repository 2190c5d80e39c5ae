"""What tags sign: published vectors, our own, and whatever else may stand in an address."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.patrolled import Tag, cmac
from workflows.patrol import sun
from workflows.patrol.keys import CompanyKeys
from workflows.patrol.sun import Flaw, Flawed, Picc, Tap

# Published vectors, where they stand beside the project; they are not ours to bring along.
VECTORS = Path(__file__).resolve().parents[3] / "shared" / "sun_vectors.json"
META, FILE = (hashlib.sha256(name).digest()[:16] for name in (b"our meta key", b"our file key"))
UID = bytes.fromhex("04112233445566")


@cache
def vectors() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
    return found


def keyed(master: bytes, name: bytes) -> bytes:
    return hmac.digest(master, name, "sha256")


def keys_of(vector: Mapping[str, Any], uid: bytes) -> tuple[bytes, bytes]:
    """K_SDMMetaRead and K_SDMFileRead; some vectors name a master key in their place."""
    if "master_key" not in vector:
        return bytes.fromhex(vector["meta_key"]), bytes.fromhex(vector["file_key"])
    master = bytes.fromhex(vector["master_key"])
    meta = keyed(master, b"PICCDataKey")[:16]
    return meta, tag_key(master, uid, 2)


def tag_key(master: bytes, uid: bytes, slot: int) -> bytes:
    base = keyed(keyed(master, b"DivBaseKey"), uid)[:16]
    return cmac(keyed(master, b"SlotMasterKey" + bytes([slot]))[:16], b"\x01" + base)


def maced(vector: Mapping[str, Any]) -> bytes:
    text: str = vector["mac_input"]
    return (vector["enc"] if text.startswith("<") else text).encode()


def test_every_published_tap_is_read_and_genuine() -> None:
    if not VECTORS.exists():
        return
    for vector in vectors()["aes_encrypted_picc"]:
        uid = bytes.fromhex(vector["uid"])
        meta_key, file_key = keys_of(vector, uid)
        tap = Tap(
            mac=bytes.fromhex(vector["cmac"]),
            mac_input=maced(vector),
            picc=bytes.fromhex(vector["picc_data"]),
            file_data=bytes.fromhex(vector.get("enc", "")),
        )
        picc = sun.open_picc(meta_key, tap)
        assert picc == Picc(uid, vector["ctr"]), vector["id"]
        assert sun.is_genuine(file_key, picc, tap), vector["id"]
        file_data = sun.open_file_data(file_key, picc, tap)
        if "file_data_ascii" in vector:
            assert file_data == vector["file_data_ascii"].encode(), vector["id"]
        if "file_data_hex" in vector:
            assert file_data.hex().upper() == vector["file_data_hex"], vector["id"]
        if "k_ses_mac" in vector:
            session = sun.session_keys(file_key, picc)
            assert session.mac.hex().upper() == vector["k_ses_mac"], vector["id"]


def test_every_published_session_key_is_derived() -> None:
    if not VECTORS.exists():
        return
    for vector in vectors()["session_keys"]:
        counter = int.from_bytes(bytes.fromhex(vector["ctr_le"]), "little")
        picc = Picc(bytes.fromhex(vector["uid"]), counter)
        session = sun.session_keys(bytes.fromhex(vector["file_key"]), picc)
        assert session.encryption.hex().upper() == vector["k_ses_enc"]
        assert session.mac.hex().upper() == vector["k_ses_mac"]


def test_every_published_plain_mirror_is_genuine() -> None:
    if not VECTORS.exists():
        return
    for vector in vectors()["aes_plain_mirror"]:
        counter, mac = vector["ctr_hex_msb_first"], vector["cmac"]
        tap = sun.read_tap(f"https://wk.example/t?u={vector['uid']}&c={counter}&m={mac}")
        picc = sun.open_picc(META, tap)
        assert picc.counter == 6
        assert sun.is_genuine(bytes.fromhex(vector["file_key"]), picc, tap)


def test_every_published_forgery_is_refused() -> None:
    if not VECTORS.exists():
        return
    key = bytes(16)
    for vector in vectors()["negative"]:
        mac = bytes.fromhex(vector["cmac"])
        if "uid" in vector:
            tap = Tap(mac, uid=bytes.fromhex(vector["uid"]), counter=6)
        else:
            data = vector["enc"]
            picc_data = bytes.fromhex(vector["picc_data"])
            tap = Tap(mac, f"{data}&cmac=".encode(), picc_data, bytes.fromhex(data))
        assert not sun.is_genuine(key, sun.open_picc(key, tap), tap), vector["id"]
    for vector in vectors()["aes_uid_only_no_counter"]:
        tap = Tap(bytes(8), picc=bytes.fromhex(vector["picc_data"]))
        with pytest.raises(Flawed) as caught:
            sun.open_picc(bytes.fromhex(vector["meta_key"]), tap)
        assert caught.value.flaw is Flaw.NO_COUNTER
        assert caught.value.uid.hex().upper() == vector["picc_plain"][2:16]


def test_the_published_diversified_key_is_derived() -> None:
    if not VECTORS.exists():
        return
    vector = vectors()["kdf"]["AN10922_AES128"]
    data = bytes.fromhex("04782E21801D803042F54E585020416275")
    made = sun.diversified(bytes.fromhex(vector["master"]), data)
    assert made.hex().upper() == vector["diversified"]


def test_our_own_taps_are_read_and_genuine() -> None:
    tag = Tag(UID, META, FILE)
    for counter in (0, 1, 255, 256, 0xFFFFFF):
        for address in (tag.address(counter), tag.plain_address(counter)):
            tap = sun.read_tap(address)
            picc = sun.open_picc(META, tap)
            assert picc == Picc(UID, counter)
            assert sun.is_genuine(FILE, picc, tap)
            assert not sun.is_genuine(META, picc, tap)


def test_the_file_of_a_tap_is_opened_and_signed() -> None:
    tap = sun.read_tap(Tag(UID, META, FILE).address(7, tamper=b"OC"))
    picc = sun.open_picc(META, tap)
    assert sun.is_genuine(FILE, picc, tap)
    assert sun.open_file_data(FILE, picc, tap) == b"OC" + b"x" * 14
    assert sun.tamper_of(b"OCxx") is sun.Tamper.OPENED_BEFORE
    assert sun.tamper_of(b"xx") is None


def test_a_mac_of_any_other_counter_uid_file_or_length_is_refused() -> None:
    tap = sun.read_tap(Tag(UID, META, FILE).address(7, tamper=b"CC"))
    picc = sun.open_picc(META, tap)
    others = [Picc(UID, 8), Picc(UID[::-1], 7)]
    assert not any(sun.is_genuine(FILE, other, tap) for other in others)
    changed = tap.mac_input.replace(b"&m=", b"&n=")
    assert not sun.is_genuine(FILE, picc, Tap(tap.mac, changed))
    for mac in (b"", tap.mac[:7], tap.mac + b"\0"):
        assert not sun.is_genuine(FILE, picc, Tap(mac, tap.mac_input))


@pytest.mark.parametrize(
    ("query", "flaw"),
    [
        ("", Flaw.MALFORMED),
        ("e=&m=", Flaw.MALFORMED),
        (f"e={'0' * 32}", Flaw.MALFORMED),
        (f"e={'0' * 31}&m={'0' * 16}", Flaw.MALFORMED),
        (f"e={'0' * 32}&m={'0' * 15}", Flaw.MALFORMED),
        (f"e={'0' * 32}&m={'0' * 18}", Flaw.MALFORMED),
        (f"e={'0' * 32}&m={'G' * 16}", Flaw.MALFORMED),
        (f"e={'0' * 32}&d={'0' * 30}&m={'0' * 16}", Flaw.MALFORMED),
        (f"e={'0' * 32}&d={'0' * 544}&m={'0' * 16}", Flaw.MALFORMED),
        (f"m={'0' * 16}&e={'0' * 32}", Flaw.MALFORMED),
        (f"e={'0' * 48}&m={'0' * 16}", Flaw.LRP),
        (f"u={'0' * 14}&m={'0' * 16}", Flaw.NO_COUNTER),
        (f"u={'0' * 12}&c=000001&m={'0' * 16}", Flaw.MALFORMED),
        (f"u={'0' * 14}&c=0001&m={'0' * 16}", Flaw.MALFORMED),
    ],
)
def test_what_no_tag_of_ours_writes_is_told_by_its_flaw(query: str, flaw: Flaw) -> None:
    with pytest.raises(Flawed) as caught:
        sun.read_tap(f"https://wk.example/t?{query}")
    assert caught.value.flaw is flaw


def test_what_a_messenger_adds_around_the_address_does_no_harm() -> None:
    address = Tag(UID, META, FILE).address(3, tamper=b"CC").replace("?", "?from=chat&")
    tap = sun.read_tap(f"{address}&utm_source=x#top")
    assert sun.is_genuine(FILE, sun.open_picc(META, tap), tap)


def test_what_is_in_lower_case_is_not_as_a_tag_writes_it() -> None:
    address = Tag(UID, META, FILE).address(3, tamper=b"CC")
    assert sun.read_tap(address).as_written
    lower = sun.read_tap(address.lower())
    assert not lower.as_written
    assert not sun.is_genuine(FILE, sun.open_picc(META, lower), lower)


@given(st.text(alphabet="eudcm=&?#0123456789ABCDEFabcdef", max_size=120), st.binary(max_size=40))
def test_whatever_is_read_is_read_or_flawed(address: str, picc: bytes) -> None:
    with suppress(Flawed):
        assert len(sun.open_picc(META, sun.read_tap(address)).uid) == 7
    with suppress(Flawed):
        assert len(sun.open_picc(META, Tap(b"", picc=picc)).uid) == 7


def test_a_key_needs_enough_to_be_diversified_by() -> None:
    for length in (0, 15, 32):
        with pytest.raises(ValueError, match="16 to 31 bytes"):
            sun.diversified(META, bytes(length))
    assert sun.diversified(META, bytes(20)) == cmac(META, b"\x01" + bytes(20))


def test_keys_of_tags_differ_by_tag_by_version_and_by_purpose() -> None:
    keys = CompanyKeys(META)
    tags = [keys.of_tag(uid, version) for uid in (UID, UID[::-1]) for version in (1, 2)]
    assert len({tag.meta_read for tag in tags}) == 1
    own = {key for tag in tags for key in (tag.application, tag.file_read)}
    assert len(own | {tags[0].meta_read}) == 9
    assert CompanyKeys(FILE).meta_read != keys.meta_read


def test_the_published_keys_of_other_systems_are_derived_alike() -> None:
    if not VECTORS.exists():
        return
    for vector in vectors()["kdf"]["sdm_backend_standard"]["vectors"]:
        master = bytes.fromhex(vector["master"])
        assert keyed(master, b"PICCDataKey")[:16].hex() == vector["undiversified_1"]
        for name, made in vector.items():
            if name.startswith("tag("):
                uid, slot = name.removeprefix("tag(").removesuffix(")").split(",")
                data = keyed(keyed(master, b"DivBaseKey"), bytes.fromhex(uid))[:16]
                slot_key = keyed(master, b"SlotMasterKey" + bytes([int(slot)]))[:16]
                assert sun.diversified(slot_key, data).hex() == made
