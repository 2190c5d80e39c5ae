"""The world, pretended: simulated sites, faults with ground truth, replay; MQTT and HTTP only."""
