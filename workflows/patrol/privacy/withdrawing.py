"""Withdrawing consent: what was learned by it goes at once, cases left out (PIPL 15, 47)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from workflows.patrol.journal.model import JournalEntry
from workflows.patrol.model import Scan
from workflows.patrol.privacy.consenting import end_consent
from workflows.patrol.privacy.forgetting import PROOF, counted_scans
from workflows.patrol.privacy.gate import NEEDS
from workflows.patrol.privacy.holding import Holds, holds_standing


def withdraw(session: Session, person_id: UUID, code: str, *, by: str, now: datetime) -> bool:
    """A person agrees to a purpose no more; whether they did. Again it changes nothing.

    A case that stands goes on holding what it needs; one that has ended does not, against this.
    """
    row = end_consent(session, person_id, code, by=by, now=now)
    if row is None:
        return False
    (kind,) = (kind for kind, purpose in NEEDS.items() if purpose == code)
    statement = select(Scan).where(
        Scan.person_id == person_id, Scan.kind == kind, Scan.coarse_at.is_(None)
    )
    cases = Holds(holds_standing(session, now=now, kept=timedelta(0), person_id=person_id))
    free = [
        scan for scan in session.scalars(statement) if not cases.cover(person_id, scan.occurred_at)
    ]
    counted = counted_scans(session, [scan.id for scan in free])
    for scan in free:
        scan.evidence = {name: said for name, said in scan.evidence.items() if name in PROOF}
        scan.coarse_at = now
    session.flush()
    # What counts for no round, post or alarm has no other ground to stay on; of what does the
    # entries of journals held the position itself.
    gone = [scan.id for scan in free if scan.id not in counted]
    texts = update(JournalEntry).where(JournalEntry.id.in_([scan.id for scan in free]))
    session.execute(texts.values(sealed=b"", coarse_at=now))
    session.execute(delete(Scan).where(Scan.id.in_(gone)))
    return True
