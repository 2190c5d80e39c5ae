"""Topic filters as the subjects that NATS makes of them (docs.nats.io, MQTT, Topic Mapping)."""

import re
from collections.abc import Iterable

# To MQTT "*" and ">" are letters like others. As levels of a subject they would take every topic,
# so they become levels that no topic has: who is called so may say nothing.
_ANY = {"+": "*", "#": ">", "*": "*/", ">": ">/"}
# No subject has them, and a configuration that names one is refused as a whole. NATS refuses topics
# with them, too; what stands for them here is in no topic's subject.
_REFUSED = re.compile(r"[\s\x00-\x1f\x7f]")


def subject_of(topic_filter: str) -> str:
    """The NATS subject of a topic filter: "/" is ".", an empty level is "/", "." is "//"."""
    levels = [_REFUSED.sub("/-", level) for level in topic_filter.split("/")]
    return ".".join(_ANY.get(one, one.replace(".", "//") or "/") for one in levels)


def subjects_of(filters: Iterable[str]) -> list[str]:
    """The subjects of topic filters; "a/#" takes "a", too, which NATS needs told apart."""
    found = dict[str, None]()
    for one in filters:
        found[subject_of(one)] = None
        if one.endswith("/#"):
            found[subject_of(one.removesuffix("/#"))] = None
    return list(found)
