"""Milesight's counters of people: of those who are in its regions, and of those who pass its lines.

What was counted while nobody listened comes with a number for what it is of: the channel that tells
it live, but for what stands in `_STORED`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.dialects.payloads.milesight_layouts import Field, Layout, Layouts

_FIRMWARE: Layouts = {(0xFF, 0x1F): Layout("4x")}
_REGIONS = tuple(Field(f"region_{number}", 0, means="occupancy") for number in range(1, 17))


def _present(numbers: Sequence[Any]) -> dict[str, float]:
    """How many there are, and of each region that is drawn whether somebody is there."""
    everybody, drawn, upper, lower = numbers
    where = upper << 8 | lower
    regions = {one.key: where >> bit & 1 for bit, one in enumerate(_REGIONS[:drawn])}
    return {"people_count_all": everybody, **regions}


def _counted(first: int, last: int) -> Layout:
    fields = tuple(Field(f"region_{number}_count") for number in range(first, last + 1))
    return Layout("B" * len(fields), fields)


def _ways(begin: str, ends: str) -> Layout:
    return Layout("H" * len(ends), tuple(Field(f"{begin}_to_{end}") for end in ends))


def _two(what: str) -> Layout:
    return Layout("HH", (Field(f"{what}_in"), Field(f"{what}_out")))


_ALL = Layout("BBBB", (Field("people_count_all"), *_REGIONS), _present)
_IN_OUT = Layout("hh", (Field("people_in"), Field("people_out")))
_MOST = Layout("B", (Field("people_count_max"),))
_STAYED = Layout("xHH", (Field("dwell_time_avg", 1, "s"), Field("dwell_time_max", 1, "s")))
OVERHEAD: Layouts = {
    **_FIRMWARE,
    (0x04, 0xC9): _ALL,
    (0x05, 0xCC): _IN_OUT,
    (0x06, 0xCD): _MOST,
    (0x07, 0xD5): _counted(1, 8),
    (0x08, 0xD5): _counted(9, 16),
    **{(0x09 + place, 0xDA): _ways(begin, "abcd") for place, begin in enumerate("abcd")},
    (0x0D, 0xCC): _two("people_total"),
    (0x0E, 0xE4): _STAYED,
    # Of its clock.
    (0x0F, 0x85): Layout("4x"),
    (0x10, 0xF7): _two("line"),
}
_OVERHEAD_STORED: Mapping[int, Layout] = {
    0x01: _ALL,
    0x02: _two("people"),
    0x03: _MOST,
    **{0x04 + place: _counted(1 + 4 * place, 4 + 4 * place) for place in range(4)},
    **{
        0x08 + 2 * place + half: _ways(begin, ends)
        for place, begin in enumerate("abcd")
        for half, ends in enumerate(("ab", "cd"))
    },
    0x10: _two("people_total"),
    0x11: _STAYED,
    0x12: _two("line"),
}

GATE: Layouts = {
    **_FIRMWARE,
    (0x03, 0xD2): Layout("I", (Field("total_counter_in"),)),
    (0x04, 0xD2): Layout("I", (Field("total_counter_out"),)),
    (0x05, 0xCC): _two("periodic_counter"),
}


def _stay(who: str, *what: str) -> Layout:
    """How long people stay in the region whose number stands before: on average, at most."""
    fields = tuple(
        Field(f"region_{number}{who}_{each}_dwell", 1, "s")
        for number in range(1, 5)
        for each in what
    )

    def told(numbers: Sequence[Any]) -> dict[str, float]:
        return {
            f"region_{numbers[0]}{who}_{each}_dwell": number
            for each, number in zip(what, numbers[1:], strict=True)
        }

    return Layout("B" + "H" * len(what), fields, told)


def _lines() -> tuple[dict[tuple[int, int], Layout], dict[int, Layout]]:
    """Live and stored, of all people and of children among them."""
    live: dict[tuple[int, int], Layout] = {**_FIRMWARE, (0x50, 0xFC): Layout("3x")}
    stored: dict[int, Layout] = {}
    kinds = (("", 0x03, 0x20), ("_child", 0x11, 0x3C))
    for who, first, longest in kinds:
        for line in range(4):
            channel, name = first + 3 * line, f"line_{line + 1}{who}"
            live[channel, 0xD2] = Layout("I", (Field(f"{name}_total_in"),))
            live[channel + 1, 0xD2] = Layout("I", (Field(f"{name}_total_out"),))
            live[channel + 2, 0xCC] = _two(f"{name}_period")
        counts = tuple(Field(f"region_{number}{who}_count") for number in range(1, 5))
        live[first + 12, 0xE3] = Layout("BBBB", counts)
        stored |= {channel: one for (channel, _), one in live.items() if channel < first + 13}
        live[first + 13, 0xE4] = _stay(who, "avg", "max")
        stored[first + 13], stored[longest] = _stay(who, "avg"), _stay(who, "max")
    return live, stored


LINES, _LINES_STORED = _lines()
_STORED: Mapping[str, Mapping[int, Layout]] = {
    "VS121": _OVERHEAD_STORED,
    "VS133": _LINES_STORED,
    "VS135": _LINES_STORED,
}


def stored_count(model: str, kind: int) -> Layout | None:
    """What stands behind the time and the kind of a stored count; None where none is known."""
    return _STORED.get(model[:5], {}).get(kind)
