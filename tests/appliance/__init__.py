"""The appliance: its bundle, its installer, its units."""
