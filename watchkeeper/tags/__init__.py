"""Signed tags at a reader: an NTAG 424 DNA is given its address and keys."""
