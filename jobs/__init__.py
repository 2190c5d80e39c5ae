"""Entry point 2, time passes: sweeps run by APScheduler."""
