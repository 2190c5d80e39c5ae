"""What an entry of a journal does: each goes through the function that everybody else uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.earlier_rights import caller_at
from core.errors import Conflict, Invalid, NotAllowed, NotFound, WatchkeeperError
from core.people import Caller, Person
from core.pictures import LARGEST_PICTURE
from core.vault import Vault
from core.voice import LARGEST_VOICE
from workflows.patrol import posts
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.journal.chain import Entry
from workflows.patrol.journal.model import PHOTO, VOICE, GuardFile
from workflows.patrol.journal.orphans import DOCUMENT
from workflows.patrol.journal.orphans import KIND as ORPHANED
from workflows.patrol.journal.shown import (
    Unreadable,
    consent_of,
    line_of,
    presented_of,
    report_of,
    uuid_of,
)
from workflows.patrol.model import ACCEPTED, AHEAD
from workflows.patrol.phones.model import Phone, PhoneUser
from workflows.patrol.presenting import is_kept, present
from workflows.patrol.privacy.consenting import agree
from workflows.patrol.privacy.withdrawing import withdraw
from workflows.patrol.reports.recording import MOST_FILES, record_more, record_report
from workflows.patrol.rounds.acting import begin_round
from workflows.patrol.rounds.model import RoundPoint
from workflows.patrol.tasks.answering import finish
from workflows.patrol.tasks.arriving import arrive
from workflows.tickets.model import Ticket

# Received within so much of its time, before or after, a scan was handed in as it was made.
ONLINE_WITHIN = timedelta(minutes=1)
LARGEST = {PHOTO: LARGEST_PICTURE, VOICE: LARGEST_VOICE}
# Of a document with what was recorded under an earlier key.
LARGEST_DOCUMENT = 4 * 1024 * 1024
KEPT, REFUSED, NOT_UNDERSTOOD = "kept", "refused", "not_understood"
# What a phone writes down by itself, in whatever pocket it is.
BY_ITSELF = frozenset({"battery", "gap", ORPHANED})


@dataclass(slots=True)
class Outcome:
    """What became of an entry. reason: why it was refused. ids: of what came of it.

    textless: its text holds what must not be taken, so of it the hash alone is kept.
    """

    verdict: str = ACCEPTED
    reason: str | None = None
    marks: list[str] = field(default_factory=list)
    ids: dict[str, Any] = field(default_factory=dict)
    textless: bool = False


@dataclass(slots=True)
class Applying:
    """The phone whose entries are applied, in which transaction and when."""

    session: Session
    phone: Phone
    vault: Vault
    now: datetime
    callers: dict[UUID, Caller | None] = field(default_factory=dict)

    def caller(self, entry: Entry) -> Caller | None:
        """Who made an entry, with the rights that they had; None who might not scan on the site.

        Who has left or lost the right since is judged by what they might do at its time, within
        what their last sign-in with signal was good for. Of a time that nobody knows it is not
        known that it was before.
        """
        assert entry.person is not None
        able = self.able(entry.person)
        if able is not None:
            return able
        user, person = self.user(entry.person), self.session.get(Person, entry.person)
        if person is None or user is None or not entry.sure:
            return None
        if entry.occurred_at > min(user.offline_until, self.now):
            return None
        return self._who_may(caller_at(self.session, person, entry.occurred_at))

    def able(self, person_id: UUID) -> Caller | None:
        """Somebody with the rights that they have now; None who may not scan on the site."""
        if person_id not in self.callers:
            person = self.session.get(Person, person_id)
            now = None if person is None else caller_at(self.session, person, self.now)
            self.callers[person_id] = self._who_may(now)
        return self.callers[person_id]

    def _who_may(self, caller: Caller | None) -> Caller | None:
        may = caller is not None and self.phone.site_id in caller.sites_for(SCAN)
        return caller if may else None

    def user(self, person_id: UUID) -> PhoneUser | None:
        """Somebody who signed in on the phone with signal once."""
        return self.session.get(PhoneUser, (self.phone.id, person_id))


_Does = Callable[[Applying, Entry], Outcome]


def apply(applying: Applying, entry: Entry) -> Outcome:
    """Do what an entry says, whole or not at all; an entry that can't be done is refused.

    It never raises what the tree of errors holds: one entry must not stop those behind it.
    """
    does = _DOES.get(entry.kind)
    if does is None:
        return Outcome(NOT_UNDERSTOOD)
    try:
        with applying.session.begin_nested():
            return does(applying, entry)
    except Unreadable:
        return Outcome(REFUSED, "malformed")
    except (NotFound, Conflict, Invalid, NotAllowed) as error:
        return Outcome(REFUSED, _reason(entry.kind, error))


def is_made_by_hand(entry: Entry) -> bool:
    """Whether a person did something for it: what an app notes by itself is no sign of life."""
    if entry.kind not in _DOES or entry.kind in BY_ITSELF:
        return False
    return not (entry.kind == "sign_out" and entry.data.get("why") == "expired")


def _reason(kind: str, error: WatchkeeperError) -> str:
    match error:
        case NotFound():
            return _MISSING.get(kind, "malformed")
        case Conflict():
            return _CONFLICTS.get(kind, "taken")
        case NotAllowed():
            return "not_allowed"
        case _:
            return "malformed"


# Of each kind, why what it is about is not there, and what it can conflict with.
_MISSING = {
    "round_start": "no_round",
    "report_more": "no_report",
    "orders_read": "no_orders",
    "task": "no_task",
    "log_entry": "no_post",
}
_CONFLICTS = {
    "round_start": "cannot_begin",
    "orders_read": "other_text",
    "post_leave": "not_there",
    "task": "task_passed_on",
    "consent": "text_changed",
    "log_entry": "no_post",
}


def _sign_in(applying: Applying, entry: Entry) -> Outcome:
    person_id, phone = entry.person, applying.phone
    if person_id is None:
        raise Unreadable
    # Whatever comes of it, whoever was signed in before is no more.
    _leave(applying, entry)
    user = applying.user(person_id)
    if user is None:
        return Outcome(REFUSED, "unknown_here")
    if phone.kind == "personal" and phone.person_id != person_id:
        return Outcome(REFUSED, "not_yours")
    if applying.caller(entry) is None:
        return Outcome(REFUSED, "not_allowed")
    offline = entry.data.get("by") == "offline"
    # Whatever it says of itself: signal would have let them in for longer.
    late = entry.occurred_at > user.offline_until
    # Never in the future: who went with the phone long ago must not be waited for without end. Of
    # a clock that begins in 1970 they would never be waited for, nor heard of.
    known = min(entry.occurred_at, applying.now) if entry.sure else applying.now
    user.signed_in_at, user.signed_out_at = known, None
    phone.signed_in_id = person_id
    marks = ["late_sign_in"] if late else ["offline"] if offline else []
    marks += [] if applying.able(person_id) else ["left_since"]
    # Whoever holds the card could have shown it; what follows says so.
    marks += ["badge_alone"] if entry.data.get("with") == "badge" else []
    _tell(applying, entry, "phone.user", {"person": str(person_id), "marks": marks})
    return Outcome(marks=marks)


def _sign_out(applying: Applying, entry: Entry) -> Outcome:
    if entry.person is None or entry.person != applying.phone.signed_in_id:
        return Outcome(KEPT)
    _leave(applying, entry)
    return Outcome()


def _leave(applying: Applying, entry: Entry) -> None:
    who = applying.phone.signed_in_id
    user = None if who is None else applying.user(who)
    if user is not None and user.signed_out_at is None:
        user.signed_out_at = entry.occurred_at
    applying.phone.signed_in_id = None


def _tell(applying: Applying, entry: Entry, kind: str, after: Mapping[str, Any]) -> None:
    assert entry.person is not None
    events.append(
        applying.session,
        kind,
        ("phone", applying.phone.id),
        actor=events.Actor.person(entry.person),
        learned_at=applying.now,
        happened_at=entry.occurred_at,
        site_id=applying.phone.site_id,
        after=after,
    )


def _by_whoever_is_signed_in(does: _Does) -> _Does:
    def checked(applying: Applying, entry: Entry) -> Outcome:
        if entry.person is None or entry.person != applying.phone.signed_in_id:
            return Outcome(REFUSED, "not_signed_in")
        if applying.caller(entry) is None:
            return Outcome(REFUSED, "not_allowed")
        outcome = does(applying, entry)
        if applying.able(entry.person) is None:
            outcome.marks.append("left_since")
        return outcome

    return checked


def _round_start(applying: Applying, entry: Entry) -> Outcome:
    if entry.occurred_at > applying.now + AHEAD:
        return Outcome(REFUSED, "ahead")
    row = begin_round(
        applying.session,
        _acting(applying, entry),
        uuid_of(entry.data, "round"),
        now=applying.now,
        at=entry.occurred_at,
    )
    return Outcome(ids={"round_id": str(row.id)})


def _scan(applying: Applying, entry: Entry) -> Outcome:
    # A clock that is ahead makes what waited for hours seem to come early, and as it was made.
    at_once = entry.sure and abs(applying.now - entry.occurred_at) <= ONLINE_WITHIN
    presented = presented_of(entry, applying.phone.site_id, "online" if at_once else "sync")
    beside: dict[str, Any] = {
        "phone": str(applying.phone.id),
        "shared": applying.phone.kind == "post",
        "seq": entry.seq,
        "boot": entry.boot,
        "mono_ms": entry.mono_ms,
    }
    if entry.ahead_ms is not None:
        beside["clock_offset_ms"] = entry.ahead_ms
    if not entry.sure:
        beside["clock_unsure"] = True
    scan = present(
        applying.session, presented, vault=applying.vault, now=applying.now, beside=beside
    )
    if not is_kept(scan):
        return Outcome(REFUSED, scan.verdict, textless=True)
    ids: dict[str, Any] = {"scan_id": str(scan.id), "post": scan.evidence.get("post")}
    if scan.checkpoint_id is not None:
        ids["checkpoint_id"] = str(scan.checkpoint_id)
    if scan.verdict != ACCEPTED:
        return Outcome(REFUSED, scan.verdict, ids=ids)
    counted = select(RoundPoint.round_id, RoundPoint.position).where(RoundPoint.scan_id == scan.id)
    for round_id, position in applying.session.execute(counted):
        ids |= {"round_id": str(round_id), "position": position}
    return Outcome(ids=ids)


def _file(applying: Applying, entry: Entry) -> Outcome:
    return _wait_for(applying, entry, LARGEST)


def _orphaned(applying: Applying, entry: Entry) -> Outcome:
    """Whoever is signed in or not: it is of whoever held the phone under its earlier key."""
    outcome = _wait_for(applying, entry, {**LARGEST, DOCUMENT: LARGEST_DOCUMENT})
    outcome.ids["of_phone"] = str(uuid_of(entry.data, "phone"))
    outcome.marks.append("orphaned")
    return outcome


def _wait_for(applying: Applying, entry: Entry, largest: Mapping[str, int]) -> Outcome:
    """Wait for the bytes of a file that an entry tells of."""
    what, size = entry.data.get("what"), entry.data.get("bytes")
    digest = entry.data.get("sha256")
    if not isinstance(what, str) or what not in largest:
        raise Unreadable
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise Unreadable
    if not (isinstance(digest, str) and len(digest) == 64 and set(digest) <= _HEX):
        raise Unreadable
    if size > largest[what]:
        return Outcome(REFUSED, "too_large")
    file_id = uuid_of(entry.data, "file")
    if applying.session.get(GuardFile, file_id) is not None:
        return Outcome(REFUSED, "taken")
    applying.session.add(
        GuardFile(
            id=file_id,
            site_id=applying.phone.site_id,
            phone_id=applying.phone.id,
            seq=entry.seq,
            person_id=None if entry.kind == ORPHANED else entry.person,
            what=what,
            sha256=digest,
            size=size,
            received=0,
            state="waiting",
            version=1,
            taken_at=entry.occurred_at,
            told_at=applying.now,
            annexed=False,
        )
    )
    applying.session.flush()
    return Outcome(KEPT, ids={"file_id": str(file_id)})


def _report(applying: Applying, entry: Entry) -> Outcome:
    told = report_of(entry, applying.phone)
    row, marks = record_report(applying.session, told, now=applying.now)
    ids: dict[str, Any] = {"report_id": str(row.id)}
    if row.ticket_id is not None:
        ticket = applying.session.get_one(Ticket, row.ticket_id)
        ids |= {"ticket_id": str(ticket.id), "ticket_number": ticket.number}
    return Outcome(marks=marks, ids=ids)


def _report_more(applying: Applying, entry: Entry) -> Outcome:
    told = report_of(entry, applying.phone)
    report_id = uuid_of(entry.data, "report")
    addition, marks = record_more(applying.session, told, report_id, now=applying.now)
    if addition.annexed:
        marks.append("annexed")
    return Outcome(marks=marks, ids={"report_id": str(report_id)})


def _orders_read(applying: Applying, entry: Entry) -> Outcome:
    orders_id, digest = uuid_of(entry.data, "orders"), line_of(entry.data, "digest", 64)
    posts.acknowledge(
        applying.session,
        _acting(applying, entry),
        orders_id,
        digest,
        now=applying.now,
        at=entry.occurred_at,
    )
    row = applying.session.get_one(posts.PostOrders, orders_id)
    return Outcome(marks=[] if row.state == "published" else ["newer_orders"])


def _post_leave(applying: Applying, entry: Entry) -> Outcome:
    if entry.occurred_at > applying.now + AHEAD:
        return Outcome(REFUSED, "ahead")
    post_id = uuid_of(entry.data, "post")
    caller, at = _acting(applying, entry), entry.occurred_at
    posts.leave_by_oneself(applying.session, caller, post_id, at=at, now=applying.now)
    return Outcome(ids={"post": "left"})


def _log_entry(applying: Applying, entry: Entry) -> Outcome:
    session, caller = applying.session, _acting(applying, entry)
    post_id, told = uuid_of(entry.data, "post"), report_of(entry, applying.phone)
    post = posts.find_post(session, caller, post_id, permission=SCAN)
    if post.site_id != applying.phone.site_id:
        return Outcome(REFUSED, "no_post")
    statement = select(GuardFile).where(
        GuardFile.id.in_(told.files[:MOST_FILES]),
        GuardFile.phone_id == applying.phone.id,
        GuardFile.person_id == entry.person,
        GuardFile.report_id.is_(None),
        GuardFile.log_id.is_(None),
    )
    files = session.scalars(statement).all()
    posts.write_entry(
        session, caller, post, told.text, now=applying.now, at=entry.occurred_at, files=files
    )
    return Outcome(marks=["no_file"] if len(files) < len(set(told.files)) else [])


def _acting(applying: Applying, entry: Entry) -> Caller:
    """Who is signed in, where that was checked before."""
    caller = applying.caller(entry)
    assert caller is not None
    return caller


def _task(applying: Applying, entry: Entry) -> Outcome:
    """Whoever was sent says that they are there, or that it is done."""
    caller = _acting(applying, entry)
    task_id, what = uuid_of(entry.data, "task"), entry.data.get("what")
    if what == "arrived":
        arrive(applying.session, caller, task_id, now=applying.now, at=entry.occurred_at)
    elif what == "finished":
        finish(applying.session, caller, task_id, now=applying.now)
    else:
        raise Unreadable
    return Outcome()


def _consent(applying: Applying, entry: Entry) -> Outcome:
    """A tap by which somebody agrees to a text that their phone showed, or agrees no more."""
    assert entry.person is not None
    shown = consent_of(entry)
    if not shown.given:
        withdraw(applying.session, entry.person, shown.purpose, by="phone", now=applying.now)
    else:
        agree(applying.session, entry.person, shown.purpose, shown.text, now=applying.now)
    return Outcome()


def _keep(_applying: Applying, _entry: Entry) -> Outcome:
    return Outcome(KEPT)


_HEX = frozenset("0123456789abcdef")
_DOES: Mapping[str, _Does] = {
    "sign_in": _sign_in,
    "sign_out": _sign_out,
    "round_start": _by_whoever_is_signed_in(_round_start),
    "scan": _by_whoever_is_signed_in(_scan),
    "file": _by_whoever_is_signed_in(_file),
    "consent": _by_whoever_is_signed_in(_consent),
    "report": _by_whoever_is_signed_in(_report),
    "report_more": _by_whoever_is_signed_in(_report_more),
    "note": _by_whoever_is_signed_in(_report),
    ORPHANED: _orphaned,
    "log_entry": _by_whoever_is_signed_in(_log_entry),
    "orders_read": _by_whoever_is_signed_in(_orders_read),
    "post_leave": _by_whoever_is_signed_in(_post_leave),
    "task": _by_whoever_is_signed_in(_task),
    "practice": _keep,
    "check_in": _by_whoever_is_signed_in(_keep),
    "battery": _keep,
    "gap": _keep,
}
