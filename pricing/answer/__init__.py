"""What a model answers beside the price: how sure it is, why, what is like it, and where to be careful."""
