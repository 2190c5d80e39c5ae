"""Codes, topic filters and time zones: how they are written, and what is wrong with one."""

import re
from zoneinfo import ZoneInfo, available_timezones

from rules.located_yaml import nearest
from rules.wording import worded

CODE = re.compile(r"\w[\w.-]{0,59}")
# Codes of sites and devices stand in topics; NATS refuses a topic with a blank in it.
SITE_CODE = re.compile(r"[a-z0-9-]{1,60}")
DEVICE_CODE = re.compile(r"[^\s/+#$\x00-\x1f\x7f][^\s/+#\x00-\x1f\x7f]{0,119}")

# Devices of Huawei Cloud and of OneNET publish here, and brokers carry it as any other topic.
PLATFORMS = ("$oc/", "$sys/")


def topic_filter_fault(topic: str) -> str | None:
    """Why `topic` is no topic filter by MQTT 3.1.1, section 4.7; None when it is one."""
    if not topic or len(topic) > 200:
        return worded("a topic filter has between 1 and 200 characters")
    if "\x00" in topic:
        return worded("a topic filter has no null character")
    if topic.startswith("$") and not topic.startswith(PLATFORMS):
        return worded("topics that begin with $ belong to the broker")
    levels = topic.split("/")
    if any("#" in level and level != "#" for level in levels) or "#" in levels[:-1]:
        return worded("# stands alone at the last level of a topic filter")
    if any("+" in level and level != "+" for level in levels):
        return worded("+ stands alone at its level of a topic filter")
    return None


def time_zone_fault(name: str) -> str | None:
    """Why `name` is no time zone of the IANA data base; None when it is one."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return worded(
            "there is no time zone %(name)s%(hint)s",
            name=repr(name),
            hint=nearest(name, sorted(available_timezones())),
        )
    return None


def filters_overlap(one: str, other: str) -> bool:
    """Whether some topic is one of both filters."""
    first, second = one.split("/"), other.split("/")
    for place in range(max(len(first), len(second))):
        left = first[place] if place < len(first) else None
        right = second[place] if place < len(second) else None
        if "#" in (left, right):
            # "a/#" takes "a", too.
            return True
        if left is None or right is None:
            return False
        if left != right and "+" not in (left, right):
            return False
    return True


def topic_matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic filter takes a topic, by MQTT 3.1.1, section 4.7."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        one in ("+", other) for one, other in zip(wanted, levels, strict=True)
    )
