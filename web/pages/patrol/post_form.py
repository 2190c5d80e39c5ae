"""The form of a post, as it is typed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from core.db import Session
from core.teams import teams_at
from web.pages.patrol.chosen import MOST_TO_CHOOSE
from web.pages.patrol.round_plans import hours_to_choose
from web.pages.patrol.route_form import number
from web.visit import Visit
from workflows import patrol
from workflows.patrol.posts import USUAL_CREW, USUAL_TOLERANCE_MIN, PostDraft

_NO_NUMBER = -1
_NOWHERE = UUID(int=0)
USUAL_TEAM = "security"
Column = list[str]


class PostForm(BaseModel):
    """What the form of a post says. hour: the codes of its calendars and shifts."""

    site: str = ""
    version: str = ""
    code: str = ""
    name_en: str = ""
    name_zh: str = ""
    team: str = USUAL_TEAM
    hour: Column = []
    crew: str = str(USUAL_CREW)
    for_rounds: str = ""
    checkpoint: str = ""
    tolerance: str = str(USUAL_TOLERANCE_MIN)

    @classmethod
    def of(cls, post: Mapping[str, Any]) -> "PostForm":
        """A post as it is kept."""
        return cls(
            site=str(post["site_id"]),
            version=str(post["version"]),
            code=post["code"],
            name_en=post["name"].get("en", ""),
            name_zh=post["name"].get("zh", ""),
            team=post["team"],
            hour=list(post["hours"]),
            crew=str(post["minimum_crew"]),
            for_rounds="yes" if post["for_rounds"] else "",
            checkpoint=str(post["checkpoint_id"] or ""),
            tolerance=str(post["tolerance_min"]),
        )

    def draft(self) -> PostDraft:
        """The post that the form describes; what is no number is refused by the domain."""
        return PostDraft(
            code=self.code.strip(),
            name={"en": self.name_en, "zh": self.name_zh},
            team=self.team,
            hours=self.hour,
            minimum_crew=_whole(self.crew),
            for_rounds=self.for_rounds == "yes",
            checkpoint_id=_checkpoint(self.checkpoint),
            tolerance_min=_whole(self.tolerance),
        )


def _whole(text: str) -> int:
    found = number(text)
    return _NO_NUMBER if found is None else found


def _checkpoint(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        return _NOWHERE


def to_choose(session: Session, visit: Visit, site_id: UUID) -> dict[str, Any]:
    """What the form of a post offers: the teams, hours and checkpoints of its site."""
    now = visit.parts.clock.now()
    wanted = patrol.Survey(site_id)
    page = patrol.survey(session, visit.caller, wanted, now=now, limit=MOST_TO_CHOOSE)
    return {
        "teams": teams_at(session, site_id),
        "hours": hours_to_choose(session, visit, site_id),
        "checkpoints": [one.row for one in page.items],
    }
