"""What every test may ask for; the fixtures themselves stand in the modules named here."""

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.chromium",
    "tests.servers.identity_provider",
    # The product's own fixtures (`db` and what stands on it), built from `database_url`.
    "tests.fixtures",
]
