"""What everything stands on: settings, clock, database, event log, people, places, devices."""
