"""What is answered: prices, or a problem (RFC 9457) that names field and value."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from lambdas.asking.request import Refused
from pricing.answer.answer import Answer

_encode = msgspec.json.Encoder().encode
RETRY_AFTER = {503: "10"}  # seconds


class WrongField(Struct, frozen=True):
    """What is wrong with one listing: its place in the request, counted from 0, its field, and a sentence with both."""

    index: int
    field: str
    error: str


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why there are no prices, as RFC 9457 writes it; `errors` where single listings are wrong."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[WrongField] = []


def priced(answers: Sequence[Answer], *, alone: bool) -> dict[str, Any]:
    """Return the reply with the answer to one listing, or with all in the order of the request, under `prices`."""
    return _reply(200, "application/json", answers[0] if alone else {"prices": answers})


def problem(refused: Refused) -> dict[str, Any]:
    """Return the reply that says why there are no prices."""
    document = Problem(
        type="about:blank",
        title=HTTPStatus(refused.status).phrase,
        status=refused.status,
        detail=refused.detail,
        errors=[WrongField(each.index, each.error.partition(":")[0], each.error) for each in refused.errors],
    )
    return _reply(refused.status, "application/problem+json", document)


def _reply(status: int, media_type: str, document: object) -> dict[str, Any]:
    headers = {"content-type": media_type, "cache-control": "no-store"}
    if status in RETRY_AFTER:
        headers["retry-after"] = RETRY_AFTER[status]
    return {"statusCode": status, "headers": headers, "body": _encode(document).decode(), "isBase64Encoded": False}
