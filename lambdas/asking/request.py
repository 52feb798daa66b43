"""What somebody asks: the listings of a request, or what is wrong with it."""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct
from pybase64 import b64decode

from pricing.listing import Listing
from pricing.normalise import normalise
from pricing.refusal import InvalidRecord, refusal, shown

MOST_BYTES = 1_048_576
MOST_LISTINGS = 100
EXPLAIN = {"1": True, "true": True, "0": False, "false": False}


class Wrong(Struct, frozen=True):
    """What is wrong with one listing: its place in the request, counted from 0, and a sentence with field and value."""

    index: int
    error: str


class Refused(Exception):
    """A request that is not answered with prices: the HTTP status, a sentence, and what is wrong with which listing."""

    def __init__(self, status: int, detail: str, errors: list[Wrong] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail.encode("utf-8", "replace").decode()  # a header may show half a character
        self.errors = errors or []


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: rows that describe listings, whether there is one alone, and whether to say why."""

    rows: list[dict[str, Any]]
    alone: bool
    explain: bool

    def listings(self, kind: type[Listing]) -> list[Listing]:
        """Return the listings, which may have columns of the market's own; raises `Refused` (422) with every error.

        One without `listing_id` is called L- and its place, counted from 1.
        """
        found: list[Listing] = []
        errors: list[Wrong] = []
        for index, row in enumerate(self.rows):
            try:
                found.append(normalise(row, f"L-{index + 1}", kind))
            except InvalidRecord as error:
                errors.append(Wrong(index, str(error)))
        if errors:
            raise Refused(
                422,
                errors[0].error if self.alone else f"{len(errors)} of {len(self.rows)} listings are not valid",
                errors,
            )
        return found


def read(event: Mapping[str, Any]) -> Request:
    """Return the request of an API Gateway proxy event (REST); raises `Refused`."""
    explain = (event.get("queryStringParameters") or {}).get("explain")
    explain = "0" if explain is None else explain.lower()
    if explain not in EXPLAIN:
        raise Refused(400, f"explain: expected 1 or 0, got {shown(explain)}")
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    media_type, _, parameters = (headers.get("content-type") or "").partition(";")
    if media_type.strip().lower() != "application/json":
        raise Refused(415, f"content-type: expected application/json, got {shown(media_type.strip())}")
    charset = _charset(parameters)
    if charset not in {"", "utf-8", "utf8"}:
        raise Refused(415, f"content-type: expected UTF-8, got {shown(charset)}")
    document = _decoded(_body(event))
    alone = isinstance(document, dict)
    rows = [document] if alone else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused(422, f"expected a listing (an object) or a list of listings, got {_what(document)}")
    if not rows:
        raise Refused(422, f"expected 1 to {MOST_LISTINGS} listings, got none")
    if len(rows) > MOST_LISTINGS:
        raise Refused(413, f"expected at most {MOST_LISTINGS} listings, got {len(rows):,}")
    return Request(rows, alone, EXPLAIN[explain])


def _charset(parameters: str) -> str:
    """Return the `charset` of a media type's parameters, "" where they have none."""
    for each in parameters.lower().split(";"):
        name, _, value = each.partition("=")
        if name.strip() == "charset":
            return value.strip().strip('"')
    return ""


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            content = b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise Refused(400, "the body is not base64, as the gateway says it is") from None
    else:
        content = body.encode("utf-8", "surrogatepass")
    if len(content) > MOST_BYTES:
        raise Refused(413, f"expected at most {MOST_BYTES:,} bytes, got {len(content):,}")
    return content


def _decoded(content: bytes) -> object:
    try:
        content.decode()  # the decoder looks at less
        return msgspec.json.decode(content)
    except msgspec.ValidationError:  # no type is asked for: a number beyond a double, or of thousands of digits
        raise Refused(400, "a number is too large to be read") from None
    except (ValueError, RecursionError) as error:
        raise Refused(400, str(refusal(content, error))) from None


def _what(document: object) -> str:
    strange = (
        next((each for each in document if not isinstance(each, dict)), None)
        if isinstance(document, list)
        else document
    )
    return shown(strange)
