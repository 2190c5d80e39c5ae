"""Pure judgement: readings, state and clock in, decisions with their reasons out."""
