"""Entry point 4, people speak: pages, templates, translations."""
