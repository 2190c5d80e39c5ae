"""Modbus registers that Milesight's controllers pass on: as many bytes as their type has."""

import struct

from ingest.dialects.payloads.milesight_layouts import without_noise

# By the number of a type, as both families count them: coils, inputs, words, long ones, floats.
_FORMATS = ("B", "B", "H", "H", "I", "f", "I", "f")
# Of UC100 and UC300 beside these: one word of a long register.
_HALVES = {8: "H2x", 9: "2xH", 10: "H2x", 11: "2xH"}
_SIGNED = 0x80
_BITS = (0, 1)


def read_register(model: str, body: bytes) -> tuple[str, float | bool | None, int] | None:
    """Key, value and length of the register that begins at a channel; None where none does.

    Raises IndexError and struct.error where the bytes end within it.
    """
    if model.startswith(("UC100", "UC300")) and body[:2] == b"\xff\x19":
        kind = body[4] & ~_SIGNED
        written = _HALVES.get(kind) or (_FORMATS[kind] if kind < len(_FORMATS) else None)
        if written is None:
            return None
        signed = body[4] & _SIGNED and kind not in _BITS
        return _register(body, 5, body[2] + 1, kind, written.lower() if signed else written)
    if model.startswith("UC50") and body[:2] in (b"\xff\x0e", b"\x80\x0e"):
        kind = body[3] & 7
        key, value, length = _register(body, 4, body[2] - 6, kind, _FORMATS[kind])
        # An alarm says behind the value why it is one.
        return key, value, length + (body[0] == 0x80)
    return None


def stored_registers(
    body: bytes, at: int, size: int, *, with_signs: bool
) -> tuple[dict[str, float | bool | str], int]:
    """Stored values by their keys, and where they end. Which there are says a mask of `size` bytes.

    with_signs: of UC300, whose types say more than those of battery-driven ones. Raises IndexError
    and struct.error where the bytes end within it.
    """
    mask = int.from_bytes(body[at : at + size], "little")
    at += size
    found: dict[str, float | bool | str] = {}
    for channel in (bit + 1 for bit in range(8 * size) if mask >> bit & 1):
        kind = body[at] & ~_SIGNED if with_signs else body[at] & 7
        written = _HALVES.get(kind) or (_FORMATS[kind] if kind < len(_FORMATS) else None)
        if not with_signs and written == "H":
            written = "I"
        if written is not None:
            signed = with_signs and body[at] & _SIGNED and kind not in _BITS
            key, value, _ = _register(
                body, at + 1, channel, kind, written.lower() if signed else written
            )
            if value is not None:
                found[key] = value
        # Each has as much room as the longest.
        at += 5
    return found, at


def _register(
    body: bytes, at: int, channel: int, kind: int, written: str
) -> tuple[str, float | bool | None, int]:
    (number,) = struct.unpack_from("<" + written, body, at)
    value = bool(number) if kind in _BITS else without_noise(number)
    return f"modbus_chn_{channel}", value, at + struct.calcsize("<" + written)
