"""Labels on sheets of A4: of 63.5 × 38.1 mm, 3 × 7 on a sheet, as every stationer has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import segno

ON_A_SHEET = 21


@dataclass(frozen=True, slots=True)
class Label:
    """One label as it is printed. within: the names of the spaces that its place is in.

    code: what people read. qr: an image in the page. address: as people type it, without scheme.
    """

    name: Mapping[str, str]
    within: Sequence[Mapping[str, str]]
    code: str
    qr: str
    address: str


def make_label(
    name: Mapping[str, str],
    within: Sequence[Mapping[str, str]],
    code: str,
    address: str,
    typed: str,
) -> Label:
    """A label whose QR code holds an address. typed: what people type where they can't scan it."""
    qr = segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=0)
    return Label(name, within, code, qr, typed.partition("://")[2])


def in_sheets(labels: Sequence[Label]) -> list[Sequence[Label]]:
    """The labels of each sheet."""
    return [labels[start : start + ON_A_SHEET] for start in range(0, len(labels), ON_A_SHEET)]
