"""Scraped spelling, as it stands in requests, turned into a canonical listing; and what means unknown everywhere.

`square-foot` holds square metres whatever its name says, `2-3` is a range, `--` means unknown, and
numbers come as text. Values are converted, never judged here: what a valid listing is, `Listing` says.
Files are read by `listing_files`, which knows more spellings, and finds out how a file as a whole writes its numbers.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from pricing.listing import Listing
from pricing.refusal import InvalidRecord, listing_refusal, shown

SPELLINGS = {
    "square-foot": "area_m2",
    "garage-places": "garage_places",
    "adm-fees": "adm_fees",
}
_COUNTS = ("rooms", "garage_places")
_NUMBERS = ("area_m2", "adm_fees", "latitude", "longitude", *_COUNTS)
_TEXTS = ("listing_id", "neighborhood", "city", "address")

_EXACT = 2**53  # whole numbers up to here are exact as floats
# Markers of the unknown, in any case: of people, spreadsheets, pandas, R and databases.
_UNKNOWN = frozenset(
    {
        *("", "-", "--", "---", "?", "n/a", "na", "n.a.", "#n/a", "<na>", "nan", "nat", "null", "none", "nil"),
        *("unknown", "undefined", "not available", "desconhecido", "desconhecida", "não informado", "nao informado"),
        *("sem informação", "sem informacao", "sob consulta"),
    }
)
_LONGEST = 16  # characters; what is longer says something
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_RANGE = re.compile(r"(\d{1,15}(?:\.\d+)?)\s*-\s*(\d{1,15}(?:\.\d+)?)", re.ASCII)


def normalise(row: Mapping[str, object], listing_id: str, kind: type[Listing] = Listing) -> Listing:
    """Return the listing that a row of a file or a request describes.

    Canonical names win over scraped ones, and blanks around a name do not matter; `listing_id` serves where the
    row names none. `kind`: the class of the market's listings; its own columns are taken as they are. Unknown fields
    (`price` among them) are ignored. Raises `InvalidRecord` naming the field and the value.
    """
    values: dict[str, object] = {}
    for column, value in row.items():
        name = column.strip()
        field = SPELLINGS.get(name, name)
        if field not in values or name == field:
            values[field] = value
    listing: dict[str, object] = {}
    for field in _TEXTS:
        listing[field] = _text(values.get(field))
    for field in _NUMBERS:
        listing[field] = _number(field, values.get(field))
    listing |= {field: values[field] for field in kind.__struct_fields__ if field in values and field not in listing}
    named = identifier(listing["listing_id"])
    listing["listing_id"] = listing_id if named is None else named
    known = {field: value for field, value in listing.items() if value is not None}
    try:
        return msgspec.convert(known, kind)
    except msgspec.ValidationError as error:
        raise listing_refusal(error, known) from None


def identifier(value: object) -> object:
    """Return an identifier that a table keeps as a whole number (1, 1.0 or a decimal) as text, else `value`."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, float) and not abs(value) <= _EXACT:
        return value
    if isinstance(value, Decimal) and not value.is_finite():
        return value
    return str(int(value)) if value == int(value) else value


def number_or_range(text: str) -> float | None:
    """Return a number written as text, the midpoint of a range, or None where it says unknown.

    Raises `ValueError` for anything else, `inf` included.
    """
    text = text.strip()
    if is_unknown(text):
        return None
    if _NUMBER.fullmatch(text):
        return float(text)
    if bounds := _RANGE.fullmatch(text):
        return (float(bounds[1]) + float(bounds[2])) / 2
    raise ValueError(text)


def _text(value: object) -> object:
    if is_missing(value):
        return None
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value


def _number(field: str, value: object) -> object:
    if is_missing(value):
        return None
    if not isinstance(value, str):
        return value
    try:
        number = number_or_range(value)
    except ValueError:
        raise InvalidRecord("invalid_listing", f"{field}: expected a number, got {shown(value)}") from None
    if number is not None and field in _COUNTS and _RANGE.fullmatch(value.strip()):
        return float(math.ceil(number))
    return number


def is_unknown(text: str) -> bool:
    """Return whether a text is one of the usual markers of the unknown."""
    return text == "" or (
        not text[0].isdecimal() and len(text := text.strip()) < _LONGEST and text.casefold() in _UNKNOWN
    )


def is_missing(value: object) -> bool:
    """Return whether a value of a row says unknown: None, NaN (how tables write it), or a text that says so."""
    if isinstance(value, str):
        return is_unknown(value)
    return value is None or (isinstance(value, float | Decimal) and math.isnan(value))
