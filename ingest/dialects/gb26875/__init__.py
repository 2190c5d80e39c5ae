"""GB/T 26875.3-2011: what transmitters of fire alarm panels report."""

from ingest.dialects.gb26875.reports import decode

__all__ = ["decode"]
