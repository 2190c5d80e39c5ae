"""Secure messaging gives the values that NXP AN12196 publishes."""

from collections.abc import Callable

import pytest

from tests.tags.emulator import EmulatedTag
from watchkeeper.tags.secure_messaging import (
    BrokenAnswer,
    SecureSession,
    cmac,
    decrypt,
    encrypt,
    key_change,
    rotated,
    session_vectors,
    unpadded,
)
from watchkeeper.tags.tag import FACTORY_KEY, Mode, Ntag424, TagError, TagRefused, WrongKey

OURS = bytes.fromhex("13C5DB8A5930439FC3DEF9A4C675360F")
FIRST = bytes.fromhex("A04C124213C186F22399D33AC2A30215")
SECOND = bytes.fromhex("3FA64DB5446D1F34CD6EA311167F5E4985B89690C04A05F17FA7AB2F08120663")


class Script:
    """A tag that says what stands in the application note, and wants to be told that, too."""

    def __init__(self, *exchanges: tuple[str, str, int]) -> None:
        self._exchanges = list(exchanges)

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        wanted, answer, status = self._exchanges.pop(0)
        assert command.hex().upper() == wanted
        return bytes.fromhex(answer), status


def session(encryption: str, mac: str, transaction: str, counter: int) -> SecureSession:
    keys = (bytes.fromhex(encryption), bytes.fromhex(mac))
    return SecureSession(*keys, bytes.fromhex(transaction), counter)


def scripted(known: SecureSession, *exchange: tuple[str, str, int]) -> Ntag424:
    tag = Ntag424(Script(*exchange))
    tag._session = known
    return tag


def in_first_session(counter: int) -> SecureSession:
    keys = ("1309C877509E5A215007FF0ED19CA564", "4C6626F5E72EA694202139295C7A7FC7")
    return session(*keys, "9D00C4DF", counter)


def in_second_session(counter: int) -> SecureSession:
    keys = ("4CF3CB41A22583A61E89B158D252FC53", "5529860B2FC5FB6154B7F28361D30BF9")
    return session(*keys, "7614281A", counter)


def test_authentication_is_that_of_table_14() -> None:
    tag = Ntag424(
        Script(
            ("9071000002000000", FIRST.hex(), 0x91AF),
            (
                "90AF00002035C3E05A752E0144BAC0DE51C1F22C56B34408A23D8AEA266CAB947EA8E0118D00",
                SECOND.hex(),
                0x9100,
            ),
        ),
        draw=lambda _length: OURS,
    )
    tag.authenticate(0, FACTORY_KEY)
    assert tag._session == in_first_session(0)


def test_who_answers_with_another_number_does_not_hold_the_key() -> None:
    broken = bytes([SECOND[0] ^ 1]) + SECOND[1:]
    tag = Ntag424(
        Script(
            ("9071000002000000", FIRST.hex(), 0x91AF),
            (
                "90AF00002035C3E05A752E0144BAC0DE51C1F22C56B34408A23D8AEA266CAB947EA8E0118D00",
                broken.hex(),
                0x9100,
            ),
        ),
        draw=lambda _length: OURS,
    )
    with pytest.raises(WrongKey):
        tag.authenticate(0, FACTORY_KEY)
    with pytest.raises(TagError):
        tag.card_uid()


def test_writing_is_that_of_table_17() -> None:
    content = bytes.fromhex(
        "0051D1014D550463686F6F73652E75726C2E636F6D2F6E7461673432343F653D"
        + "30" * 32
        + "26633D"
        + "30" * 16
    ).ljust(0x80, b"\0")
    sealed = (
        "421C73A27D827658AF481FDFF20A5025B559D0E3AA21E58D347F343CFFC768BFE596C706BC00F2176781D4B0242642"
        "A0FF5A42C461AAF894D9A1284B8C76BCFA658ACD40555D362E08DB15CF421B51283F9064BCBE20E96CAE545B40"
        "7C9D651A3315B27373772E5DA2367D2064AE054AF996C6F1F669170FA88CE8C4E3A4A7BBBEF0FD971FF532C3A802"
        "AF745660F2B4"
    )
    tag = scripted(
        in_first_session(0),
        (f"908D00009F02000000800000{sealed}D1D9A8499661EBF300", "FC222E5F7A542452", 0x9100),
    )
    tag.write(content, Mode.FULL)


def test_settings_are_changed_as_in_table_18() -> None:
    tag = scripted(
        in_first_session(1),
        (
            "905F0000190261B6D97903566E84C3AE5274467E89EAD799B7C1A0EF7A0400",
            "57BFF87B1241E93D",
            0x9100,
        ),
    )
    tag.change_file_settings(bytes.fromhex("4000E0C1F121200000430000430000"))


