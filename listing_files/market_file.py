"""Market files: `markets/NAME.yaml`, read and checked."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from listing_files.columns import SYNONYMS
from pricing.listing import FIELDS, Features
from pricing.market import InvalidMarket, Market, describe
from terminal.errors import Failure, UsageFailure

MARKETS = Path(__file__).parent.parent / "markets"
CHOSEN = "BELO_MARKET"
TAKEN = frozenset({*FIELDS, *Features.__struct_fields__, *SYNONYMS})  # names that no column of a market may have


def find_market(environ: Mapping[str, str], folder: Path = MARKETS) -> Market:
    """Return the market that BELO_MARKET names (a file, or one of `markets/`), else the only one there is.

    Raises `UsageFailure` where nothing says which, or there is no such market.
    """
    chosen = environ.get(CHOSEN)
    known = sorted(folder.glob("*.yaml"))
    names = ", ".join(path.stem for path in known)
    if not chosen:
        if len(known) != 1:
            raise UsageFailure(f"which market? Say it in {CHOSEN}: one of {names or 'none'}, or a file")
        return read_market(known[0])
    if path := next((path for path in (Path(chosen), folder / f"{chosen}.yaml") if path.is_file()), None):
        return read_market(path)
    raise UsageFailure(f"{CHOSEN}={chosen}: no such market; there are {names or 'none'}, or name a file")


def read_market(path: Path) -> Market:
    """Return the market that a file describes; raises `Failure` naming the field and the value."""
    try:
        market = msgspec.yaml.decode(path.read_bytes(), type=Market)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    except msgspec.ValidationError as error:  # what __post_init__ raises comes as one, too
        raise Failure(f"{path}: {describe(error)}") from None
    except (msgspec.DecodeError, InvalidMarket) as error:
        raise Failure(f"{path}: {error}") from None
    if taken := [name for name in market.columns if name in TAKEN]:
        raise Failure(f"{path}: columns.{taken[0]}: every listing has this field; a market names further ones only")
    if unknown := [name for name in market.headers if name not in SYNONYMS]:
        raise Failure(f"{path}: headers.{unknown[0]}: no such field; there are {', '.join(SYNONYMS)}")
    return market
