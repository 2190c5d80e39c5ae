"""Templates ask for rights by their names: a name that nobody holds would hide a thing from all."""

import re
from pathlib import Path

from core.permissions import ROLES

TEMPLATES = Path(__file__).resolve().parents[2] / "web" / "templates"
ASKED = re.compile(r"""\b(?:may|sites_for|may_anywhere)\(\s*["']([a-z_]+\.[a-z_]+)["']""")


def test_every_right_that_a_template_asks_for_is_held_by_some_role() -> None:
    held = frozenset[str]().union(*ROLES.values())
    asked = {
        name
        for file in TEMPLATES.rglob("*.html")
        for name in ASKED.findall(file.read_text(encoding="utf-8"))
    }
    assert len(asked) > 5
    assert asked - held == set()
