"""A simulated site: physical models of its assets, and the messages their devices publish."""
