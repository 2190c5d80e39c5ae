"""The front door: command line and composition."""
