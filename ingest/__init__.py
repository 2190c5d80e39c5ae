"""Entry point 1, the world speaks: MQTT session, decoders, pipeline."""
