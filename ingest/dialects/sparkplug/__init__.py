"""Sparkplug B 3.0: births, deaths and data of edge nodes and of the devices behind them."""

from ingest.dialects.sparkplug.session import decode

__all__ = ["decode"]
