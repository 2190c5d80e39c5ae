"""Walk tests: sensors of a place are triggered one by one, answer on a phone, and call nobody."""
