"""Labels on sheets of A4: of 63.5 × 38.1 mm, 3 × 7 on a sheet, as every stationer has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import segno
from fastapi import Response

from core.papers import ON_A_SHEET, PaperLabel, label_sheets
from web.visit import Visit


@dataclass(frozen=True, slots=True)
class Label:
    """One label as it is printed. within: the names of the spaces that its place is in.

    code: what people read. qr: an image in the page, of the link. address: as people type it,
    without scheme.
    """

    name: Mapping[str, str]
    within: Sequence[Mapping[str, str]]
    code: str
    qr: str
    address: str
    link: str


def make_label(
    name: Mapping[str, str],
    within: Sequence[Mapping[str, str]],
    code: str,
    address: str,
    typed: str,
) -> Label:
    """A label whose QR code holds an address. typed: what people type where they can't scan it."""
    qr = segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=0)
    return Label(name, within, code, qr, typed.partition("://")[2], address)


def paper(visit: Visit, labels: Sequence[Label], both: Mapping[str, str], name: str) -> Response:
    """The labels as a PDF to be kept. both: what stands on each; name: of the file, in ASCII."""
    shown = [
        PaperLabel(each.name, each.within, each.code, each.link, each.address) for each in labels
    ]
    language, now = visit.reader.language, visit.parts.clock.now()
    return Response(
        label_sheets(shown, both, language=language, now=now),
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.pdf"',
            "Cache-Control": "no-store",
        },
    )


def in_sheets(labels: Sequence[Label]) -> list[Sequence[Label]]:
    """The labels of each sheet."""
    return [labels[start : start + ON_A_SHEET] for start in range(0, len(labels), ON_A_SHEET)]
