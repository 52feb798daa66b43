"""A market in which a tiny champion is right but for noise, and contenders that are more or less like it."""

import msgspec
import numpy as np

from pricing.listing import Features
from pricing.manifest import Offsets
from pricing.model import load
from tests.champions import champion
from tests.market import MARKET
from training.params import read_params
from training.promotion.contenders import Contender, Evidence

KNOBS = read_params().judge
REFERENCE = {"rows": 100, "neighborhood": {"Buritis": 0.6, "Savassi": 0.4}}
INTERVAL = {"coverage": 0.9, "edges": [], "low": [-0.33], "high": [0.33]}


def contender(version="2", *, base=9.0, parity=1e-6, microseconds=5.0, size=500_000, low=-0.33):
    interval = Offsets(0.9, [], [low], [-low])
    market = msgspec.to_builtins(MARKET)
    made = champion(version, base=base, reference=REFERENCE, interval=interval, market=market)
    model = load(made.model, made.manifest)
    assert msgspec.to_builtins(model.manifest.interval)["low"] == [low]
    return Contender(version, model, size, parity, microseconds)


def evidence(n=600, noise=0.2, seed=0):
    """A market in which a tiny champion with base 9.0 is right but for noise."""
    draw = np.random.default_rng(seed)
    homes = [
        Features(neighborhood=str(draw.choice(["Buritis", "Savassi"])), area_m2=float(draw.integers(30, 300)))
        for _ in range(n)
    ]
    right = contender().model.log_prices(homes)
    return Evidence(homes, right + draw.normal(0, noise, n), np.array([f"g{i // 2}" for i in range(n)]))
