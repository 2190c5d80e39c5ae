"""Typesetting: a template of ours and plain data become a PDF (Typst)."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typst

from core.errors import Unavailable

# Noto Sans CJK SC; Debian's package fonts-noto-cjk brings it, the set-up and the image install it.
FONT = "Noto Sans CJK SC"
_TEMPLATES = Path(__file__).parent


@cache
def _fonts() -> typst.Fonts:
    """Every font of this machine: looked through once, since that takes a while."""
    return typst.Fonts(include_system_fonts=True)


def missing_font() -> str | None:
    """The font that papers need and that this machine lacks; None when it is there."""
    return None if FONT in _fonts().families() else FONT


def typeset(
    template: str, data: Any, *, now: datetime, files: Mapping[str, bytes] | None = None
) -> bytes:
    """A PDF of a template beside this module. data: as JSON under `sys.inputs.data`.

    What people wrote is data and never markup. now: the date that the file bears. files: what the
    template may load, by its name at the root. Raises Unavailable where the machine has no font
    with Chinese characters.
    """
    if missing_font() is not None:
        # A machine that got the font meanwhile is looked through once more.
        _fonts.cache_clear()
    missing = missing_font()
    if missing is not None:
        raise Unavailable(
            f"PDF needs the font {missing}, which this machine lacks",
            advice="Install it (Debian: fonts-noto-cjk), or print from the page instead.",
        )
    with TemporaryDirectory(prefix="watchkeeper-paper-") as root:
        for name, content in (files or {}).items():
            (Path(root) / name).write_bytes(content)
        compiler = typst.Compiler(
            (_TEMPLATES / template).read_bytes(),
            root=root,
            font_paths=_fonts(),
            sys_inputs={"data": json.dumps(data, ensure_ascii=False), "font": FONT},
        )
        made = compiler.compile(format="pdf", timestamp=int(now.timestamp()))
    assert isinstance(made, bytes)
    return made
