"""Faults: what goes wrong when, how it shows in the messages, and what ought to be noticed."""
