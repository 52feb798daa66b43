"""Who challenges the champion on sales, and who wins."""
