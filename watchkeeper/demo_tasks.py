"""The demo's guard who is sent: a patrol that can be spared, and a forced door that it went to."""

from datetime import datetime, timedelta
from uuid import UUID

from core import events
from core.badges import NewBadge, issue_badge
from core.db import Database, Session
from core.devices import Device, device_by_code
from core.ids import new_id
from core.paging import Wish
from core.people import Caller, Grant, Person, administrator_of, caller_for
from core.places import Asset, Node, asset_by_code, sites
from core.vault import Vault
from workflows.patrol import SCAN, CardAtReader, posts, present, tasks
from workflows.tickets import Draft, Step, Ticket, act, open_ticket

PATROL = "钱志强"
CARD = "DEMO-0002"
NAME = {"en": "Roving patrol", "zh": "巡逻岗"}
# Where somebody forced a door a while ago, and whose reader proves that the patrol came.
DOOR, READER = "b1-door-entrance", "patrol-reader-1"
POST = "patrol"
_AGO = timedelta(minutes=40)
_SECOND = timedelta(seconds=1)
_BY = events.SYSTEM


def demo_tasks(database: Database, vault: Vault, now: datetime) -> None:
    """Set up somebody who can be spared, with a task of theirs that is over, unless there is one.

    Needs the checkpoints of `demo_patrol` and the post of `demo_posts`.
    """
    with database.write() as session:
        site = next(iter(sites(session)), None)
        by = administrator_of(session)
        if site is None or by is None:
            return
        boss, door = caller_for(session, by), asset_by_code(session, site.id, DOOR)
        reader = device_by_code(session, site.id, READER)
        if door is None or reader is None or _is_there(session, site.id, boss):
            return
        person_id = _patrol(session, site, boss, vault, now)
        at = now - _AGO
        ticket = _forced_door(session, door, at)
        # Whoever stands nearer by the demo's own life may not be asked before the patrol.
        tasks.send(session, boss, ticket.id, person_id, now=at + 2 * _SECOND)
        _come(session, reader, vault, at + 96 * _SECOND)
        _be_done(session, ticket, person_id, at + 300 * _SECOND)


def _is_there(session: Session, site_id: UUID, boss: Caller) -> bool:
    known = posts.list_posts(session, boss, Wish(100), site_id=site_id).items
    return any(post["code"] == POST for post in known)


def _patrol(session: Session, site: Node, boss: Caller, vault: Vault, now: datetime) -> UUID:
    """A guard with a card, at a post that has no minimum crew."""
    person = Person(id=new_id(), name=PATROL, locale="zh")
    session.add(person)
    session.flush()
    session.add(Grant(id=new_id(), person_id=person.id, node_id=site.id, role="guard"))
    session.flush()
    # It counts from before the door was forced.
    card = NewBadge(person.id, "card", CARD, starts_at=now - 2 * _AGO)
    issue_badge(session, site.id, card, needs=SCAN, vault=vault, actor=_BY, now=now - 2 * _AGO)
    draft = posts.PostDraft(POST, NAME, "security", minimum_crew=0)
    post = posts.create_post(session, site.id, draft, actor=_BY, now=now - 2 * _AGO)
    reason = "Demo 演示"
    posts.clock_in(session, boss, post, person.id, reason=reason, now=now, at=now - 2 * _AGO)
    return person.id


def _forced_door(session: Session, door: Asset, at: datetime) -> Ticket:
    """The ticket of a door that was forced."""
    draft = Draft(
        site_id=door.site_id,
        kind="incident",
        category="security",
        priority="high",
        title={"en": "Door forced open", "zh": "门被强行打开"},
        team="security",
        asset_id=door.id,
        space_id=door.space_id,
        happened_at=at,
        learned_at=at,
        rule_id="door-forced",
        rule_version=1,
    )
    return open_ticket(session, draft, actor=_BY)


def _come(session: Session, reader: Device, vault: Vault, at: datetime) -> None:
    """The patrol holds its card to the reader in the lobby."""
    shown = CardAtReader(
        id=new_id(),
        occurred_at=at,
        channel="mqtt",
        site_id=reader.site_id,
        device_id=reader.id,
        person_id=None,
        card=CARD,
    )
    present(session, shown, vault=vault, now=at)


def _be_done(session: Session, ticket: Ticket, person_id: UUID, at: datetime) -> None:
    """The patrol found nobody and told maintenance."""
    note = "门锁被撬，现场无人，已通知维修。Lock prised open, nobody there; maintenance was told."
    patrol = caller_for(session, session.get_one(Person, person_id))
    tasks.finish(session, patrol, ticket.id, now=at)
    session.refresh(ticket)
    act(session, ticket, Step("resolve", note, verdict="real"), person=person_id, now=at)
