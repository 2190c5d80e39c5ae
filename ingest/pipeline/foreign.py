"""Messages of other dialects, as devices of ours would have sent them."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from ingest.decoding import PREFIX, OwnTopic, Problem
from ingest.dialects import Decoded, Spoken, Told
from ingest.registry import Registry, SiteState


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a message of another dialect says. problem: why it could not be read.

    messages: what each part would be on a topic of ours.
    """

    site: SiteState
    device: str
    messages: Sequence[tuple[OwnTopic, bytes]] = ()
    problem: Problem | None = None

    @staticmethod
    def topic(own: OwnTopic) -> bytes:
        """The topic of ours on which a part would be said."""
        return f"{PREFIX}{own.site}/{own.device}/{own.kind}".encode()


def foreign(registry: Registry, name: str, payload: bytes) -> Foreign | None:
    """What the first source that takes a topic makes of a message; None when no source does."""
    found = registry.foreign_source(name)
    if found is None:
        return None
    site, source = found
    told = source.decode(source, name, payload, {})
    if isinstance(told, Problem):
        return Foreign(site, name, problem=told)
    if told is None:
        # Somebody else's business, which the filter takes along.
        return Foreign(site, name)
    several = told.told if isinstance(told, Decoded) else [told]
    parts = [
        (OwnTopic(site.code, one.device, each.kind), orjson.dumps(_kept(site, one, each)))
        for one in several
        for each in one.messages
    ]
    return Foreign(site, name, parts)


def _kept(site: SiteState, told: Told, spoken: Spoken) -> dict[str, object]:
    """Of readings what the device has points for: it tells of itself much that nobody asked."""
    device = site.devices.get(told.device)
    if device is None or spoken.kind != "readings":
        return spoken.fields
    return {
        key: value for key, value in spoken.fields.items() if key == "ts" or key in device.points
    }
