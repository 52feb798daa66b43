"""The listings that a command trains with."""

from pathlib import Path

from training.data.listings import Dataset, read_listings
from training.data.sample import DEFAULT_ROWS, write_sample

SAMPLE = Path("build/sample.csv")


def load_data(file: Path | None) -> Dataset:
    """Return the population of a file, or of the generated sample, written anew, where none is named."""
    if file is None:
        return read_listings(write_sample(SAMPLE, DEFAULT_ROWS), generated=True)
    return read_listings(file)
