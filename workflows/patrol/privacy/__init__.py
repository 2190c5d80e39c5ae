"""Privacy of where people were: consent, duty, how long it is kept, and who looked."""
