"""Random streams of listing events: good ones, repeats, and records that can never be priced."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pricing import aggregation

Identity = tuple[str, str]  # an event's source and id

NEIGHBORHOODS = ("Buritis", "Savassi", "Lourdes", "Onde ninguém morou")


@dataclass(frozen=True, slots=True)
class Submission:
    """One record as a publisher puts it, and what must become of it: a price, or a dead letter with
    `reason`."""

    payload: bytes
    partition_key: str
    identity: Identity | None = None
    reason: str | None = None
    neighborhood: str = ""
    area_m2: float = 0.0


def good(rng: random.Random, event_id: str, listing_id: str) -> Submission:
    """A valid event; hardly two have the same price, so that prices that change places are noticed."""
    identity = ("/marketplace" if rng.random() < 0.9 else "/café", event_id)
    neighborhood, area = rng.choice(NEIGHBORHOODS), round(rng.uniform(20, 1_000), 3)
    payload = json.dumps(_event(identity, listing_id, neighborhood, area), ensure_ascii=False).encode()
    return Submission(payload, listing_id, identity, None, neighborhood, area)


def bad(rng: random.Random, event_id: str, listing_id: str) -> Submission:
    """A record that is refused, each time for one of several reasons."""
    event = _event(("/marketplace", event_id), listing_id, "Buritis", 100.0)
    text = json.dumps(event)
    reason, payload = rng.choice(
        [
            ("invalid_json", b""),
            ("invalid_json", text.encode()[:-9]),
            ("invalid_json", _damaged(aggregation.join([(listing_id, text.encode())]))),
            ("invalid_json", b"\xff\xfe" + text.encode()),
            ("invalid_json", text.replace("100.0", "NaN").encode()),
            ("invalid_event", json.dumps(event | {"specversion": "0.3"}).encode()),
            ("invalid_event", json.dumps(event | {"id": ""}).encode()),
            ("invalid_event", json.dumps([event]).encode()),
            ("invalid_listing", text.replace("100.0", "-3").encode()),
            ("invalid_listing", text.replace("100.0", '"100.0"').encode()),
            ("invalid_listing", text.replace('"area_m2"', '"square-foot"').encode()),
            ("invalid_listing", text.replace("100.0", "100000.1").encode()),
        ]
    )
    return Submission(payload, listing_id, reason=reason)


def _damaged(aggregate: bytes) -> bytes:
    return aggregate[:-1] + bytes([aggregate[-1] ^ 1])


@dataclass(frozen=True, slots=True)
class Mix:
    """What a stream is made of, in shares of its records."""

    bad: float = 0.03
    repeats: float = 0.0
    aggregates: float = 0.0


def records(seed: int, count: int, mix: Mix) -> Iterator[tuple[Submission, ...]]:
    """Yield `count` records of about a quarter as many listings, the same ones for the same seed.

    A record with several submissions is an aggregate; they are all of one listing, as the order per listing
    asks.
    """
    rng = random.Random(seed)
    sent: list[Submission] = []
    for number in range(count):
        listing_id = f"L-{seed}-{rng.randrange(count // 4 + 1)}"
        if sent and rng.random() < mix.repeats:
            yield (rng.choice(sent[-200:]),)
            continue
        size = rng.randint(2, 9) if rng.random() < mix.aggregates else 1
        record = tuple(
            (bad if rng.random() < mix.bad else good)(rng, f"event-{seed}-{number}-{index}", listing_id)
            for index in range(size)
        )
        sent += [submission for submission in record if submission.identity]
        yield record


def _event(identity: Identity, listing_id: str, neighborhood: str, area: float) -> dict[str, Any]:
    data = {"listing_id": listing_id, "neighborhood": neighborhood, "area_m2": area, "rooms": 3, "city": None}
    return {
        "specversion": "1.0",
        "id": identity[1],
        "source": identity[0],
        "type": "listing.submitted",
        "time": "2026-11-23T12:00:00Z",
        "data": data,
    }
