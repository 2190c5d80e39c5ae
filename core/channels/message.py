"""What every channel is given and what it answers."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one person. link: where one tap accepts it; short: what fits a template.

    reference: our own id of the notice, which a receipt brings back. plain: what happened and the
    number, which may show on a locked screen; page: the path of the ticket; takes: whether a button
    takes the ticket, rather than only says that one has read it; attempt: our id of this one
    message, which the press of its button brings back.
    """

    title: str
    body: str
    link: str
    short: str
    accept: str
    reference: str
    plain: str = ""
    page: str = ""
    takes: bool = False
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. reference: the receiver's own id of it, for their receipts.

    gone: the address takes nothing any more and is to be forgotten; reference is its device.
    """

    sent: bool
    text: str
    reference: str = ""
    gone: bool = False


class Channel(Protocol):
    """One way to a person."""

    @property
    def name(self) -> str:
        """What it is called: sms, voice, wecom, dingtalk, email, push."""
        ...

    @property
    def address_kind(self) -> str:
        """The kind of address that it needs."""
        ...

    def send(self, address: str, message: Message) -> Outcome:
        """Try once; failures of the network or the receiver are an outcome, never an exception."""
        ...
