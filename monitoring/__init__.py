"""Labels in, verdicts out: reporting sales, and looking at how the champion does."""
