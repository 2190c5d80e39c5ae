"""A checkpoint of the small site with a tag, a guard with a badge, and a scan of theirs."""

from datetime import datetime
from uuid import UUID

from core import events
from core.db import Database
from core.ids import new_id
from core.people import Grant, Person
from core.settings import load
from core.vault import Vault
from tests.fixtures import SmallSite
from workflows import patrol

# Whoever seals by it needs it to read again; nothing that stands here is sealed.
VAULT = Vault(load(secret_key="a key of the tests of patrols only"))


def put_patrol(database: Database, site: SmallSite, now: datetime) -> dict[str, UUID]:
    """Something of everything about patrols, by the names of path parameters."""
    guard = Person(id=new_id(), name="Guard Xu", locale="zh")
    with database.write() as session:
        session.add(guard)
        session.flush()
        session.add(Grant(id=new_id(), person_id=guard.id, node_id=site.id, role="guard"))
        new = patrol.NewCheckpoint("roof-door", {"en": "Roof door", "zh": "天台门"})
        row = patrol.create_checkpoint(session, site.id, new, actor=events.SYSTEM, now=now)
        put = patrol.put_token(
            session,
            row,
            patrol.NewToken("static_tag", "04C0FFEE"),
            vault=VAULT,
            actor=events.SYSTEM,
            now=now,
        )
        badge = patrol.issue_badge(
            session,
            site.id,
            patrol.NewBadge(guard.id, "card", "1234"),
            needs=patrol.SCAN,
            vault=VAULT,
            actor=events.SYSTEM,
            now=now,
        )
        shown = patrol.StaticTag(
            id=new_id(),
            occurred_at=now,
            channel="online",
            site_id=site.id,
            person_id=guard.id,
            uid="04C0FFEE",
        )
        scan = patrol.present(session, shown, vault=VAULT, now=now)
        assert scan.verdict == patrol.ACCEPTED
    return {
        "checkpoint_id": row.id,
        "checkpoint_token_id": put.token.id,
        "badge_id": badge.id,
        "scan_id": scan.id,
    }
