"""The journal of a guard's phone: taken once, whole and in order, however it arrives."""
