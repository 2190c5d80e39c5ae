"""What ingest counts, for Prometheus; updated once a batch, never once a message."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("wk_ingest_messages_total", "Messages taken in.")
READINGS = Counter("wk_ingest_readings_total", "Readings taken in.", ["kind"])
QUARANTINED = Counter("wk_ingest_quarantined_total", "Messages quarantined.", ["reason"])
DECISIONS = Counter("wk_ingest_decisions_total", "Transitions of alarms.", ["kind"])
TICKETS = Counter("wk_ingest_tickets_total", "Tickets opened, continued or re-opened by faults.")
STORED = Counter("wk_ingest_stored_total", "Readings handed to telemetry and durable there.")
TELEMETRY_MEMORY = Gauge(
    "wk_telemetry_memory_bytes",
    "Memory that DuckDB uses, which grows up to telemetry_memory_bytes.",
)
WRITE_SECONDS = Histogram(
    "wk_ingest_write_seconds",
    "Time of one write to telemetry.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
COMMIT_SECONDS = Histogram(
    "wk_ingest_commit_seconds",
    "Time of one commit of decisions.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
WAITING_ROWS = Gauge("wk_ingest_waiting_rows", "Readings taken in and not yet stored.")
LAG = Gauge("wk_ingest_receipt_lag_seconds", "How far the receipt clock is behind the wall clock.")
RESTARTS = Counter("wk_ingest_restarts_total", "Times that ingest had to start again by itself.")
LEFT_OUT = Counter(
    "wk_ingest_facts_left_out_total", "Facts of the event log that could not be told to the rules."
)
