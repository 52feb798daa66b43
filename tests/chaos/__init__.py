"""The production handler in the simulator, under random streams and faults, and the books that must
balance."""
