"""Tasmota: devices with sensors, switches and readers of cards, and bridges for Zigbee and LoRa."""

from ingest.dialects.tasmota.decoding import decode, plan

__all__ = ["decode", "plan"]
