"""The market that the tests are of: the one that the repository comes with."""

from listing_files.market_file import find_market

MARKET = find_market({})
