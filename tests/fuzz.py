"""Millions of damaged payloads through decode, split and normalise: `python -m tests.fuzz --payloads 2000000`.

tests/pricing/test_fuzz.py finds small examples; this goes far. Only declared errors may come out, each payload in
less than a second, and the process must not grow. The last line on stdout is a JSON object; exit code 1: a finding.
"""

import argparse
import faulthandler
import json
import random
import re
import resource
import sys
import time
from collections import Counter
from hashlib import md5
from typing import TYPE_CHECKING

from pricing import aggregation
from pricing.aggregation import MAGIC, DamagedAggregate, split
from pricing.listing import decode, encode
from pricing.normalise import normalise
from pricing.refusal import InvalidRecord
from tests.events import event, payload

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW = 1.0  # seconds for one payload, and the finding is that it is slow
HANG = 60.0  # seconds without a thousand payloads done: all threads' stacks are shown, and it ends
GROWTH = 200  # MiB
LARGEST = 64_000  # bytes; most payloads are small, so that there are many

EVENTS = [
    payload(),
    payload("L-2", neighborhood="Santa Efigênia", rooms=None),
    json.dumps(event("L-3", extra={"deeply": [1, {"nested": None}]})).encode(),
]
AGGREGATES = [
    aggregation.join([("a", EVENTS[0]), ("b", EVENTS[1]), ("a", b"not json")]),
    aggregation.join([(f"key-{n}", b"{}") for n in range(10)]),
]
SCRAPED = ["2-3", "--", "45 - 65", "1e5", "-3", "", " ", "nan", "12 m²", "٣", "Buritis", 3, 2.5, None, True, 10**400]
TOKENS = [
    *[b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\ud800", b"\\u0000", b"null", b"true", b"NaN", b"-Infinity"],
    *[b"1e999", b"-0", b"9" * 400, b"0." + b"0" * 400 + b"1", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00"],
    *[b'""', b'"x"', b"7", b"-1.5", b"1e3", b"{}", b"[]", b'"' + b"x" * 300 + b'"', b'"\\u0061"', b"2.0", b'"1.0"'],
    *[b'"area_m2":-1,', b'"rooms":2.5,', b'"data":{},', b'"data":', b'"id":"x",', b"\x80" * 12, MAGIC],
    *[b"\x0a\x00", b"\x1a\x00", b"\x1a\x04\x08\x00\x1a\x00", b"\x0a\xff\xff\xff\xff\x7f", b"\x0a\x01a"],
]
BOMBS = [b"[" * LARGEST, b'{"a":' * 10_000, b"9" * LARGEST, b'"a":1,' * 10_000]
BOMBS += [token * 10_000 for token in TOKENS[-5:]]
VALUES = [match.span(1) for match in re.finditer(rb": ([^{},]+)", EVENTS[0])]


def damaged(rng: random.Random, whole: bytes, others: list[bytes]) -> bytes:
    """Return a payload with a few places cut, moved, doubled, overwritten or filled with what is hard to read."""
    data = bytearray(whole)
    large = rng.random() < 0.01
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        place = rng.randint(0, len(data))
        end = min(len(data), place + rng.choice((0, 1, 1, 2, 8, 64)))
        match rng.randrange(6):
            case 0:
                data[place:end] = b""
            case 1:
                data[place:end] = rng.choice(BOMBS if large else TOKENS)
            case 2:
                data[place:place] = data[place:end] * (1_000 if large else 1)
            case 3:
                other = rng.choice(others)
                data[place:] = other[rng.randint(0, len(other)) :]
            case 4 if place < len(data):
                data[place] ^= 1 << rng.randrange(8)
            case _:
                data[place:place] = rng.randbytes(rng.choice((1, 2, 16)))
        del data[LARGEST:]
    return bytes(data)


def revalued(rng: random.Random) -> bytes:
    """Return an event with something else in the place of some values."""
    data = EVENTS[0]
    for start, end in sorted(rng.sample(VALUES, rng.choice((1, 1, 2))), reverse=True):
        data = data[:start] + rng.choice(TOKENS) + data[end:]
    return data


def one_event(rng: random.Random) -> str:
    """Decode a damaged event; what was accepted must survive a round trip."""
    data = revalued(rng) if rng.random() < 0.5 else damaged(rng, rng.choice(EVENTS), EVENTS)
    try:
        accepted = decode(data)
    except InvalidRecord as error:
        assert 0 < len(str(error)) < 1_000, data
        return error.reason
    assert decode(encode(accepted)) == accepted, data
    return "accepted"


def one_aggregate(rng: random.Random) -> str:
    """Split a damaged aggregated record with a right checksum; what is in it is no larger than it."""
    body = damaged(rng, rng.choice(AGGREGATES)[len(MAGIC) : -16], AGGREGATES)
    try:
        members = split(MAGIC + body + md5(body, usedforsecurity=False).digest())
    except DamagedAggregate as error:
        assert 0 < len(str(error)) < 1_000, body
        return "damaged"
    assert members is not None
    assert sum(len(data) for _, data in members) <= len(body), body
    return "split"


def one_row(rng: random.Random) -> str:
    """Normalise a row in which anything may stand."""
    names = ["neighborhood", "square-foot", "area_m2", "rooms", "garage-places", "adm-fees", "latitude", "address"]
    row: dict[str, object] = {"neighborhood": "Sion", "square-foot": "80"}
    for name in rng.sample(names, rng.randint(1, 4)):
        row[name] = rng.choice(SCRAPED)
    try:
        listing = normalise(row, "L-1")
    except InvalidRecord as error:
        assert error.reason == "invalid_listing", row
        return "row refused"
    assert 0 < listing.area_m2 <= 100_000, row
    return "row accepted"


def run(payloads: int, seed: int) -> dict[str, object]:
    """Fuzz; return the figures. Raises what should not have come out, or AssertionError with the payload."""
    ends: Counter[str] = Counter()
    size, started = _peak(), time.perf_counter()
    try:
        slowest = _run(random.Random(seed), payloads, ends)
    finally:
        faulthandler.cancel_dump_traceback_later()
    growth = _peak() - size
    assert growth < GROWTH, f"the process grew by {growth:.0f} MiB"
    figures = {"payloads": payloads, "seed": seed, "ends": ends, "slowest_ms": round(slowest * 1_000, 1)}
    return {**figures, "growth_mib": round(growth, 1), "seconds": round(time.perf_counter() - started, 1)}


def _run(rng: random.Random, payloads: int, ends: Counter[str]) -> float:
    ways: list[Callable[[random.Random], str]] = [one_event, one_event, one_aggregate, one_row]
    slowest = 0.0
    for number in range(payloads):
        if number % 1_000 == 0:
            faulthandler.dump_traceback_later(HANG, exit=True)
        before = time.perf_counter()
        ends[rng.choice(ways)(rng)] += 1
        slowest = max(slowest, time.perf_counter() - before)
        assert slowest < SLOW, f"payload {number} took {slowest:.1f} s"
    return slowest


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB; kilobytes on Linux


def main() -> None:
    """Run as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--payloads", type=int, default=2_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=20261124, help="the same seed is the same run")
    options = parser.parse_args()
    try:
        print(json.dumps(run(options.payloads, options.seed)))
    except AssertionError as finding:
        sys.exit(f"fuzz: {str(finding)[:2_000]}")


if __name__ == "__main__":
    main()
