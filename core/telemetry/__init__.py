"""Telemetry: what was measured, one interface over the stores that keep it."""
