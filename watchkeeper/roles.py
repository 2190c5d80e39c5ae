"""One role in a process: ingest, jobs or api, with an external broker and a shared database."""

import structlog
from rich.console import Console

from core.db import is_unavailable
from core.errors import Refused
from core.health import Health
from core.schema import NotMigrated, require_current
from core.settings import Settings
from watchkeeper import installation
from watchkeeper.monitor import Monitor
from watchkeeper.product import Product

log = structlog.get_logger(__name__)

# A role that can't begin yet looks so often whether it can.
_TRY_AGAIN = 1.0
# Looks at the parts cost each a question, so they are some seconds apart.
_LOOK_SECONDS = 5.0
# Parts that live in a process of their own; see Monitor.
_ELSEWHERE = {
    "ingest": frozenset[str](),
    "jobs": frozenset({"ingest"}),
    "api": frozenset({"ingest"}),
}


def run_role(role: str, settings: Settings, console: Console) -> None:
    """Run one role until a signal asks to stop. It migrates nothing: `watchkeeper db migrate`.

    It waits for a database that is away or not migrated yet, and says so.
    """
    product = Product(settings)
    try:
        product.heed_signals()
        if settings.monitor_port is not None:
            monitor = Monitor(settings, product.health, _ELSEWHERE[role])
            product.on_stop(monitor.stop)
        if not await_database(product):
            return
        product.watch_database()
        _START[role](product)
        console.print(f"Watchkeeper {role} is up.")
        told = _Told(product.health)
        product.wait(told.look, every=_LOOK_SECONDS)
    finally:
        product.stop()


def await_database(product: Product) -> bool:
    """Until the database answers with this version's schema; False when asked to stop before.

    Raises UnknownSchema for one that a newer version wrote: to wait would help nobody.
    """
    said = ""
    while not product.stopping.is_set():
        try:
            require_current(product.database)
        except NotMigrated as error:
            why = f"{error.detail}; {error.advice}"
        except Exception as error:
            if not is_unavailable(error):
                raise
            why = str(getattr(error, "orig", None) or error).partition("\n")[0]
        else:
            product.health.report("database", ok=True)
            if said:
                log.info("the database is there now")
            return True
        product.health.report("database", ok=False, detail=f"waiting for it: {why}"[:300])
        if why != said:
            log.warning("waiting for the database", why=why)
            said = why
        product.stopping.wait(_TRY_AGAIN)
    return False


class _Told:
    """Puts into the log when a part falls ill and when it is well again, each once."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._ill: set[str] = set()

    def look(self) -> None:
        """Look at every part."""
        for state in self._health.snapshot():
            if not state.ok and state.part not in self._ill:
                log.warning("a part is ill", part=state.part, detail=state.detail)
                self._ill.add(state.part)
            elif state.ok and state.part in self._ill:
                log.info("a part is well again", part=state.part)
                self._ill.discard(state.part)


def _ingest(product: Product) -> None:
    address = installation.external_broker(product.settings)
    if address is None:
        raise Refused(
            "the ingest role needs a broker of its own",
            advice="Set WATCHKEEPER_MQTT_HOST; the embedded broker belongs to `watchkeeper up`.",
        )
    product.own_folder(f"ingest-{product.settings.shard}")
    telemetry = product.open_telemetry()
    product.start_ingest(telemetry, address)
    product.start_telemetry_upkeep(telemetry)


def _jobs(product: Product) -> None:
    product.start_jobs(product.reach_telemetry())


def _api(product: Product) -> None:
    product.watch_ingest()
    product.start_web(product.reach_telemetry())


_START = {"ingest": _ingest, "jobs": _jobs, "api": _api}
