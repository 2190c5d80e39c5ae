"""What a reason to withhold an alarm says, and how one is asked for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from workflows.alarms.finding import Faulty
from workflows.alarms.model import Alarm


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why an alarm that trips tells nobody.

    kind: the status that it has meanwhile, one of WITHHELD. why: maintenance, outage, inhibited …
    until: when it is judged again at the latest; None where only the end of its cause says.
    cause: what suppresses it, as (kind, id), so that its end finds what it suppressed.
    reason: what people wrote about it. standing: the row, where it stands already.
    """

    kind: str
    why: str
    until: datetime | None = None
    cause: tuple[str, UUID] | None = None
    reason: str = ""
    standing: UUID | None = None


# fault, its alarm if it ever had one, when we learned of it.
Check = Callable[[Session, Faulty, Alarm | None, datetime], Withheld | None]
