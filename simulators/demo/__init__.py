"""The demonstration: a compound that lives, with something to see within a minute."""
