"""The product's API and pages over a database alone, for benchmarks: no broker, no threads."""

import os
import tempfile
from pathlib import Path

from fastapi import FastAPI

from api.app import create_app
from api.context import Parts
from bench.bare_api import URL
from core.clock import SystemClock
from core.db import Database
from core.health import Health
from core.settings import load
from core.telemetry.duckdb_store import DuckDBStore
from web.app import mount
from web.live import LiveFeed


def application() -> FastAPI:
    """The application; uvicorn's factory. The database is named by the environment."""
    clock = SystemClock()
    folder = Path(tempfile.mkdtemp(prefix="wk-bench-"))
    telemetry = DuckDBStore(folder / "telemetry.duckdb")
    parts = Parts(load(data_dir=folder), clock, Database(os.environ[URL]), telemetry, Health(clock))
    app = create_app(parts)
    mount(app, parts, LiveFeed(parts))
    return app
