"""Alarms: what a rule found on an asset, its episodes, and the ticket it opens."""

from workflows.alarms.finding import Finding, Opened, PointFacts, RuleFacts
from workflows.alarms.model import ALARM, Alarm, Episode
from workflows.alarms.operating import accept_ticket, acknowledge, acknowledge_of
from workflows.alarms.recording import keep_chart, record, standing_states, unfinished_charts
from workflows.alarms.standing import (
    OpenAlarm,
    Standing,
    alarm_titles,
    open_alarms,
    standing_by_asset,
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
    "accept_ticket",
    "acknowledge",
    "acknowledge_of",
    "alarm_titles",
    "keep_chart",
    "open_alarms",
    "record",
    "standing_by_asset",
    "standing_states",
    "unfinished_charts",
]
