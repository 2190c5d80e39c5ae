"""Alarm load: what alarms ask of people, against the figures of EEMUA 191 and ISA-18.2."""

from workflows.alarms.load.advising import Advice
from workflows.alarms.load.reading import Withheld
from workflows.alarms.load.site import AlarmNumbers, FloodFacts, SiteLoad, Stale
from workflows.alarms.load.summing import (
    MOST_LISTED,
    AlarmLoad,
    SiteLine,
    alarm_load,
    sites_of,
)
from workflows.alarms.load.targets import TARGETS, Metric, Target

__all__ = [
    "MOST_LISTED",
    "TARGETS",
    "Advice",
    "AlarmLoad",
    "AlarmNumbers",
    "FloodFacts",
    "Metric",
    "SiteLine",
    "SiteLoad",
    "Stale",
    "Target",
    "Withheld",
    "alarm_load",
    "sites_of",
]
