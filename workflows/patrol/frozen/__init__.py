"""Reports that stay as they were closed: of a day at a site, and of an incident."""
