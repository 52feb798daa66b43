"""Which unit or currency explains a price that is out by a factor."""

from collections.abc import Iterator

from pricing.market import Market, Range


def unit(factor: float, market: Market | None) -> str:
    """Return which unit or currency explains a factor on prices; other currencies are the market's to name."""
    explained = (name for (low, high), name in _units(market) if low <= factor <= high)
    found = next(explained, None)
    return f"{found} would explain it" if found else f"no unit or currency that we know makes a factor of {factor:.2f}"


def _units(market: Market | None) -> Iterator[tuple[Range, str]]:
    """Yield by what the unit or currency of a price is out, as factors of the true price, and its name."""
    ours = market.currency if market else "the market's currency"
    for other in market.exchange if market else ():
        low, high = other.rate
        yield other.rate, f"{other.name} in place of {ours}"
        yield (1 / high, 1 / low), f"{ours} that were taken for {other.name}"
    yield (0.085, 0.12), "a digit too few"
    yield (8.5, 12.0), "a digit too many"
    yield (85.0, 120.0), f"cents in place of whole {ours}"
    yield (0.0085, 0.013), "prices per square metre"
    yield (0.002, 0.0065), "monthly rents"
    yield (0.0008, 0.0013), f"thousands of {ours}"
    yield (800.0, 1300.0), f"{ours} that were taken for thousands"
