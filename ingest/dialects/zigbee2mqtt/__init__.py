"""Zigbee2MQTT: devices behind a bridge, by friendly name."""

from ingest.dialects.zigbee2mqtt.decoding import decode, plan

__all__ = ["decode", "plan"]
