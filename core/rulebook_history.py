"""Who changed what in a rule, when, and why: the event log with the reasons beside it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core.events import Event
from core.people import Caller, Person
from core.rulebook_reading import describe_rule, drafts_of

MOST = 300
# A draft is saved many times while it is written; of these the last before another step is told.
_SAVE = "rule_draft.save"


def history_of(session: Session, caller: Caller, rule_id: str) -> list[dict[str, Any]]:
    """Every fact about a rule and its drafts, newest first. NotFound when there is no such rule.

    Keys: seq, kind, at, actor_kind, actor_id, version, before_version, draft_id, self_approved,
    reason (of whoever did it, as written).
    """
    rule = describe_rule(session, caller, rule_id)
    drafts = drafts_of(session, caller, rule_id)
    versions = {row["version"]: row for row in rule["versions"]}
    by_draft = {str(row["id"]): row for row in drafts}
    of_rule = or_(
        and_(Event.subject_kind == "rule", Event.subject_id == rule_id),
        and_(Event.subject_kind == "rule_draft", Event.subject_id.in_(list(by_draft))),
    )
    statement = select(Event).where(of_rule).order_by(Event.seq.desc()).limit(MOST)
    # Apart, so that nobody pushes what was decided out of sight by saving a draft over and over.
    found = [*session.scalars(statement.where(Event.kind != _SAVE))]
    found += session.scalars(statement.where(Event.kind == _SAVE))
    found.sort(key=lambda event: -event.seq)
    told = [_told(event, versions, by_draft) for event in found]
    return _without_repeats([one for one in told if _is_known(one, versions)])


def _is_known(one: Mapping[str, Any], versions: Mapping[int, Any]) -> bool:
    """A version on a place that the caller does not see is not told of."""
    version = one["version"] or one["before_version"]
    return version is None or version in versions


def _told(
    event: Event, versions: Mapping[int, Mapping[str, Any]], drafts: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    after, before = event.after or {}, event.before or {}
    is_draft = event.subject_kind == "rule_draft"
    version = after.get("version")
    return {
        "seq": event.seq,
        "kind": event.kind,
        "at": event.learned_at,
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "version": version,
        "before_version": before.get("version"),
        "draft_id": event.subject_id if is_draft else after.get("draft"),
        "self_approved": bool(after.get("self_approved")),
        "reason": _reason(event, versions, drafts),
    }


def _reason(
    event: Event, versions: Mapping[int, Mapping[str, Any]], drafts: Mapping[str, Mapping[str, Any]]
) -> str:
    after, before = event.after or {}, event.before or {}
    if event.kind == "rule.publish":
        return str(versions.get(after.get("version", 0), {}).get("reason", ""))
    if event.kind == "rule.retire":
        return str(versions.get(before.get("version", 0), {}).get("end_reason", ""))
    draft = drafts.get(event.subject_id, {})
    if event.kind == "rule_draft.submit":
        return str(draft.get("reason", ""))
    if event.kind in ("rule_draft.send_back", "rule_draft.reject", "rule_draft.approve"):
        return str(draft.get("review_note", ""))
    return ""


def _without_repeats(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for one in entries:
        again = kept and one["kind"] == _SAVE == kept[-1]["kind"]
        if again and one["draft_id"] == kept[-1]["draft_id"]:
            continue
        kept.append(one)
    return kept


def names_of(session: Session, actor_ids: Iterable[str | None]) -> dict[str, str]:
    """The names of those people among these actors who still have one, by the id as text."""
    ids = set()
    for each in actor_ids:
        try:
            ids.add(UUID(each or ""))
        except ValueError:
            continue
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
    return {str(person_id): name for person_id, name in rows}
