"""The address in a tag: how it stands in the file, and what the tag is told to mirror into it."""

from dataclasses import dataclass

from watchkeeper.tags.tag import TagError
from web.tag_set_up import template

# NFC Forum RTD-URI 1.0: what one byte stands for at the beginning of an address.
_BEGINNINGS = {"http://": 3, "https://": 4}
# A short record (NFC Forum NDEF 1.0): begin and end of the message, well-known type "U".
_RECORD = b"\xd1\x01"
_HEADER = 5
# FileOption with SDM, data in plain; AccessRights: everybody reads, key 0 writes and changes.
_FILE = b"\x40\x00\xe0"
# SDMOptions: UID, counter, ASCII. SDMAccessRights: key 1 seals UID and counter, key 2 signs.
_MIRRORS = b"\xc1" + (0x12FF).to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Writing:
    """What is written to a tag. content: of its file; settings: for ChangeFileSettings."""

    content: bytes
    settings: bytes


def writing(address: str, size: int) -> Writing:
    """How an address is written. address: with zeros where the tag mirrors; size: of the file.

    Raises TagError when it does not fit.
    """
    base, _, query = address.rpartition("/t?")
    offsets = template(base, query).offsets
    beginning = next(each for each in _BEGINNINGS if address.startswith(each))
    uri = bytes([_BEGINNINGS[beginning]]) + address.removeprefix(beginning).encode("ascii")
    message = _RECORD + bytes([len(uri) & 0xFF]) + b"U" + uri
    if len(uri) > 0xFF or 2 + len(message) > size:
        most = min(size - 2 - len(message) + len(uri), 0xFF)
        raise TagError(f"the address is too long for the tag: {len(uri)} bytes of {most}")
    mirrored = ("PICCDataOffset", "SDMMACInputOffset", "SDMMACOffset")
    places = b"".join(offsets[name].to_bytes(3, "little") for name in mirrored)
    return Writing(len(message).to_bytes(2, "big") + message, _FILE + _MIRRORS + places)


def address_in(content: bytes) -> str:
    """The address that stands in a tag's file. Raises TagError where it is none of ours."""
    record = content[2 : 2 + int.from_bytes(content[:2], "big")]
    beginning = {code: text for text, code in _BEGINNINGS.items()}.get(
        record[4] if record[4:] else 0
    )
    if record[:2] != _RECORD or record[3:4] != b"U" or beginning is None:
        raise TagError("read the address: no address stands in the tag")
    try:
        return beginning + record[_HEADER:].decode("ascii")
    except UnicodeDecodeError:
        raise TagError("read the address: what stands in the tag is no text") from None
