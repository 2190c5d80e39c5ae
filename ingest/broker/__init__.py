"""The embedded broker: MQTT with a queue on disk, in a child process."""

from ingest.broker.config import BrokerConfig
from ingest.broker.embedded import EmbeddedBroker
from ingest.broker.process import BrokerError
from ingest.broker.queue import QueueState

__all__ = ["BrokerConfig", "BrokerError", "EmbeddedBroker", "QueueState"]
