"""The watch over ingest: who watches the sensors is watched as well."""

from datetime import datetime, timedelta

from core import events, shards
from core.db import Session
from jobs.work import Work, actor

SILENT_AFTER = timedelta(seconds=60)
# Who was away longer than this can't tell how long others were.
OWN_ABSENCE = timedelta(seconds=30)
SILENT, BACK = "ingest.silent", "ingest.back"


class IngestWatch:
    """Notices shards that stopped listening, and says each change once.

    Counts only time in which it looked itself, so that the start of a whole machine, or its
    waking up, is not taken for a silence of ingest.
    """

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._looked: datetime | None = None

    def look(self, work: Work, now: datetime) -> int:
        """Judge every shard that ever listened; returns how many changed."""
        with work.database.read() as session:
            beats = shards.last_beats(session)
            known = {name: _said_silent(session, name) for name in beats}
        # Only now: a look at a database that does not answer has seen nothing, and ingest could
        # not put its heartbeat on record there either.
        if self._looked is None or self._since is None or now - self._looked > OWN_ABSENCE:
            self._since = now
        self._looked = now
        silent = {name: now - max(beat, self._since) > SILENT_AFTER for name, beat in beats.items()}
        # A shard that was silent before we looked is back only when it was heard again.
        for name, beat in beats.items():
            silent[name] = silent[name] or (known[name] and now - beat > SILENT_AFTER)
        changed = [name for name in beats if silent[name] != known[name]]
        if changed:
            self._say(work, changed, silent, beats, now)
        _report(work, silent, beats)
        return len(changed)

    def _say(
        self,
        work: Work,
        changed: list[str],
        silent: dict[str, bool],
        beats: dict[str, datetime],
        now: datetime,
    ) -> None:
        with work.transaction() as session:
            for name in changed:
                events.append(
                    session,
                    SILENT if silent[name] else BACK,
                    ("shard", name),
                    actor=actor("ingest-watch"),
                    learned_at=now,
                    happened_at=beats[name] if silent[name] else now,
                    after={"last_beat": beats[name].isoformat()},
                )


def _said_silent(session: Session, name: str) -> bool:
    return events.latest_kind(session, ("shard", name), (SILENT, BACK)) == SILENT


def _report(work: Work, silent: dict[str, bool], beats: dict[str, datetime]) -> None:
    ill = sorted(name for name, is_silent in silent.items() if is_silent)
    if ill:
        detail = ", ".join(
            f"{name} not heard since {beats[name]:%Y-%m-%d %H:%M:%SZ}" for name in ill
        )
        work.health.report("ingest watch", ok=False, detail=detail, faults=len(ill))
    else:
        work.health.report("ingest watch", ok=True, detail=f"{len(beats)} shards listen")
