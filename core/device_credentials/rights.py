"""What a device may publish and subscribe to, as MQTT topic filters (3.1.1, section 4.7)."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.codes import filters_overlap
from rules.wording import worded

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


def filter_fault(topic_filter: str, site: str) -> str | None:
    """Why an identity of a site may not publish on a filter; None when it may.

    A filter that takes other sites along would let it speak as their devices.
    """
    if covers(f"{OWN}{site}/#", topic_filter):
        return None
    if filters_overlap(topic_filter, f"{OWN}#"):
        return worded(
            "%(topic_filter)s takes topics of ours along; name narrower topics of the bridge",
            topic_filter=topic_filter,
        )
    return None
