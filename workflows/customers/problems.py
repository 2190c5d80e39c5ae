"""What people can report by a sticker, as it is shipped: a few plain problems for each type."""

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
    en: str = ""
    zh: str = ""
    kind: str = "repair"
    priority: str = "medium"
    team: str = "maintenance"
    category: str = ""
    # Offered no more, and still understood.
    retired: bool = False

    @property
    def title(self) -> dict[str, str]:
        """The title of its ticket, in the languages that it has."""
        names = {"en": self.en, "zh": self.zh}
        return {language: name for language, name in names.items() if name}


_BY_TYPE = TypeAdapter(dict[str, list[Problem]])
# Whatever else it is; the words that come with it become the title.
SOMETHING_ELSE = Problem(code=OTHER, en="Something else", zh="其他问题")


@lru_cache(maxsize=1)
def shipped_problems() -> Mapping[str, Sequence[Problem]]:
    """Every problem by asset type; `asset` for types without their own, `space` for spaces."""
    return _BY_TYPE.validate_python(yaml.safe_load(FILE.read_text(encoding="utf-8")))
