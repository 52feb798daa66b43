"""Sales in a market that stands still: predicted and actual log prices, each home a group of its own."""

import numpy as np


def market(count, seed=1, spread=0.25):
    draw = np.random.default_rng(seed)
    predicted = draw.normal(13, 0.6, count)
    return predicted, predicted + draw.normal(0, spread, count), np.arange(count).astype(str)
