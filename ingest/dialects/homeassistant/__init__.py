"""Home Assistant's MQTT discovery: whatever announces itself that way, on topics of its own."""

from ingest.dialects.homeassistant.birth import births
from ingest.dialects.homeassistant.decoding import decode

__all__ = ["births", "decode"]
