"""The listings that a command trains with."""

from pathlib import Path

from listing_files.market_file import find_market
from listing_files.rejects import Reading
from terminal.errors import UsageFailure
from training.data.listings import Dataset, read_listings
from training.data.sample import DEFAULT_ROWS, write_sample

SAMPLE = Path("build/sample.csv")


def load_data(file: Path | None, reading: Reading | None = None) -> Dataset:
    """Return the population of a file, or of the generated sample, written anew, where none is named.

    The sample is of the market that the repository comes with; raises `UsageFailure` where another one is chosen.
    """
    if file is not None:
        return read_listings(file, reading)
    if reading and reading.market.name != find_market({}).name:
        raise UsageFailure(f"there is no generated sample of {reading.market.name}: name a file of listings")
    return read_listings(write_sample(SAMPLE, DEFAULT_ROWS), reading, generated=True)
