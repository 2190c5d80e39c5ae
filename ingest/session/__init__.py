"""The MQTT session of ingest: one persistent connection, QoS 1, acknowledged when durable."""

from ingest.session.address import SYSTEM_CA, BrokerAddress
from ingest.session.messages import DUPLICATE, RETAINED, Message
from ingest.session.session import Session
from ingest.session.state import Phase, SessionState
from ingest.session.subscriptions import EVERYTHING

__all__ = [
    "DUPLICATE",
    "EVERYTHING",
    "RETAINED",
    "SYSTEM_CA",
    "BrokerAddress",
    "Message",
    "Phase",
    "Session",
    "SessionState",
]
