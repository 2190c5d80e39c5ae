"""What keys and equipment, the pass-down log and hand-overs of posts look like over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body
from workflows.patrol.posts import Count, Item
from workflows.patrol.posts.passing import (
    LARGEST_NUMBER,
    LONGEST_ENTRY,
    LONGEST_NAME,
    LONGEST_WHY,
    MOST_ITEMS,
)

Kind = Literal["key", "equipment"]


class ItemShown(BaseModel):
    """A key or a piece of equipment of a post, and how many of it there should be."""

    id: UUID
    kind: Kind
    name: str
    number: int
    counted: int | None = Field(description="What the last hand-over found.")
    counted_at: datetime | None


class ItemList(BaseModel):
    """What belongs to a post."""

    items: list[ItemShown]


class ItemToKeep(Body):
    """A key or a piece of equipment of a post."""

    kind: Kind
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    number: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)] = 1

    def item(self) -> Item:
        """The item that it describes."""
        return Item(self.kind, self.name, self.number)


class ItemsToKeep(Body):
    """All that belongs to a post, as it is to be."""

    items: Annotated[list[ItemToKeep], Field(max_length=MOST_ITEMS)]


class EntryToWrite(Body):
    """Something that the next shift must know."""

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_ENTRY)]


class EntryReader(BaseModel):
    """Who has read an entry when."""

    person_id: UUID
    name: str
    read_at: datetime


class EntryFile(BaseModel):
    """A photo or voice note of an entry; once it is whole, `GET /guard-files/{id}` answers it."""

    id: UUID
    what: Literal["photo", "voice"]
    state: Literal["waiting", "complete", "wrong", "unusable"]
    width: int | None
    height: int | None
    seconds: int | None


class EntryItem(BaseModel):
    """An entry of the pass-down log; it stays as it was written."""

    id: UUID
    post_id: UUID
    person_id: UUID
    person_name: str
    written_at: datetime
    text: str
    files: list[EntryFile]
    readers: list[EntryReader]


class EntryPage(BaseModel):
    """A page of the pass-down log."""

    items: list[EntryItem]
    next: str | None


class LogRead(BaseModel):
    """How many entries were new to whoever read the log. unread: how many are left."""

    entries: int
    unread: int


class LogReadTo(Body):
    """Up to which entry the caller has read the log."""

    up_to: UUID = Field(description="The newest entry that you were shown.")


class Counted(Body):
    """How many of an item are there."""

    item_id: UUID
    number: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
    why: Annotated[
        str,
        Field(max_length=LONGEST_WHY, description="Needed where it is not as many as listed."),
    ] = ""


class HandOverToMake(Body):
    """One shift hands a post over to the next: all items counted, and what is to be known."""

    counted: Annotated[list[Counted], Field(max_length=MOST_ITEMS)] = Field(default_factory=list)
    note: Annotated[str, Field(max_length=LONGEST_ENTRY)] = ""

    def counts(self) -> dict[UUID, Count]:
        """What was counted, by item."""
        return {each.item_id: Count(each.number, each.why) for each in self.counted}


class Acceptance(Body):
    """What whoever accepts a hand-over remarks."""

    remark: Annotated[str, Field(max_length=2_000)] = ""


class HandOverItem(BaseModel):
    """A hand-over of a post."""

    id: UUID
    post_id: UUID | None
    team: str
    state: Literal["offered", "passed_up", "accepted"]
    from_id: UUID
    from_name: str
    accepted_by: UUID | None
    accepted_by_name: str | None
    offered_at: datetime
    due_at: datetime = Field(description="When it goes to the supervisor unless it is accepted.")
    accepted_at: datetime | None
    note: str
    remark: str
    lists: dict[str, Any] = Field(
        description="What was open at that moment: `tickets`, `alarms`, and `items` as counted."
    )


class HandOverList(BaseModel):
    """The last hand-overs of a post."""

    items: list[HandOverItem]


class HandOverSheet(BaseModel):
    """What is to be handed over at a post, as it is now."""

    tickets: list[dict[str, Any]] = Field(description="Open ones of the post's team.")
    alarms: list[dict[str, Any]] = Field(description="Those of the site that nobody accepted.")
    items: list[ItemShown]
    waiting: HandOverItem | None = Field(description="The last one that nobody has accepted.")
    unread: int = Field(description="Entries of the pass-down log that the caller has not read.")
