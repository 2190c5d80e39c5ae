"""Messages of other dialects, as devices of ours would have sent them."""

from collections.abc import Iterator
from typing import Any

import orjson

from ingest.decoding import PREFIX, OwnTopic, Problem, moment_of
from ingest.dialects import FOLLOWED, Decoded, Described, Spoken, Told
from ingest.pipeline.batch import Batch
from ingest.registry import Listener, Registry, SiteState

# A source that remembers more than this is fed nonsense.
MOST_REMEMBERED = 50_000
LONGEST_REMEMBERED = 256 * 1024
LONGEST_KEY = 300
# As many topics are kept with those who listen to them.
_MOST_ROUTES = 200_000


def listening(registry: Registry, topic: bytes, name: str) -> tuple[Listener, ...]:
    """Who listens to a topic, kept for the next message of it."""
    found = registry.by_foreign.get(topic)
    if found is None:
        found = registry.listening(name)
        if len(registry.by_foreign) >= _MOST_ROUTES:
            registry.by_foreign.clear()
        registry.by_foreign[topic] = found
    return found


def decode(
    listeners: tuple[Listener, ...], name: str, payload: bytes
) -> tuple[Listener, Decoded] | None:
    """What the first makes of a message who has any use for it; else nothing of the first."""
    for listener in listeners:
        said = listener.source.decode(listener.source, name, payload, listener.memory)
        if said is None:
            continue
        if isinstance(said, Told):
            return listener, Decoded(told=(said,))
        return listener, Decoded(problems=(said,)) if isinstance(said, Problem) else said
    return (listeners[0], Decoded()) if listeners else None


def remember(registry: Registry, batch: Batch, listener: Listener, said: Decoded) -> list[Problem]:
    """Let a source's decoder see from now on what it asked to be remembered."""
    problems = []
    if said.remember:
        # Plans were made by what was remembered until now.
        registry.plans.clear()
    for key, value in said.remember.items():
        if value is not None and (problem := _unfit(listener, key, value)):
            problems.append(problem)
            continue
        batch.remembered[listener.source_id, key] = value
        _put(listener, key, value)
        if value is None:
            listener.durable.discard(key)
        else:
            listener.durable.add(key)
        if key.startswith(FOLLOWED):
            # Others may listen to that topic now, and it is to be subscribed to.
            registry.by_foreign.clear()
            registry.follows_anew = True
    for key, value in said.note.items():
        if value is not None and (problem := _unfit(listener, key, None)):
            problems.append(problem)
        else:
            _put(listener, key, value)
    return problems


def _put(listener: Listener, key: str, value: Any) -> None:
    if value is None:
        listener.memory.pop(key, None)
    else:
        listener.memory[key] = value


def _unfit(listener: Listener, key: str, value: Any) -> Problem | None:
    if len(key) > LONGEST_KEY:
        return Problem("too_large", f"the name {key[:60]!r} is too long to be remembered")
    if key not in listener.memory and len(listener.memory) >= MOST_REMEMBERED:
        return Problem("too_large", f"source {listener.source.code!r} remembers too much already")
    if value is not None and len(orjson.dumps(value)) > LONGEST_REMEMBERED:
        return Problem("too_large", f"what is said of {key[:60]!r} is too long to be remembered")
    return None


def parts(listener: Listener, said: Decoded) -> Iterator[tuple[OwnTopic, dict[str, Any], Spoken]]:
    """Each message that a device of ours would have sent: the topic, what, and made of what."""
    for told in said.told:
        for spoken in told.messages:
            yield *one_part(listener, told, spoken), spoken


def one_part(listener: Listener, told: Told, spoken: Spoken) -> tuple[OwnTopic, dict[str, Any]]:
    """One of them."""
    kind = spoken.kind
    if _nobody_asked(listener.site, told, spoken):
        # All that it says is that the device is there, as readings do that nobody asked for.
        kind, spoken = "readings", Spoken("readings", {})
    own = OwnTopic(listener.site.code, told.device, kind)
    return own, _timed(listener, _kept(listener.site, told, spoken))


def _nobody_asked(site: SiteState, told: Told, spoken: Spoken) -> bool:
    """Whether it is an event of a device that has no point of that name."""
    device = site.devices.get(told.device)
    return (
        device is not None
        and spoken.kind == "event"
        and spoken.fields.get("event") not in device.points
    )


def _timed(listener: Listener, fields: dict[str, Any]) -> dict[str, Any]:
    """A time that names no zone is one of the source's, of which a device of ours knows nothing."""
    said = fields.get("ts")
    if isinstance(said, str):
        at = moment_of(said, listener.source.zone)
        if at is not None:
            return {**fields, "ts": at}
    return fields


def _kept(site: SiteState, told: Told, spoken: Spoken) -> dict[str, Any]:
    """Of readings what the device has points for: it tells of itself much that nobody asked."""
    device = site.devices.get(told.device)
    if device is None or spoken.kind != "readings":
        return spoken.fields
    return {
        key: value for key, value in spoken.fields.items() if key == "ts" or key in device.points
    }


def own_topic_of(own: OwnTopic) -> bytes:
    """The topic of ours on which a part would be said."""
    return f"{PREFIX}{own.site}/{own.device}/{own.kind}".encode()


def description(described: Described) -> dict[str, Any]:
    """As it is kept with the device: only what is known."""
    names = ("key", "kind", "unit", "states", "name", "means", "interval")
    points = [_known(point, names) for point in described.points]
    return {**_known(described, ("name", "maker", "model")), "points": points}


def _known(said: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(said, name) for name in names}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value
    }
