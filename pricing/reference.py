"""What a model's training part looked like: the distributions that new listings are held against."""

from msgspec import Struct


class Bins(Struct, frozen=True):
    """Shares of known values in bins; the outer bins are open, and a value on an edge belongs below it."""

    edges: list[float]
    shares: list[float]


class Offset(Struct, frozen=True):
    """Mean, standard deviation and number of log(actual / predicted) on listings the model did not see."""

    mean: float
    sd: float
    n: int


class Reference(Struct, frozen=True):
    """Distributions of a training part of `rows` listings; `missing` and `neighborhood` are shares by name."""

    rows: int
    numeric: dict[str, Bins]
    missing: dict[str, float]
    neighborhood: dict[str, float]
    log_price: Bins
    offset: Offset
    expected_error: float | None = None  # mean absolute error of the log price that the model expects of such homes
    area_per_room: list[float] | None = None  # m², of all but the most extreme homes
