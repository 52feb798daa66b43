"""The JSON Schema of a listing in a request: what `pricing.normalise` reads and `pricing.listing.Listing` takes.

It is exact but for this. The service takes, and the schema does not describe: numbers as text with an exponent ("1e2")
or -0; a range with an end beyond a limit, whose midpoint is within; names of fields with blanks around; texts that are
too long only until their accents are composed. The schema takes, and the service refuses: texts that are too long when
composed, numbers beyond a double's range, a listing's name that is 1e20 or has 300 digits, and a market's own columns
out of their limits.
"""

import re
from typing import Any

import msgspec

from pricing import normalise
from pricing.listing import TEXT_LIMIT, Listing

Schema = dict[str, Any]

BLANK = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # what `str.strip` takes off
BLANKS, NO_BLANK = f"[{BLANK}]*", f"[^{BLANK}]"
NUMBERS = {
    "area_m2": ("Area", "An area in m²: a number, or one as text."),
    "rooms": ("Count", "A whole number, or one as text. A range stands for its midpoint, rounded up."),
    "garage_places": ("Count", "A whole number, or one as text. A range stands for its midpoint, rounded up."),
    "adm_fees": ("Fee", "An amount a month in the market's currency: a number, or one as text."),
    "latitude": ("Latitude", "Degrees north: a number, or one as text."),
    "longitude": ("Longitude", "Degrees east: a number, or one as text."),
}
FIELDS = {
    "listing_id": (
        "Your name for the listing, which its price comes back with: text of up to 256 characters (blanks around do "
        "not count), or a whole number. "
        "Without one, a listing is called L- and its place in the request: L-1, L-2 and so on."
    ),
    "neighborhood": (
        "The neighbourhood, 1 to 256 characters. Capitals, accents and punctuation do not matter. A home in one that "
        "the model has never seen is priced, too, with the warning `unknown_neighborhood`."
    ),
    "city": "The city. The model knows one; any other gives the warning `outside_city`.",
    "address": "The address. What stands before its first comma is taken for the street.",
    "area_m2": "The living area in m², above 0 and up to 100,000.",
    "rooms": "How many bedrooms, a whole number from 0 to 1,000.",
    "garage_places": "How many parking places, a whole number from 0 to 1,000.",
    "adm_fees": "The fee for the building's upkeep, a month, in the market's currency, from 0 to 10,000,000.",
    "latitude": "Degrees north (WGS 84), from -90 to 90; south is negative.",
    "longitude": "Degrees east (WGS 84), from -180 to 180; west is negative.",
}
LISTING = """\
A home for sale. Its neighbourhood and its area are needed; the more is known of it, the better its price.

Three fields may be spelt as scraped pages spell them: `square-foot`, `garage-places` and `adm-fees`. Where a listing \
has both spellings, `area_m2`, `garage_places` and `adm_fees` count, and the others are not read.

A number may come as text, "102", and as a range, "2-3", which stands for its midpoint. What is unknown may be left \
out, null, or one of the usual texts for it, such as "", "--" or "n/a".

A market may have columns of its own; they are read by their names. Any other field is ignored, `price` too. Blanks \
around names and texts do not matter."""


def components() -> dict[str, Schema]:
    """Return the schemas of a listing, in both spellings, and of what it is made of."""
    (_, kinds) = msgspec.json.schema_components([Listing])
    listing = kinds["Listing"]
    needed = [name for name in listing["required"] if name != "listing_id"]  # the request's place serves for it
    limits = {name: present(each) for name, each in listing["properties"].items()}
    numbers = {
        name: {"title": name, "description": words, "anyOf": [limits[field], _text(_number(limits[field]))]}
        for field, (name, words) in NUMBERS.items()
    }
    known = {name: _field(name, limits[name], name in needed) for name in limits}
    return {"Listing": _listing(known, needed), **numbers, "Unknown": _unknown()}


