"""Alarms: what a rule found on an asset, its episodes, and the ticket it opens."""

from workflows.alarms.model import ALARM, Alarm, Episode
from workflows.alarms.operating import accept_ticket, acknowledge
from workflows.alarms.recording import (
    Finding,
    Opened,
    PointFacts,
    RuleFacts,
    record,
    standing_states,
    unfinished_charts,
)

__all__ = [
    "ALARM",
    "Alarm",
    "Episode",
    "Finding",
    "Opened",
    "PointFacts",
    "RuleFacts",
    "accept_ticket",
    "acknowledge",
    "record",
    "standing_states",
    "unfinished_charts",
]
