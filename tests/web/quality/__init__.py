"""How good each page is for whoever opens it: weight, access, large text, old browsers."""
