"""What the stack costs at a rate of listings, on paper."""
