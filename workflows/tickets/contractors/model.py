"""The table of contractors' links, and their status table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

LIVE = ("waiting", "offered", "accepted", "arrived")

CONTRACTOR_LINK = Lifecycle(
    "contractor_link",
    {
        "offer": {"waiting": "offered"},
        "accept": {"offered": "accepted"},
        "decline": {"offered": "declined", "accepted": "declined"},
        "arrive": {"accepted": "arrived"},
        "finish": {"arrived": "done"},
        "pass_on": {"offered": "passed_on"},
        "revoke": dict.fromkeys(LIVE, "revoked"),
        "expire": dict.fromkeys(LIVE, "expired"),
    },
)


class ContractorLink(Base):
    """A job offered to somebody outside by a link. Its secret is kept as a hash only.

    Names and phone stand in this row only, so that they can be erased. chain_id, rank: the list of
    contacts that it belongs to, and when its turn comes; answer_within: seconds that it may stay
    unaccepted, answer_by: when they end. arrived_by: sticker, code or tap. company_id: the hired
    company, whose people have the job in their accounts, too.
    """

    __tablename__ = "contractor_link"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    chain_id: Mapped[UUID] = mapped_column(index=True)
    rank: Mapped[int] = mapped_column(Integer)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer, default=1)
    company: Mapped[str] = mapped_column(String(120))
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("company.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(40))
    task: Mapped[str] = mapped_column(Text)
    access: Mapped[str] = mapped_column(Text, default="")
    urgent: Mapped[bool] = mapped_column(Boolean)
    answer_within: Mapped[int | None] = mapped_column(Integer)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
    offered_at: Mapped[datetime | None] = mapped_column(Instant)
    answer_by: Mapped[datetime | None] = mapped_column(Instant, index=True)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    arrived_at: Mapped[datetime | None] = mapped_column(Instant)
    arrived_by: Mapped[str | None] = mapped_column(String(10))
    done_at: Mapped[datetime | None] = mapped_column(Instant)
