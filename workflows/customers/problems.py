"""What people can report by a sticker: a few plain problems for each type of equipment."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

FILE = Path(__file__).with_name("problems.yaml")
OTHER = "other"


class Problem(BaseModel):
    """One problem as people tap it, and the ticket that it opens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    en: str
    zh: str
    kind: str = "repair"
    priority: str = "medium"
    team: str = "maintenance"
    category: str = ""

    @property
    def title(self) -> dict[str, str]:
        """The title of its ticket, in both languages."""
        return {"en": self.en, "zh": self.zh}


_BY_TYPE = TypeAdapter(dict[str, list[Problem]])
# Whatever else it is; the words that come with it become the title.
SOMETHING_ELSE = Problem(code=OTHER, en="Something else", zh="其他问题")


@lru_cache(maxsize=1)
def shipped_problems() -> Mapping[str, Sequence[Problem]]:
    """Every problem by asset type; `asset` for types without their own, `space` for spaces."""
    return _BY_TYPE.validate_python(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def problems_of(asset_type: str | None) -> Sequence[Problem]:
    """The problems to choose from at an asset of a type, or in a space; something else is last."""
    known = shipped_problems()
    own = known["space"] if asset_type is None else known.get(asset_type, known["asset"])
    return [*own, SOMETHING_ELSE]


def find_problem(asset_type: str | None, code: str) -> Problem | None:
    """The problem with this code at such a place; None when there is none."""
    return next((one for one in problems_of(asset_type) if one.code == code), None)
