"""Guards' reports: what they saw, with photos and voice notes, closed by a supervisor."""
