"""The business, one noun a module."""
