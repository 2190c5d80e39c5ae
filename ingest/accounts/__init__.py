"""The accounts of devices on the broker: made to follow what was decided, and watched."""

from ingest.accounts.door import Door, EmbeddedDoor, MosquittoDoor
from ingest.accounts.keeper import AccountKeeper

__all__ = ["AccountKeeper", "Door", "EmbeddedDoor", "MosquittoDoor"]
