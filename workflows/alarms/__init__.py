"""Alarms: what a rule found on an asset, its episodes, and the ticket it opens."""

from workflows.alarms.finding import Finding, Opened, PointFacts, RuleFacts
from workflows.alarms.model import ALARM, Alarm, Episode
from workflows.alarms.operating import (
    accept_alarm,
    accept_ticket,
    accept_tickets,
    acknowledge,
    acknowledge_of,
    may_take,
)
from workflows.alarms.recording import keep_chart, record, standing_states, unfinished_charts
from workflows.alarms.standing import (
    OpenAlarm,
    Standing,
    UnseenAlarm,
    alarm_titles,
    open_alarms,
    standing_by_asset,
    unseen_alarms,
)

__all__ = [
    "ALARM",
    "Alarm",
    "Episode",
    "Finding",
    "OpenAlarm",
    "Opened",
    "PointFacts",
    "RuleFacts",
    "Standing",
    "UnseenAlarm",
    "accept_alarm",
    "accept_ticket",
    "accept_tickets",
    "acknowledge",
    "acknowledge_of",
    "alarm_titles",
    "keep_chart",
    "may_take",
    "open_alarms",
    "record",
    "standing_by_asset",
    "standing_states",
    "unfinished_charts",
    "unseen_alarms",
]
