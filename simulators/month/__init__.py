"""The month-long acceptance run: its site, and the plan of what goes wrong on it and who acts."""
