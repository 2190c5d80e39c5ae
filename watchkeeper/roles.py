"""One role in a process: ingest, jobs or api, with an external broker and a shared database."""

from rich.console import Console

from core.errors import Refused
from core.schema import require_current
from core.settings import Settings
from watchkeeper import installation
from watchkeeper.product import Product


def run_role(role: str, settings: Settings, console: Console) -> None:
    """Run one role until a signal asks to stop. It migrates nothing: `watchkeeper db migrate`."""
    product = Product(settings)
    try:
        product.heed_signals()
        require_current(product.database)
        product.watch_database()
        _START[role](product)
        console.print(f"Watchkeeper {role} is up.")
        product.wait()
    finally:
        product.stop()


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
