"""Drift: whether listings or sale prices have moved away from what the champion learnt."""
