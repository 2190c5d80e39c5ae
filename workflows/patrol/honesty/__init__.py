"""Honesty, with fairness: what speaks against a round is marked, answered and decided."""
