"""Codecs: the bytes that sensors send through a LoRaWAN, read where the network did not."""

from collections.abc import Callable, Mapping

from ingest.dialects.payloads.cayenne import points_by_key, read_cayenne
from ingest.dialects.payloads.content import Content
from ingest.dialects.payloads.milesight import points_by_model, read_milesight, with_alarm

# By the name that the option `codec` gives. Arguments: the bytes, and what is known of the model.
CODECS: Mapping[str, Callable[[bytes, str], Content]] = {
    "cayenne": read_cayenne,
    "milesight": read_milesight,
}

__all__ = ["CODECS", "Content", "points_by_key", "points_by_model", "with_alarm"]
