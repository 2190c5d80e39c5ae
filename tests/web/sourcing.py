"""Sources with boxes behind them: one that is read, one that nobody can read yet, one pushed to."""

from datetime import timedelta
from uuid import UUID

from core import events
from core.administration import NewSource, create_source
from core.http_ingest import NewKey, set_key
from core.quarantine import Quarantined, Rejected, keep
from tests.web.stage import Stage

# What a 4G box sends of a pump room: level, temperature, flow (a float), states; in hexadecimal.
FRAME = b"01030A010A00EB0000414800010537"
MAPPING = {
    "topic": "dtu/{device}/rx",
    "payload": "modbus",
    "encoding": "hex",
    "device": "{device}",
    "frames": [
        {
            "slave": 1,
            "start": 0,
            "count": 5,
            "readings": [
                {"key": "level", "register": 0, "scale": 0.01, "unit": "m"},
                {"key": "temperature", "register": 1, "type": "s16", "scale": 0.1, "unit": "°C"},
                {"key": "flow", "register": 2, "type": "f32", "order": "CDAB", "unit": "m³/h"},
                {"key": "pump_running", "register": 4, "bit": 0},
                {"key": "pump_fault", "register": 4, "bit": 1, "as": "event"},
            ],
        }
    ],
}
HOME_MADE = '{"imei": "860374051096202", "ts": 1795492805, "data": {"p1": 0.412, "t": 41.5}}'


def boxes(stage: Stage) -> dict[str, UUID]:
    """The sources by code, and `row`: what waits in quarantine on the topics of one of them."""
    now = stage.parts.clock.now()
    made: dict[str, UUID] = {}
    wanted = (
        NewSource("pump-boxes", "dtu/+/rx", "mapping", {"mapping": MAPPING}),
        NewSource("home-made", "plant/#", "mapping"),
        NewSource("cloud", "http/riverside/cloud/#", "onenet"),
    )
    with stage.parts.database.write() as session:
        for new in wanted:
            source = create_source(session, stage.site_id, new, actor=events.SYSTEM, now=now)
            made[new.code] = source.id
            if new.code == "cloud":
                vault, key = stage.parts.vault, NewKey("onenet", "a secret of OneNET")
                set_key(session, vault, source, key, actor=events.SYSTEM, now=now)
        keep(
            session,
            [
                _rejected(stage, "dtu/box-7/rx", "wrong_shape", FRAME[:-4] + b"0000", 90),
                _rejected(stage, "dtu/box-7/rx", "wrong_shape", FRAME, 30),
                _rejected(stage, "plant/b2/up", "unsupported", HOME_MADE.encode(), 20),
            ],
        )
        row = session.query(Quarantined).filter(Quarantined.topic == "plant/b2/up").one()
        made["row"] = row.id
    return made


def _rejected(stage: Stage, topic: str, reason: str, body: bytes, seconds: int) -> Rejected:
    return Rejected(
        site_id=stage.site_id,
        device_code=topic,
        topic=topic,
        reason=reason,
        detail="the source has no mapping yet; it is written in the console",
        body=body,
        received_at=stage.parts.clock.now() - timedelta(seconds=seconds),
    )


def pages(stage: Stage) -> dict[str, str]:
    """The addresses of everything about sources, by name."""
    made = boxes(stage)
    boxed, home_made = f"/sources/{made['pump-boxes']}", f"/sources/{made['home-made']}"
    return {
        "sources": "/sources",
        "new source": "/sources/new",
        "source": boxed,
        "source, pushed to": f"/sources/{made['cloud']}",
        "mapping of registers": f"{boxed}/mapping",
        "mapping of JSON": f"{home_made}/mapping?row={made['row']}",
    }