def present(schema: Schema) -> Schema:
    """Return the schema of a field where there is one: without null and default."""
    found: Schema = next((each for each in schema.get("anyOf", ()) if each != {"type": "null"}), schema)
    return {name: each for name, each in found.items() if name != "default"}


def _listing(known: dict[str, Schema], required: list[str]) -> Schema:
    spelt = {
        scraped: {"description": f"What scraped pages call `{field}`. Not read where there is `{field}`."}
        for scraped, field in normalise.SPELLINGS.items()
    }
    spelt["square-foot"]["description"] += " It is in m², whatever its name says."
    return {
        "title": "Listing",
        "description": LISTING,
        "type": "object",
        "required": [name for name in required if name not in normalise.SPELLINGS.values()],
        "properties": {name: each | {"description": FIELDS[name]} for name, each in known.items()} | spelt,
        "allOf": [
            _either(field, scraped, known[field], needed=field in required)
            for scraped, field in normalise.SPELLINGS.items()
        ],
    }


def _either(field: str, scraped: str, schema: Schema, *, needed: bool) -> Schema:
    """Return that a field's scraped spelling is read where the canonical one is absent."""
    alone: Schema = {"properties": {field: False, scraped: schema}}
    return {"anyOf": [{"required": [field]}, alone | ({"required": [scraped]} if needed else {})]}


def _field(name: str, limits: Schema, needed: bool) -> Schema:  # noqa: FBT001 - private
    unknown, null = {"$ref": "#/components/schemas/Unknown"}, {"type": "null"}
    if name in NUMBERS:
        number = {"$ref": f"#/components/schemas/{NUMBERS[name][0]}"}
        return number if needed else {"anyOf": [number, unknown, null]}
    if name == "listing_id":
        return {"anyOf": [_text(f"(?:{_limited()})?"), {"type": "integer"}, null]}
    return _text(_limited()) | {"not": unknown} if needed else {"anyOf": [limits, null]}


def _limited() -> str:
    """Return a pattern of 1 to 256 characters without blanks around."""
    return rf"{NO_BLANK}(?:[\s\S]{{0,{TEXT_LIMIT - 2}}}{NO_BLANK})?"


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^{BLANKS}(?:{pattern}){BLANKS}$"}


def _unknown() -> Schema:
    markers = "|".join(map(_any_case, sorted(normalise._UNKNOWN)))  # the one list of them
    words = "A text that says unknown: nothing but blanks, or one of the usual markers, in capitals or not."
    return {"title": "Unknown", "description": words, **_text(markers)}


def _any_case(marker: str) -> str:
    return "".join(
        f"[{each}{each.upper()}]" if each.isalpha() else re.sub(r"[.?]", r"\\\g<0>", each) for each in marker
    )


def _number(limits: Schema) -> str:
    """Return a pattern of the numbers within limits, alone or as a range."""
    most = int(limits["maximum"])
    below = _below(most)
    digit = "0" if "multipleOf" in limits else "[0-9]"
    alone = rf"0*(?:{below})(?:\.{digit}*)?|0*{most}(?:\.0*)?|\.{digit}+"
    end = rf"(?![0-9]{{16}})0*(?:(?:{below})(?:\.[0-9]+)?|{most}(?:\.0+)?)"
    sign = "[+-]?" if limits.get("minimum", 0) < 0 else r"\+?"
    not_zero = "(?=.*[1-9])" if "exclusiveMinimum" in limits else ""
    return rf"{not_zero}(?:{sign}(?:{alone})|{end}[\t-\r ]*-[\t-\r ]*{end})"


def _below(limit: int) -> str:
    """Return a pattern of the whole numbers below a limit."""
    digits = str(limit)
    found = [rf"[0-9]{{1,{len(digits) - 1}}}"]
    for place, digit in enumerate(digits):
        least = int(place == 0)
        if int(digit) > least:
            found.append(rf"{digits[:place]}[{least}-{int(digit) - 1}][0-9]{{{len(digits) - place - 1}}}")
    return "|".join(found)
