"""Entry point 3, programs speak: JSON over HTTP."""
