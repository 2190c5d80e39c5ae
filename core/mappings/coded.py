"""Numbers that JSON holds as they stood in registers: as words, or as hexadecimal digits."""

from typing import Any

from core.mappings.model import Register
from core.mappings.registers import TYPES, in_order
from core.mappings.values import Unfit, kind_of
from rules.wording import worded


def decoded(raw: Any, register: Register) -> Any:
    """What registers mean; None where they say that nothing was measured. Raises Unfit.

    raw: a whole number, of as many bytes as the type has; a list of registers, of which the type's
    begin at `register.at`; or hexadecimal digits, of which they begin at that byte.
    """
    data = _bytes(raw, register)
    if len(data) < register.width:
        raise Unfit(
            worded(
                "%(type)s has %(width)s bytes; from there on stand %(count)s",
                type=register.type,
                width=register.width,
                count=len(data),
            )
        )
    return TYPES[register.type][1](in_order(data[: register.width], register.order))


def _bytes(raw: Any, register: Register) -> bytes:
    if isinstance(raw, list):
        return b"".join(map(_word, raw[register.at : register.at + register.width]))
    if isinstance(raw, str):
        plain = "".join(raw.split())
        try:
            return bytes.fromhex(plain[2:] if plain[:2].lower() == "0x" else plain)[register.at :]
        except ValueError:
            raise Unfit(
                worded("%(raw)s has other signs than hexadecimal digits", raw=repr(raw[:40]))
            ) from None
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise Unfit(worded("%(what)s is neither a whole number nor registers", what=kind_of(raw)))
    bits = 8 * register.width
    if register.at or not -(1 << bits - 1) <= raw < 1 << bits:
        raise Unfit(
            worded(
                "%(raw)s has no %(width)s bytes from there on",
                raw=f"{raw!r:.40}",
                width=register.width,
            )
        )
    return (raw & ((1 << bits) - 1)).to_bytes(register.width, "big")


def _word(value: Any) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int) or not -0x8000 <= value <= 0xFFFF:
        raise Unfit(worded("%(value)s is no register", value=f"{value!r:.40}"))
    return (value & 0xFFFF).to_bytes(2, "big")
