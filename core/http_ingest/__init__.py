"""What platforms push over HTTP: who may, how it is proved, and the box in which it waits."""

from core.http_ingest.accepting import (
    Accepted,
    Full,
    accept,
    answer_challenge,
    prove,
    topic_of,
)
from core.http_ingest.box import Waiting, count_waiting, forget_deliveries, taken, waiting
from core.http_ingest.keys import (
    KeySet,
    NewKey,
    describe_key,
    remove_key,
    set_key,
    standing_key,
)
from core.http_ingest.model import HttpDelivery, HttpMessage, SourceKey
from core.http_ingest.profiles import PROFILES, Profile, Pushed

__all__ = [
    "PROFILES",
    "Accepted",
    "Full",
    "HttpDelivery",
    "HttpMessage",
    "KeySet",
    "NewKey",
    "Profile",
    "Pushed",
    "SourceKey",
    "Waiting",
    "accept",
    "answer_challenge",
    "count_waiting",
    "describe_key",
    "forget_deliveries",
    "prove",
    "remove_key",
    "set_key",
    "standing_key",
    "taken",
    "topic_of",
    "waiting",
]
