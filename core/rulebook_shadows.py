"""Rules in the shadow: tried on live readings beside those in force, heard by nobody."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Integer, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import Lifecycle, move
from core.people import Caller
from core.places import Node
from core.rulebook_checks import check_document
from core.rulebook_drafts import CHANGE, EDIT, RuleDraft, hold_draft, may_see, site_of
from rules.wording import worded

# Each is judged with every reading, beside the rules on which people depend.
MOST_RUNNING = 20

SHADOW = Lifecycle("rule_shadow", {"end": {"running": "ended"}})


class RuleShadow(Base):
    """A document that ingest judges without telling anybody, from its start until it is ended.

    It is the draft's as it was then; what is written on the draft later is not tried.
    """

    __tablename__ = "rule_shadow"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("rule_draft.id"), index=True)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"))
    rule_id: Mapped[str] = mapped_column(String(80), index=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    severity: Mapped[str] = mapped_column(String(10))
    document: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[datetime] = mapped_column(Instant)
    began_by: Mapped[str] = mapped_column(String(80))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(String(80))


def running_shadows(session: Session) -> list[RuleShadow]:
    """What is tried at this moment."""
    statement = select(RuleShadow).where(RuleShadow.state == "running").order_by(RuleShadow.id)
    return list(session.scalars(statement))


def start_shadow(
    session: Session, caller: Caller, draft: RuleDraft, *, now: datetime
) -> RuleShadow:
    """Begin to try what a draft says at this moment. Invalid, Conflict."""
    # As it is now: who discards it meanwhile would not see this trial, and leave it running.
    node = hold_draft(session, caller, draft, EDIT)
    if draft.purpose != CHANGE or draft.state not in ("draft", "in_review"):
        raise Conflict(
            worded(
                "a rule_draft that is %(state)s can't be tried in the shadow", state=draft.state
            ),
            advice=worded("Begin a draft of the rule first."),
        )
    rule = check_document(session, draft.document).rule
    if rule is None:
        raise Invalid(
            worded("the rule is not sound yet"),
            problems=check_document(session, draft.document).texts,
            advice=worded("Correct what is named here, then try it."),
        )
    if rule.on_receipt_clock:
        # Whether a path excuses its sensors is decided for all rules together.
        raise Conflict(
            worded("a rule about silence can't be tried in the shadow"),
            advice=worded(
                "What excuses a silent sensor would be changed by trying it. Back-test it."
            ),
        )
    _require_room(session, rule.id, node)
    shadow = RuleShadow(
        id=new_id(),
        draft_id=draft.id,
        node_id=node.id,
        site_id=site_of(node),
        rule_id=rule.id,
        state="running",
        version=1,
        title={"en": rule.title.en, "zh": rule.title.zh},
        severity=rule.severity.value,
        document=draft.document,
        fingerprint=rule.fingerprint,
        began_at=now,
        began_by=str(caller.person_id),
    )
    session.add(shadow)
    session.flush()
    events.append(
        session,
        "rule_shadow.start",
        ("rule_shadow", shadow.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=shadow.site_id,
        after={"rule": rule.id, "draft": str(draft.id), "node": str(node.id)},
    )
    return shadow


def _require_room(session: Session, rule_id: str, node: Node) -> None:
    running = running_shadows(session)
    if any(one.rule_id == rule_id and one.node_id == node.id for one in running):
        raise Conflict(
            worded("this rule is tried in the shadow here already"),
            advice=worded("End that one first."),
        )
    if len(running) >= MOST_RUNNING:
        raise Conflict(
            worded("%(most)s rules are tried in the shadow already", most=MOST_RUNNING),
            advice=worded("End one of them first."),
        )


def find_shadow(session: Session, caller: Caller, shadow_id: UUID) -> RuleShadow:
    """A shadow where the caller may read rules. NotFound for any other."""
    shadow = session.get(RuleShadow, shadow_id)
    if shadow is None or not may_see(session, caller, shadow.node_id):
        raise NotFound(
            worded("there is no such shadow"), advice=worded("Look for it on the page of its rule.")
        )
    return shadow


def shadows_of(session: Session, caller: Caller, rule_id: str) -> list[RuleShadow]:
    """What was tried of a rule where the caller may read it, the newest first."""
    statement = (
        select(RuleShadow)
        .where(RuleShadow.rule_id == rule_id)
        .order_by(RuleShadow.began_at.desc())
        .limit(50)
    )
    return [one for one in session.scalars(statement) if may_see(session, caller, one.node_id)]


def end_shadow(session: Session, caller: Caller, shadow: RuleShadow, *, now: datetime) -> None:
    """Try it no more; what it found stays to be compared. Conflict when it has ended."""
    caller.require_over(EDIT, session.get_one(Node, shadow.node_id))
    _end(session, shadow, events.Actor.person(caller.person_id), now)


def end_shadows_of(
    session: Session, draft: RuleDraft, *, actor: events.Actor, now: datetime
) -> None:
    """A draft that came into force, or was discarded, needs no trial any more."""
    for shadow in running_shadows(session):
        if shadow.draft_id == draft.id:
            _end(session, shadow, actor, now)


def _end(session: Session, shadow: RuleShadow, actor: events.Actor, now: datetime) -> None:
    move(
        session,
        shadow,
        SHADOW,
        "end",
        actor=actor,
        learned_at=now,
        values={"ended_at": now, "ended_by": actor.id},
        facts={"rule": shadow.rule_id},
    )
