"""Sparkplug B 3.0: births, deaths and data of edge nodes and of the devices behind them."""

from ingest.dialects.sparkplug.hosting import HostState, host_states
from ingest.dialects.sparkplug.session import decode

__all__ = ["HostState", "decode", "host_states"]
