"""The shapes of what people say and show on a ticket."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class ColleagueShown(BaseModel):
    """Somebody who may be named in a note."""

    id: UUID
    name: str


class Mention(BaseModel):
    """Somebody who is named in a note, under the name that they have now."""

    person_id: UUID
    name: str


class Note(BaseModel):
    """What somebody wrote. action: note, or the action it was the reason of."""

    id: UUID
    at: datetime
    action: str
    author_id: UUID | None
    author_name: str | None
    author_kind: str | None = Field(description="contractor or resident, where none of yours.")
    body: str
    public: bool = Field(description="Residents who reported it read it, too.")
    mentions: list[Mention] = Field(description="Colleagues whom it names.")


class VoiceShown(BaseModel):
    """A voice note of a ticket."""

    id: UUID
    at: datetime
    note_id: UUID | None = Field(description="The note that it was sent with.")
    author_id: UUID | None
    author_name: str | None
    author_kind: str | None = Field(description="resident, where none of yours.")
    media_type: str
    size: int = Field(description="Bytes of the original.")
    seconds: int
    sha256: str = Field(description="Of the original, as the event log holds it, too.")


class PhotoShown(BaseModel):
    """A photo of a ticket."""

    id: UUID
    at: datetime
    author_id: UUID | None
    author_name: str | None
    author_kind: str | None = Field(description="contractor or resident, where none of yours.")
    media_type: str
    size: int = Field(description="Bytes of the original.")
    width: int
    height: int
    sha256: str = Field(description="Of the original, in hex; the event log holds it, too.")
