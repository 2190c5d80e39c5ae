"""Tests of the pages: what they show, to whom, and how they live in a real browser."""
