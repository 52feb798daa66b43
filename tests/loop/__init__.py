"""Years of simulated markets around the real monitor and the real retraining: what the loop sees, and what it harms."""
