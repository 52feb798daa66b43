"""The model's life: from a file of listings to a serving champion."""
