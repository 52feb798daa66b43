"""What the commands train with: the listings, and the knobs."""

from pathlib import Path

import msgspec

from training.data import Dataset, read_listings
from training.params import Params, read_params
from training.sample import DEFAULT_ROWS, write_sample

SAMPLE = Path("build/sample.csv")


def load_data(file: Path | None) -> Dataset:
    """Return the population of a file, or of the generated sample, written anew, where none is named."""
    if file is None:
        return read_listings(write_sample(SAMPLE, DEFAULT_ROWS), generated=True)
    return read_listings(file)


def choose_params(*, seed: int | None = None, quick: bool = False) -> Params:
    """Return the knobs of `params.yaml` with a seed of one's own, or without the search."""
    params = read_params()
    if quick:
        params = msgspec.structs.replace(params, search=msgspec.structs.replace(params.search, trials=0))
    return params if seed is None else msgspec.structs.replace(params, seed=seed)
