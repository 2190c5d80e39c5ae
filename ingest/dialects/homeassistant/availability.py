"""Whether a device is there, of which its entities may say different things.

Availability is an entity's: each names topics of its own, or those that others name as well. What
names the same ones in the same way is one group here. A device is there as long as one of its
groups is, and gone when all of them are known to be.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ingest.dialects.homeassistant.templates import Fault, render
from ingest.dialects.values import sound

# A group: {"mode": all, any or latest, "places": [{"topic", "on", "off", and maybe "template"}]}.
Group = Mapping[str, Any]
# What is known of a group: by the place's number whether it is there, and under LAST the newest.
LAST = "last"


def group_of(said: Mapping[str, Any]) -> Group | None:
    """The group of an entity's configuration, whose keys are whole; None where it is always there.

    Topics and templates stand in it as they were said, and are yet to be looked at.
    """
    places = said.get("availability")
    listed = list(places) if isinstance(places, list) else []
    if said.get("availability_topic"):
        single = {**said, "topic": said["availability_topic"]}
        single["value_template"] = said.get("availability_template")
        listed.append(single)
    if not listed:
        return None
    mode = said.get("availability_mode")
    return {
        "mode": mode if mode in ("all", "any") else "latest" if listed[1:] else "all",
        "places": [_place(one) for one in listed],
    }


def _place(one: Mapping[str, Any]) -> dict[str, Any]:
    place = {
        "topic": one.get("topic"),
        "on": word(one.get("payload_available"), "online"),
        "off": word(one.get("payload_not_available"), "offline"),
    }
    template = one.get("value_template")
    return place | ({"template": template} if isinstance(template, str) and template else {})


def word(value: Any, usual: str) -> str:
    """As Home Assistant writes it: JSON's true is `True` there, as templates print it."""
    one = sound(value)
    return usual if one is None else str(one)


def name_of(group: Group) -> str:
    """What the group is remembered by: the same for all that say the same."""
    said = json.dumps(group, sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]


def heard(
    groups: Mapping[str, Group], topic: str, text: str, known: Mapping[str, Any]
) -> dict[str, Any]:
    """What is known of a device's groups once a topic said a text; `known` if it says nothing."""
    changed = dict(known)
    for name, group in groups.items():
        for number, place in enumerate(group["places"]):
            there = says(place, text) if place["topic"] == topic else None
            if there is not None:
                changed[name] = {**changed.get(name, {}), str(number): there, LAST: there}
    return changed


def says(place: Mapping[str, Any], text: str) -> bool | None:
    """Whether it is there, by what came to a place; None where that says nothing of it."""
    if "template" in place:
        try:
            text = render(place["template"], text)
        except Fault:
            return None
    if text == place["on"]:
        return True
    return False if text == place["off"] else None


def is_there(groups: Mapping[str, Group], known: Mapping[str, Any]) -> bool | None:
    """Whether the device is; None while what is known decides nothing."""
    states = [_state(group, known.get(name) or {}) for name, group in groups.items()]
    if any(states):
        return True
    return False if states and all(state is False for state in states) else None


def _state(group: Group, known: Mapping[str, Any]) -> bool | None:
    """Whether a group is there. A topic that said nothing yet speaks neither for nor against it."""
    said = [known.get(str(number)) for number in range(len(group["places"]))]
    if group["mode"] == "latest":
        return known.get(LAST)
    if group["mode"] == "any":
        return True if any(said) else False if all(one is False for one in said) else None
    return False if False in said else True if any(said) else None
