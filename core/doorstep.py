"""Before anybody has an account: the code on the machine's own screen lets its owner in.

It is good for two things: to set up an installation on which there is no company yet, and to set a
clock that can't be right, with which signing in would mean nothing.
"""

import re
import secrets
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import yaml
from sqlalchemy.orm import Session

from core import events
from core.accounts import NewPassword, set_password
from core.clock_trust import ClockTrust, Doubt
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, TooManyTries
from core.ids import new_id
from core.invitations import add_grant
from core.kept_file import keep, kept
from core.local_time import zone
from core.people import Person, company_node, name_of
from core.site_file import import_site, load_catalog, read_site_file
from rules.wording import worded

# One try a second: in a day one of a thousand who try finds one of 10^8 codes.
_PAUSE_S = 1.0
_WRONG_TRIES = 5
_CODE_FILE = "doorstep.code"
_NAME_LENGTH = 80
_SITE_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
# Earlier and later ones are no times that anybody sets a clock to.
_EARLIEST, _LATEST = 1_735_689_600, 4_102_444_800


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new installation is: names, the site's code in topics, its zone, and who leads it."""

    company: str
    site: str
    code: str
    time_zone: str
    person: str
    locale: str
    account: NewPassword


@dataclass(frozen=True, slots=True)
class State:
    """What is left to settle: a doubt about the clock, a company; and the code for it, if any."""

    doubt: Doubt | None
    is_new: bool
    code: str


class Doorstep:
    """What has to be settled before the product can be used, and the code that lets one do it.

    request: where the service manager finds what the clock shall be set to; None where nobody
    looks.
    """

    def __init__(
        self,
        database: Database,
        trust: ClockTrust,
        folder: Path,
        request: Path | None = None,
    ) -> None:
        self._database = database
        self._trust = trust
        self._file = folder / _CODE_FILE
        self._request = request
        self._lock = threading.Lock()
        self._last_try = -_PAUSE_S
        self._wrong = 0
        self.look()

    @property
    def can_set_clock(self) -> bool:
        """Whether somebody sets the machine's clock for us."""
        return self._request is not None

    def look(self) -> None:
        """See what has to be settled now; the code lives as long as something has."""
        doubt = self._trust.doubt()
        with self._database.read() as session:
            is_new = company_node(session) is None
        with self._lock:
            if doubt is None and not is_new:
                self._file.unlink(missing_ok=True)
            elif not kept(self._file):
                self._draw()
            self.state = State(doubt, is_new, kept(self._file))

    def _draw(self) -> None:
        keep(self._file, f"{secrets.randbelow(10**4):04}-{secrets.randbelow(10**4):04}")
        self._wrong = 0

    def require_code(self, text: str) -> None:
        """NotAllowed for a wrong code, TooManyTries for more than one a second.

        After five wrong ones another code is drawn.
        """
        with self._lock:
            # By the one clock that can't be wrong.
            now = time.monotonic()
            if now - self._last_try < _PAUSE_S:
                raise TooManyTries(
                    worded("one code a second"), until=self._trust.now() + timedelta(seconds=1)
                )
            self._last_try = now
            given = re.sub(r"[^0-9]", "", text)
            wanted = kept(self._file).replace("-", "")
            if wanted and secrets.compare_digest(given, wanted):
                self._wrong = 0
                return
            self._wrong += 1
            if wanted and self._wrong >= _WRONG_TRIES:
                self._draw()
                self.state = replace(self.state, code=kept(self._file))
        raise NotAllowed(
            worded("this is not the code"), advice=worded("It is on the screen of the machine.")
        )

    def set_clock(self, seconds: int) -> None:
        """Ask for the machine's clock to be set to a Unix time. Invalid, or Conflict."""
        if not _EARLIEST <= seconds < _LATEST:
            raise Invalid(
                worded("that is no time"), problems=[worded("moment: a time from 2025 to 2099")]
            )
        if self._request is None:
            raise Conflict(
                worded("nobody here sets the clock"), advice=worded("Set it by hand, as root.")
            )
        draft = self._request.with_suffix(".new")
        draft.write_text(f"{seconds}\n")
        draft.replace(self._request)

    def accept_clock(self) -> None:
        """The clock is right although something newer is on record."""
        self._trust.accept()
        self.look()


def begin(session: Session, beginning: Beginning, now: datetime) -> Person:
    """Make company, site and administrator of a new installation; returns the administrator.

    Invalid with every problem, or Conflict when there is a company already.
    """
    if company_node(session) is not None:
        raise Conflict(worded("it is set up already"), advice=worded("Sign in."))
    problems = [
        worded("%(name)s: 1 to %(name_length)s characters", name=name, name_length=_NAME_LENGTH)
        for name in ("company", "site")
        if not 1 <= len(getattr(beginning, name).strip()) <= _NAME_LENGTH
    ]
    if not _SITE_CODE.fullmatch(beginning.code):
        problems.append(worded("code: small letters, digits and hyphens, at most 40"))
    if problems:
        raise Invalid(worded("this does not suffice"), problems=problems)
    zone(beginning.time_zone)
    text = yaml.safe_dump(_site(beginning), allow_unicode=True)
    site_file = read_site_file(text, "first start", catalog=load_catalog(session))
    import_site(session, site_file, actor=events.SYSTEM, now=now)
    company = company_node(session)
    assert company is not None
    person = Person(id=new_id(), name=name_of(beginning.person), locale=beginning.locale)
    session.add(person)
    session.flush()
    set_password(session, person.id, beginning.account, now=now)
    actor = events.Actor.person(person.id)
    add_grant(session, person.id, company.id, "administrator", actor=actor, now=now)
    return person


def _site(beginning: Beginning) -> dict[str, object]:
    def named(code: str, name: str) -> dict[str, object]:
        # One language will do until somebody adds the other.
        return {"code": code, "name": {beginning.locale: name.strip()}}

    topic = f"wk/v1/{beginning.code}/#"
    return {
        "company": named("company", beginning.company),
        "site": named(beginning.code, beginning.site) | {"time_zone": beginning.time_zone},
        "sources": [{"code": "own", "topic": topic, "dialect": "wk"}],
    }
