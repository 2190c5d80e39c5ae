"""Guards' phones: how they become known, prove what they say, and let guards sign in."""
