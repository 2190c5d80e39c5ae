"""The simulators: models, faults, ground truth, replay."""
