"""What the API is measured against: FastAPI, the ORM and pydantic, as its tutorials have them.

One endpoint with the same rows and fields as `GET /api/v1/tickets?limit=50`, without sign-in.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pydantic import ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.tickets.shapes import TicketItem
from core.db import Database
from core.places import Asset
from workflows.tickets import Ticket

URL = "WK_BENCH_DATABASE_URL"


class Item(TicketItem):
    """The fields of a ticket in a list, read from the ORM's objects."""

    model_config = ConfigDict(from_attributes=True)


def application() -> FastAPI:
    """The application; uvicorn's factory. The database is named by the environment."""
    database = Database(os.environ[URL])
    app = FastAPI()

    def session() -> Iterator[Session]:
        with database.read() as opened:
            yield opened

    @app.get("/tickets")
    def tickets(session: Annotated[Session, Depends(session)], limit: int = 50) -> list[Item]:
        statement = (
            select(Ticket, Asset)
            .outerjoin(Asset, Asset.id == Ticket.asset_id)
            .order_by(Ticket.learned_at.desc(), Ticket.id.desc())
            .limit(limit)
        )
        rows: Sequence[Any] = session.execute(statement).all()
        for ticket, asset in rows:
            # The two fields of the neighbour table, as plain attributes of the object.
            ticket.asset_code = asset.code if asset else None
            ticket.asset_name = asset.name if asset else None
        return [Item.model_validate(ticket) for ticket, _ in rows]

    return app
