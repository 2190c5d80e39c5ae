"""What a device may publish and subscribe to, as MQTT topic filters (3.1.1, section 4.7)."""

from collections.abc import Iterable
from dataclasses import dataclass

OWN = "wk/v1/"
# Only Watchkeeper speaks there: sirens and displays obey it.
ANNOUNCEMENTS = "wk/v1/+/announce"


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters. What is in none of them is refused; ANNOUNCEMENTS nobody else may publish."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def own_topics(site: str, device: str) -> str:
    """The filter of a device's own topics, by the codes of site and device."""
    return f"{OWN}{site}/{device}/#"


def announcements(site: str) -> str:
    """The topic on which a site is told what is to be heard."""
    return f"{OWN}{site}/announce"


def rights_of(
    site: str, devices: Iterable[str], filters: Iterable[str] = (), reads: Iterable[str] = ()
) -> Rights:
    """The rights of an identity that speaks for `devices` (codes) and on the topics of `filters`.

    It reads what it may write, where answers to it come too, the announcements of its site, and
    `reads`.
    """
    publish = dict.fromkeys([*(own_topics(site, code) for code in devices), *filters])
    subscribe = dict.fromkeys([announcements(site), *publish, *reads])
    return Rights(tuple(publish), tuple(subscribe))


def covers(wide: str, narrow: str) -> bool:
    """Whether every topic of the filter `narrow` is one of the filter `wide`."""
    wider, narrower = wide.split("/"), narrow.split("/")
    for place, level in enumerate(wider):
        if level == "#":
            return True
        if place >= len(narrower):
            return False
        if narrower[place] == "#" or (level != "+" and level != narrower[place]):
            return False
    return len(wider) == len(narrower)


def overlap(one: str, other: str) -> bool:
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


def filter_fault(topic_filter: str, site: str) -> str | None:
    """Why an identity of a site may not publish on a filter; None when it may.

    A filter that takes other sites along would let it speak as their devices.
    """
    if covers(f"{OWN}{site}/#", topic_filter):
        return None
    if overlap(topic_filter, f"{OWN}#"):
        return f"{topic_filter} takes topics of ours along; name narrower topics of the bridge"
    return None
