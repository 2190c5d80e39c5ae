"""What the API and the pages work with, put together once by the front door."""

from dataclasses import dataclass, field

from api.hot import HotAnswers
from core.clock import Clock
from core.db import Database
from core.files import FileStore, files_url
from core.health import Health
from core.identity import Provider
from core.settings import Settings
from core.telemetry.store import TelemetryStore
from core.vault import Vault
from workflows import laboratory
from workflows.laboratory.runs import Runs
from workflows.search import PlaceIndex


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running product that answer people and programs."""

    settings: Settings
    clock: Clock
    database: Database
    telemetry: TelemetryStore
    health: Health
    hot: HotAnswers = field(init=False, compare=False)
    places: PlaceIndex = field(init=False, compare=False)
    files: FileStore = field(init=False, compare=False)
    vault: Vault = field(init=False, compare=False)
    provider: Provider = field(init=False, compare=False)
    backtests: Runs = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hot", HotAnswers(self.database))
        object.__setattr__(self, "places", PlaceIndex(self.database))
        object.__setattr__(self, "files", FileStore(files_url(self.settings)))
        object.__setattr__(self, "vault", Vault(self.settings))
        object.__setattr__(self, "provider", Provider(self.settings))
        object.__setattr__(self, "backtests", Runs(self._backtest, self.clock.now))

    def _backtest(
        self, order: laboratory.Order, progress: laboratory.Progress
    ) -> laboratory.Result:
        return laboratory.run(order, self.telemetry, progress)
