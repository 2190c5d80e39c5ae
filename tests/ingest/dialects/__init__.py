"""One file for each dialect."""
