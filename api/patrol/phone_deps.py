"""Requests of phones: each carries a proof, which a route looks at in its own transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request

from api.context import Parts
from api.deps import Permission, parts_of
from core.db import Session
from core.tries import network_of
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.proving import Proof, phone_asking_once, phone_of, require_proof
from workflows.patrol.phones.refusals import PhoneUnproved

HEADER = "Phone-Proof"


@dataclass(frozen=True, slots=True)
class AskedByPhone:
    """A request that carries a proof, which nobody has looked at yet. address: of whom it comes."""

    parts: Parts
    proof: str
    method: str
    path: str
    address: str

    @property
    def now(self) -> datetime:
        """Now, by the product's clock."""
        return self.parts.clock.now()

    @property
    def offline(self) -> timedelta:
        """How long a phone may let somebody in without signal."""
        return timedelta(hours=self.parts.settings.phone_offline_hours)

    def phone(
        self, session: Session, *, for_update: bool = False, though_lost: bool = False
    ) -> Phone:
        """The phone that proves the request. Raises PhoneUnproved and PhoneRefused.

        though_lost: also one that was reported as lost.
        """
        return phone_of(
            session,
            self.proof,
            method=self.method,
            path=self.path,
            now=self.now,
            for_update=for_update,
            though_lost=though_lost,
        )

    def phone_once(self, session: Session) -> tuple[Phone, Proof]:
        """The phone, locked, by a proof that counts once, and what that says. Raises as above."""
        return phone_asking_once(
            session, self.proof, method=self.method, path=self.path, now=self.now
        )

    def require(self, phone_id: str, key: dict[str, str]) -> None:
        """PhoneUnproved unless the request is proved by a key that nobody knows yet."""
        require_proof(phone_id, key, self.proof, method=self.method, path=self.path, now=self.now)


class OfPhone(Permission):
    """What a route needs that phones ask: a proof, and neither a session nor a token."""

    schemes = ("phone",)
    otherwise = "a known phone"

    def __init__(self) -> None:
        super().__init__(None)

    @property
    def text(self) -> str:
        """What the reference says of it."""
        return f"Needs a known phone, which proves it by `{HEADER}` (docs/guard-journal.md)."

    async def __call__(self, request: Request) -> AskedByPhone:  # type: ignore[override]
        """The request with its proof. Raises PhoneUnproved where there is none."""
        proof = request.headers.get(HEADER, "")
        if not proof:
            raise PhoneUnproved("this request is not proved to come from a phone")
        address = network_of(request.client.host if request.client else "")
        return AskedByPhone(parts_of(request), proof, request.method, request.url.path, address)


ByPhone = Annotated[AskedByPhone, Depends(OfPhone())]
