"""Alarms: what a rule found on an asset, its episodes, and the ticket it opens."""

from workflows.alarms.chatter import SETTLE_AFTER
from workflows.alarms.finding import Finding, Opened, PointFacts, RuleFacts
from workflows.alarms.model import ALARM, WITHHELD, WITHHOLDING, Alarm, Episode, Withholding
from workflows.alarms.of_rule import doings_of, standing_counts
from workflows.alarms.operating import (
    accept_alarm,
    accept_ticket,
    accept_tickets,
    acknowledge,
    acknowledge_of,
    may_take,
    see_alarm,
)
from workflows.alarms.recording import keep_chart, record, standing_states, unfinished_charts
from workflows.alarms.releasing import release
from workflows.alarms.settling import settle
from workflows.alarms.shadowing import record_shadows, rule_in_shadow
from workflows.alarms.standing import (
    OpenAlarm,
    Standing,
    UnseenAlarm,
    alarm_titles,
    open_alarms,
    standing_by_asset,
    unseen_alarms,
)
from workflows.alarms.withheld import Withheld
from workflows.alarms.withholding import reason_for

__all__ = [
    "ALARM",
    "SETTLE_AFTER",
    "WITHHELD",
    "WITHHOLDING",
    "Alarm",
    "Episode",
    "Finding",
    "OpenAlarm",
    "Opened",
    "PointFacts",
    "RuleFacts",
    "Standing",
    "UnseenAlarm",
    "Withheld",
    "Withholding",
    "accept_alarm",
    "accept_ticket",
    "accept_tickets",
    "acknowledge",
    "acknowledge_of",
    "alarm_titles",
    "doings_of",
    "keep_chart",
    "may_take",
    "open_alarms",
    "reason_for",
    "record",
    "record_shadows",
    "release",
    "rule_in_shadow",
    "see_alarm",
    "settle",
    "standing_by_asset",
    "standing_counts",
    "standing_states",
    "unfinished_charts",
    "unseen_alarms",
]
