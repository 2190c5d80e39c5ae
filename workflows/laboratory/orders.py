"""What a back-test is to try: the rule, what it binds to, and the span, read from the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import shards
from core.asset_names import Assets, assets_of_types
from core.clock import from_micros
from core.errors import Invalid
from core.people import Caller
from core.site_file import load_catalog
from rules.baseline import LEARNS_FROM_DAYS
from rules.catalog import AssetType
from rules.document import load_rules
from rules.replay import Listening, gaps_within
from rules.rule import Rule
from rules.wording import worded
from workflows.laboratory.in_force import places
from workflows.laboratory.result import DAY
from workflows.laboratory.scenes import Cast, casts
from workflows.tickets import Ticket
from workflows.tickets.scope import of_tickets

READ = "telemetry.read"
LONGEST_DAYS = 400
# Values from before the span, so that what is on change alone is known at its beginning.
_LEAD = DAY
# What is usual for a point is learned from so much before that.
_LEARNS_FROM = LEARNS_FROM_DAYS * DAY


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be tried, all of it read from the database. Times in µs.

    rule: the rule or draft; actives: the versions in force in its place, none of which judges what
    another does; empty where they say the same.
    """

    rule: Rule
    actives: tuple[Rule, ...]
    casts: list[Cast]
    catalog: dict[str, AssetType]
    listening: Listening
    judged: dict[str, int]
    start: int
    end: int
    # How long before the span the replay begins, µs.
    lead: int
    node_id: UUID | None = None
    # Of the assets that the rules ask, by site.
    asked: Mapping[UUID, Assets] = field(default_factory=dict)

    @property
    def rules(self) -> list[Rule]:
        """Every rule whose judgement plays a part."""
        seats = (s for cast in self.casts for scene in cast.scenes if scene for s in scene.rules)
        return list({id(seat.rule): seat.rule for seat in seats}.values())


def order(
    session: Session,
    caller: Caller,
    document: str,
    *,
    rule_id: str | None = None,
    node_id: UUID | None = None,
    start: int,
    end: int,
    shard: str,
    only: UUID | None = None,
) -> Order:
    """Check a rule document and find what it binds to, on the sites of the caller.

    rule_id: which rule, where the document holds several. node_id: where it would hold; by default
    wherever a version of it does, or the whole company. only: no asset but this one. Invalid for a
    document with problems and for a span that makes no sense.
    """
    _check_span(start, end)
    catalog = load_catalog(session)
    rule = _one_rule(document, rule_id, catalog)
    scoped = places(session, caller, READ, rule, node_id, catalog)
    memory = shards.recall(session, shard)
    found = casts(session, scoped, caller.sites_for(READ), only)
    lead = _lead(found, [each.rule for each in scoped], start)
    return Order(
        rule,
        tuple(each.rule for each in scoped[1:]),
        found,
        dict(catalog),
        gaps_within(memory.gaps, start - lead, end),
        _verdicts(session, caller, rule.id, start, end),
        start,
        end,
        lead,
        node_id,
        _asked(session, [each.rule for each in scoped], found),
    )


def _check_span(start: int, end: int) -> None:
    if not 0 <= start < end:
        raise Invalid(
            worded("the span ends before it begins"), advice=worded("Name an earlier beginning.")
        )
    if end - start > LONGEST_DAYS * DAY:
        raise Invalid(
            worded("the span is longer than %(most)s days", most=LONGEST_DAYS),
            advice=worded("Take a shorter one."),
        )


def _one_rule(document: str, rule_id: str | None, catalog: Mapping[str, AssetType]) -> Rule:
    loaded = load_rules(document, "rule", catalog)
    wanted = [rule for rule in loaded.rules if rule_id in (None, rule.id)]
    if loaded.problems and not (rule_id and wanted):
        problems = [each.text for each in loaded.problems]
        raise Invalid(worded("the rule has problems"), problems=problems)
    if len(wanted) == 1:
        return wanted[0]
    known = ", ".join(rule.id for rule in loaded.rules) or "none"
    if rule_id is not None:
        raise Invalid(
            worded(
                "there is no rule %(rule_id)s in the document; it has %(known)s",
                rule_id=repr(rule_id),
                known=known,
            )
        )
    raise Invalid(
        worded("the document holds several rules: %(known)s", known=known),
        advice=worded("Say which one."),
    )


def _verdicts(
    session: Session, caller: Caller, rule_id: str, start: int, end: int
) -> dict[str, int]:
    """How people classified the tickets that the rule really opened in the span."""
    statement = (
        select(Ticket.verdict, func.count())
        .where(
            Ticket.rule_id == rule_id,
            Ticket.happened_at >= from_micros(start),
            Ticket.happened_at < from_micros(end),
        )
        .group_by(Ticket.verdict)
    )
    rows = session.execute(of_tickets(statement, caller))
    return {verdict or "none": number for verdict, number in rows}


def _asked(session: Session, rules: Sequence[Rule], found: Sequence[Cast]) -> Mapping[UUID, Assets]:
    types = {group.branch.asset_type for rule in rules for group in rule.groups}
    sites = {subject.site_id for cast in found for subject in cast.subjects}
    return assets_of_types(session, sites, types)


def lead_of(rules: Sequence[Rule]) -> int:
    """How long before a span the replay begins: all that the rules look back at, and a day."""
    longest = 0
    for rule in rules:
        spans = [rule.on_delay.microseconds, rule.off_delay.microseconds]
        for expression in (rule.when, rule.clear_when):
            spans += [look.span for look in getattr(expression, "looks", ())]
        if rule.learned:
            spans.append(_LEARNS_FROM)
        longest = max(longest, *spans)
    return _LEAD + longest


def _lead(found: Sequence[Cast], rules: Sequence[Rule], start: int) -> int:
    """As far back as the rules look; as live, where one asks what is usual for points."""
    points = (p for cast in found for scene in cast.scenes if scene for p in scene.points)
    first = min((point.learned_from for point in points if point.learned_from), default=start)
    return max(lead_of(rules), min(start - first, LONGEST_DAYS * DAY))
