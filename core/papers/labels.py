"""Labels on sheets of A4: of 63.5 × 38.1 mm, 3 × 7 on a sheet (Avery L7160 and the like)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import segno

from core.papers.typesetting import typeset

ON_A_SHEET = 21


@dataclass(frozen=True, slots=True)
class PaperLabel:
    """One label. name, call: by language; within: of what its place is a part, in order.

    code: what people read. address: what the QR code holds; typed: what people type instead.
    """

    name: Mapping[str, str]
    within: Sequence[Mapping[str, str]]
    code: str
    address: str
    typed: str


def label_sheets(
    labels: Sequence[PaperLabel], call: Mapping[str, str], *, language: str, now: datetime
) -> bytes:
    """A PDF of labels, in order. call: what stands on each, by language.

    language: of the places that each is in, which stand once. Raises as `typeset`.
    """
    data = {
        "call": [call[each] for each in ("zh", "en") if call.get(each)],
        "labels": [_shown(label, language) for label in labels],
    }
    return typeset("labels.typ", data, now=now)


def _shown(label: PaperLabel, language: str) -> dict[str, object]:
    qr = segno.make(label.address, error="m", micro=False)
    return {
        "names": [label.name[each] for each in ("zh", "en") if label.name.get(each)],
        "within": " · ".join(_in(language, each) for each in label.within),
        "code": label.code,
        "typed": label.typed.partition("://")[2] or label.typed,
        "qr": qr.svg_inline(border=0, scale=4, omitsize=True),
    }


def _in(language: str, text: Mapping[str, str]) -> str:
    return text.get(language) or next((each for each in text.values() if each), "")
