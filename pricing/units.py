"""Which unit or currency explains a price that is out by a factor."""

# By what the unit or currency of a price is out, as factors of the price in BRL. Rates of exchange: Banco Central do
# Brasil (PTAX), 2021 to 2026: 4.6 to 6.3 BRL to the US dollar, 5.0 to 7.0 to the euro.
UNITS = (
    ((0.14, 0.22), "US dollars or euros in place of BRL"),
    ((4.5, 7.0), "BRL that were taken for US dollars or euros"),
    ((0.085, 0.12), "a digit too few"),
    ((8.5, 12.0), "a digit too many"),
    ((85.0, 120.0), "centavos in place of BRL"),
    ((0.0085, 0.013), "prices per square metre"),
    ((0.002, 0.0065), "monthly rents"),
    ((0.0008, 0.0013), "thousands of BRL"),
    ((800.0, 1300.0), "BRL that were taken for thousands"),
)


def unit(factor: float) -> str:
    """Return which unit or currency explains a factor on prices."""
    explained = (name for (low, high), name in UNITS if low <= factor <= high)
    found = next(explained, None)
    return f"{found} would explain it" if found else f"no unit or currency that we know makes a factor of {factor:.2f}"
