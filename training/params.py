"""The knobs of training, read once from `params.yaml`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec import Struct

from listing_files.market_file import find_market
from pricing.market import Market
from terminal.errors import Failure, UsageFailure

DEFAULT_PARAMS = Path(__file__).with_name("params.yaml")


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """How groups of listings are divided: the splits of an evaluation, and the part that no champion learns."""

    test_share: float
    splits: int
    kept_share: float
    turn: int


class Encoding(Struct, frozen=True, forbid_unknown_fields=True):
    """Shrinkage of the target encodings, in listings, and the folds that cross-fit them."""

    neighborhood_prior: float
    street_prior: float
    stock_prior: float
    folds: int


class Boosting(Struct, frozen=True, forbid_unknown_fields=True):
    """Gradient boosting."""

    iterations: int
    leaves: int
    learning_rate: float
    min_samples_leaf: int
    l2: float
    max_features: float


class Kernel(Struct, frozen=True, forbid_unknown_fields=True):
    """Kernel ridge regression on landmarks."""

    landmarks: int
    gamma: float
    alpha: float


class ElasticNetParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The elastic net."""

    alpha: float
    l1_ratio: float


class IntervalParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The conformal interval."""

    coverage: float
    folds: int
    bands: int


class Export(Struct, frozen=True, forbid_unknown_fields=True):
    """What export checks and ships."""

    golden_rows: int
    parity: float


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    """The search for better knobs of the champion's recipe."""

    trials: int
    min_gain: float
    ranges: dict[str, tuple[float, float]]


class Judging(Struct, frozen=True, forbid_unknown_fields=True):
    """What a challenger must show."""

    min_rows: int
    min_slice: int
    draws: int
    confidence: float
    seed: int
    level_limit: float
    slice_margin: float
    nowhere_margin: float
    coverage: tuple[float, float]
    fairness_margin: float
    behaviour: dict[str, float]
    tercile_coverage: float
    parity: float
    microseconds: float
    megabytes: float


class Knobs(Struct, frozen=True, forbid_unknown_fields=True):
    """Every knob of training, as `params.yaml` has them."""

    seed: int
    split: Split
    encoding: Encoding
    boosting: Boosting
    trees_share: float
    kernel: Kernel
    elastic_net: ElasticNetParams
    expected_error: Boosting
    interval: IntervalParams
    export: Export
    search: Search
    judge: Judging


class Params(Knobs, frozen=True, kw_only=True):
    """Every knob of training, and the market that is trained for."""

    market: Market


def read_params(path: Path = DEFAULT_PARAMS, market: Market | None = None) -> Params:
    """Return the knobs in a file, for a market, or the only one there is; raises `Failure` naming what is wrong."""
    try:
        knobs = msgspec.yaml.decode(path.read_bytes(), type=Knobs)
    except (OSError, msgspec.DecodeError) as error:
        raise Failure(f"{path.name}: {error}") from error
    return Params(*msgspec.structs.astuple(knobs), market=market or find_market({}))


LEVEL_LIMIT = "BELO_PRICE_LEVEL_LIMIT"


def choose_params(
    *, seed: int | None = None, quick: bool = False, environ: Mapping[str, str] = MappingProxyType({})
) -> Params:
    """Return the knobs of `params.yaml` with a seed of one's own, or without the search.

    BELO_MARKET chooses the market. BELO_PRICE_LEVEL_LIMIT, a fraction above 0, stands for the judge's; raises
    `UsageFailure` where one of them is none.
    """
    params = read_params(market=find_market(environ))
    if stated := environ.get(LEVEL_LIMIT):
        judging = msgspec.structs.replace(params.judge, level_limit=_fraction(stated))
        params = msgspec.structs.replace(params, judge=judging)
    if quick:
        params = msgspec.structs.replace(params, search=msgspec.structs.replace(params.search, trials=0))
    return params if seed is None else msgspec.structs.replace(params, seed=seed)


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10:
        raise UsageFailure(f"{LEVEL_LIMIT}: expected a fraction above 0, such as 0.35, got {text}")
    return value
