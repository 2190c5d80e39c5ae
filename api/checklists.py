"""The shapes of checklists in requests and answers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body, Names
from workflows.tickets.checklist import NewItem

ItemKind = Literal["tick", "number", "choice", "photo"]
_LIMIT = Field(ge=-1_000_000_000, le=1_000_000_000, decimal_places=4)


class ItemShown(BaseModel):
    """An item on the checklist of a ticket, with its answer once there is one."""

    id: UUID
    text: dict[str, str]
    kind: ItemKind
    required: bool = Field(description="Without an answer the ticket can't be resolved.")
    unit: str | None
    low: str | None = Field(description="A decimal number as text.")
    high: str | None = Field(description="A decimal number as text.")
    choices: list[dict[str, str]]
    answer: str | None = Field(
        description="tick: yes; number: a decimal number; choice: its place from 1 on; photo: its "
        "id."
    )
    outside: bool = Field(description="A number outside its range.")
    answered_by: UUID | None
    answered_name: str | None
    answered_at: datetime | None


class ItemBody(Body):
    """An item: a tick, a number with unit and range, a choice of words, or a photo."""

    text: Names
    kind: ItemKind = "tick"
    required: bool = True
    unit: Annotated[str, Field(max_length=20)] | None = None
    low: Annotated[Decimal, _LIMIT] | None = None
    high: Annotated[Decimal, _LIMIT] | None = None
    choices: Annotated[tuple[Names, ...], Field(max_length=12)] = ()

    def item(self) -> NewItem:
        """The item that the body describes."""
        return NewItem(
            self.text.filled(),
            self.kind,
            self.required,
            self.unit,
            self.low,
            self.high,
            tuple(choice.filled() for choice in self.choices),
        )


class ItemsBody(Body):
    """Items to put at the end of a checklist."""

    items: Annotated[list[ItemBody], Field(min_length=1, max_length=60)]


class AnswerBody(Body):
    """The answer to an item; null takes it back. See `answer` of the item."""

    value: Annotated[str, Field(min_length=1, max_length=40)] | None
