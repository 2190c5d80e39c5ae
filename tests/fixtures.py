"""The product's own fixtures: what stands on `database_url` and the servers."""
