"""The pipeline: messages and time in, a batch of effects out."""

from ingest.pipeline.batch import Batch, Present, Waiting
from ingest.pipeline.judging import Judge
from ingest.pipeline.taking import BEAT_SITE, CLOCK_TOPIC, Taker

__all__ = ["BEAT_SITE", "CLOCK_TOPIC", "Batch", "Judge", "Present", "Taker", "Waiting"]