def test_settings_are_read_as_in_table_7() -> None:
    answer = "0040EEEE000100D1FE001F00004400004400002000006A00002A474282E7A47986"
    tag = scripted(
        session("00" * 16, "8248134A386E86EB7FAF54A52E536CB6", "7A21085E", 0),
        ("90F5000009026597A457C8CD442C00", answer, 0x9100),
    )
    found = tag.file_settings()
    assert (found.size, found.write_mode) == (256, Mode.PLAIN)


def test_keys_are_changed_as_in_tables_25_and_26() -> None:
    tag = scripted(
        in_second_session(2),
        (
            "90C4000029022CF362B7BF4311FF3BE1DAA295E8C68DE09050560D19B9E16C2393AE9CD1FAC7"
            "5D0CE20BCD1D06E600",
            "203BB55D1089D587",
            0x9100,
        ),
        (
            "90C400002900C0EB4DEEFEDDF0B513A03A95A75491818580503190D4D05053FF75668A01D6FD"
            "A6610234BDED643200",
            "",
            0x9100,
        ),
    )
    tag.change_key(2, bytes.fromhex("F3847D627727ED3BC9C4CC050489B966"), FACTORY_KEY, 1)
    tag.change_key(0, bytes.fromhex("5004BF991F408672B1EF00F08F9E8647"), FACTORY_KEY, 1)
    # With its key the session has ended.
    with pytest.raises(TagError):
        tag.card_uid()


def test_the_uid_is_read_as_in_table_28() -> None:
    keys = ("2B4D963C014DC36F24F69A50A394F875", "379D32130CE61705DD5FD8C36B95D764")
    answer = "70756055688505B52A5E26E59E329CD6595F672298EA41B7"
    command = ("90510000088E2C155ADDA99BE300", answer, 0x9100)
    assert scripted(session(*keys, "DF055522", 0), command).card_uid().hex() == "04958caa5c5e80"
    forged = (command[0], "71" + answer[2:], 0x9100)
    with pytest.raises(TagError, match="signature"):
        scripted(session(*keys, "DF055522", 0), forged).card_uid()


def test_checksum_and_vectors_are_those_of_the_note() -> None:
    new = bytes.fromhex("F3847D627727ED3BC9C4CC050489B966")
    assert key_change(2, new, FACTORY_KEY, 1)[17:].hex().upper() == "789DFADC"
    theirs = decrypt(FACTORY_KEY, FIRST)
    assert encrypt(FACTORY_KEY, theirs) == FIRST
    assert rotated(theirs)[-1] == theirs[0]
    for_encryption, for_mac = session_vectors(OURS, theirs)
    assert cmac(FACTORY_KEY, for_encryption) == in_first_session(0).encryption_key
    assert cmac(FACTORY_KEY, for_mac) == in_first_session(0).mac_key


@pytest.mark.parametrize("broken", [b"", b"12345678", b"abc\x80\x01"])
def test_an_answer_that_is_not_padded_is_broken(broken: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        unpadded(broken)


def wrong_signature(tag: Ntag424) -> None:
    assert tag._session is not None
    tag._session.mac_key = bytes(16)
    tag.card_uid()


def wrong_checksum(tag: Ntag424) -> None:
    tag.change_key(2, bytes(range(16)), b"\x01" * 16, 1)


def mirrors_beyond_the_file(tag: Ntag424) -> None:
    tag.change_file_settings(bytes.fromhex("4000E0C1FF12FF0000430000430000"))


def write_beyond_the_file(tag: Ntag424) -> None:
    tag.write(bytes(300), Mode.PLAIN)


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (wrong_signature, 0x911E),
        (wrong_checksum, 0x911E),
        (mirrors_beyond_the_file, 0x919E),
        (write_beyond_the_file, 0x917E),
    ],
)
def test_the_emulated_tag_refuses_what_a_real_one_does(
    step: Callable[[Ntag424], None], status: int
) -> None:
    emulated = EmulatedTag(bytes.fromhex("04A1B2C3D4E5F6"))
    tag = Ntag424(emulated)
    tag.select()
    tag.authenticate(0, FACTORY_KEY)
    with pytest.raises(TagRefused) as refused:
        step(tag)
    assert refused.value.status == status
    # Whatever is refused ends the session on both sides.
    assert emulated.session is None
    with pytest.raises(TagError, match="nobody authenticated"):
        tag.card_uid()
