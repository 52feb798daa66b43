"""Damaged requests: cut, spliced, doubled, overwritten, filled with what is hard to read, oddly encoded, or large."""

import base64
import contextlib
import json
import random
from collections.abc import Callable
from typing import Any

from lambdas.asking.request import MOST_BYTES
from tests.events import listing
from tests.fuzz import SCRAPED, TOKENS, damaged
from tests.price_api.server import proxy_event

SPELT = {
    "neighborhood": "Santa Efigênia",
    "square-foot": "45-65",
    "rooms": "2-3",
    "garage-places": "--",
    "adm-fees": "1",
}
HOMES = [listing(), {"neighborhood": "Sion", "area_m2": 80}, SPELT, listing(7, address=None, rooms="3")]  # type: ignore[arg-type]
WHOLE = [json.dumps(each, ensure_ascii=False).encode() for each in (*HOMES, HOMES, [SPELT])]
HARD = [
    b"1e999",
    b"9" * 5_000,
    b"-" + b"9" * 400,
    b"NaN",
    b"true",
    b"5e-324",
    b"\xed\xa0\x80",
    b'"\\udc00"',
    b'"\\u0000"',
]
MEDIA_TYPES = ["application/json"] * 30 + [
    *("application/json; charset=utf-8", 'Application/JSON;a="b";charset="UTF-8"', "application/json;charset=utf-16"),
    *("text/plain", "", "application/problem+json", "application/json, text/html", "é\ud800"),
]
EXPLAIN = [None] * 30 + ["1", "true", "0", "FALSE", "", "2", "yes", "İ", "1" * 300, "\ud83d"]

Request = tuple[bytes, dict[str, Any]]
Way = Callable[[random.Random], bytes]


def _broken(rng: random.Random) -> bytes:
    return damaged(rng, rng.choice(WHOLE), WHOLE)


def _revalued(rng: random.Random) -> bytes:
    """Return a listing with something else in the place of a value, or twice under one name."""
    home = dict(rng.choice(HOMES))
    names = rng.sample([*home, "area_m2", "square-foot", " rooms ", "listing_id", "city"], rng.choice((1, 1, 2)))
    home |= {name: f"@{place}" for place, name in enumerate(names)}
    pairs = [f"{json.dumps(name)}: {json.dumps(value)}".encode() for name, value in home.items()]
    if rng.random() < 0.1:
        pairs.append(rng.choice(pairs))
    whole = b"{" + b", ".join(pairs) + b"}"
    for place in range(len(names)):
        kind = rng.random()
        value = json.dumps(rng.choice(SCRAPED)).encode() if kind < 0.6 else rng.choice(TOKENS if kind < 0.8 else HARD)
        whole = whole.replace(b'"@%d"' % place, value)
    return whole if rng.random() < 0.8 else b"[" + b",".join([whole, rng.choice(WHOLE), whole]) + b"]"


def _otherwise_encoded(rng: random.Random) -> bytes:
    whole = rng.choice(WHOLE)
    match rng.randrange(4):
        case 0:
            return b"\xef\xbb\xbf" + whole
        case 1:
            return whole.decode().encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32")))
        case 2:
            return whole.decode().encode("latin-1", "replace")
        case _:
            return json.dumps(json.loads(whole), indent=rng.choice((None, 1, 8))).encode()


def _large(rng: random.Random) -> bytes:
    """Return what is deep, long or many."""
    home = rng.choice(WHOLE[:4])
    match rng.randrange(6):
        case 0:
            return b"[" + b",".join([home] * rng.choice((2, 99, 100, 101, 500))) + b"]"
        case 1:
            return rng.choice((b"[", b'{"a":', b'[{"more":')) * rng.choice((100, 1_000, 100_000))
        case 2:
            deep = rng.choice((10, 500, 50_000))
            return home[:-1] + b', "x": ' + b"[" * deep + b"]" * deep + b"}"
        case 3:
            text = json.dumps(rng.choice(("x", "é", "\u0958", " ", "\x00")) * rng.choice((255, 256, 257, 20_000)))
            name = rng.choice((b"neighborhood", b"listing_id", b"address", b"city", b"rooms", b"x"))
            return home[:-1] + b', "' + name + b'": ' + text.encode() + b"}"
        case 4:
            return home + b" " * rng.choice((1, 10_000, MOST_BYTES))
        case _:
            return b"{" + b",".join([home[1:-1]] * rng.choice((2, 100))) + b"}"


def _bare(rng: random.Random) -> bytes:
    return rng.choice((b"", b"[]", b"{}", b"[{}]", b"[[]]", b"null", b"3", b'"x"', b"[null]", b'{"": 1}'))


WAYS: list[Way] = [_broken] * 40 + [_revalued] * 50 + [_otherwise_encoded] * 7 + [_bare] * 2 + [_large]


def request(rng: random.Random) -> Request:
    """Return a body and the event that it comes in."""
    content = rng.choice(WAYS)(rng)
    query, media_type = rng.choice(EXPLAIN), rng.choice(MEDIA_TYPES)
    event = proxy_event(content, {"Content-Type": media_type}, None if query is None else {"explain": query})
    match rng.randrange(60):
        case 0:
            event |= {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}
        case 1:
            event |= {"body": content.decode("utf-8", "surrogateescape"), "isBase64Encoded": False}
        case 2:
            event |= {"body": content.decode("latin-1"), "isBase64Encoded": True}
            with contextlib.suppress(ValueError):  # that it is none is the handler's to say
                content = base64.b64decode(event["body"], validate=True)
    return content, event
