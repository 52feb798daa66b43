"""Random streams of listing events: good ones, repeats, and records that can never be priced."""

import json
import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pricing import aggregation

Identity = tuple[str, str]  # an event's source and id

NEIGHBORHOODS = ("Buritis", "Savassi", "Lourdes", "Onde ninguém morou")
NOT_A_NUMBER, INFINITE = "Lagoa do Nada", "Serra sem Fim"  # what every model says of a home there
TOO_SMALL = 1e-12  # m²: the price of such a home rounds to 0.00
NEXT_TO_NOTHING = 1e-300  # m²: 0 to a model, which reckons in float32
GROUPS = 5  # into which a publisher that aggregates deals out its listings


@dataclass(frozen=True, slots=True)
class Submission:
    """One event as a publisher puts it, and what must become of it: a price, or a dead letter with `reason`
    whose error tells all of `clues`.

    `partition_key` is what a dead letter names: the event's own or, where an aggregate has none for it, the
    record's. `features` is what the model may read of the listing.
    """

    payload: bytes
    partition_key: str
    listing_id: str = ""
    identity: Identity | None = None
    features: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    clues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What a publisher puts as one record: a submission, or an aggregate of several."""

    partition_key: str
    data: bytes
    parts: tuple[Submission, ...]


class _Origin(NamedTuple):
    event_id: str
    listing_id: str
    partition_key: str


@dataclass(frozen=True, slots=True)
class Mix:
    """What a stream is made of, in shares of its records; `bad` is a share of the submissions in them."""

    bad: float = 0.03
    repeats: float = 0.0
    aggregates: float = 0.0


def alone(part: Submission) -> Entry:
    """Return the record of one submission."""
    return Entry(part.partition_key, part.payload, (part,))


def records(seed: int, count: int, mix: Mix) -> Iterator[Entry]:
    """Yield `count` records of about a quarter as many listings, the same ones for the same seed.

    A share of the listings come from a publisher that aggregates: it deals them out to groups, as `belo publish
    --aggregate` does, so that those of a listing keep their order, and fills each record from a group.
    """
    rng = random.Random(seed)
    sent: deque[Entry] = deque(maxlen=200)
    listings = range(count // 4 + 1)
    packed = round(mix.aggregates * len(listings))
    for number in range(count):
        listing = rng.choice(listings)
        if sent and rng.random() < mix.repeats:
            yield rng.choice(sent)
            continue
        event = f"event-{seed}-{number}"
        if listing < packed:
            entry = _aggregate(rng, event, seed, range(listing % GROUPS, packed, GROUPS), mix)
        else:
            name = _name(seed, listing)
            entry = alone(_submission(rng, _Origin(event, name, name), mix))
        sent.append(entry)
        yield entry


def _aggregate(rng: random.Random, event: str, seed: int, listings: range, mix: Mix) -> Entry:
    group = f"aggregated-{listings.start:02d}"
    keys, parts = [], []
    for index in range(rng.randint(1, 9)):
        name = _name(seed, rng.choice(listings))
        keys.append(rng.choice([name, f"{name}-sent", ""]))  # the library packs whatever keys it is given
        parts.append(_submission(rng, _Origin(f"{event}-{index}", name, keys[-1] or group), mix))
    data = aggregation.join((key, part.payload) for key, part in zip(keys, parts, strict=True))
    return Entry(group, data, tuple(parts))


def _name(seed: int, listing: int) -> str:
    return f"{'Imóvel' if listing % 9 == 0 else 'L'}-{seed}-{listing}"


def _submission(rng: random.Random, origin: _Origin, mix: Mix) -> Submission:
    if rng.random() >= mix.bad:
        return _good(rng, origin)
    return (_unscorable if rng.random() < 0.25 else _bad)(rng, origin)


def _good(rng: random.Random, origin: _Origin) -> Submission:
    """A valid event; hardly two have the same price, so that prices that change places are noticed."""
    return _valid(rng, origin, rng.choice(NEIGHBORHOODS), round(rng.uniform(20, 1_000), 3))


def _unscorable(rng: random.Random, origin: _Origin) -> Submission:
    """A valid event of a home for which every model has a price that is not finite and positive, in cents."""
    neighborhood, area = rng.choice(
        [(NOT_A_NUMBER, 100.0), (INFINITE, 100.0), ("Buritis", TOO_SMALL), ("Savassi", NEXT_TO_NOTHING)]
    )
    return replace(_valid(rng, origin, neighborhood, area), reason="unscorable", clues=("price", neighborhood))


def _valid(rng: random.Random, origin: _Origin, neighborhood: str, area: float) -> Submission:
    identity = ("/marketplace" if rng.random() < 0.9 else "/café", origin.event_id)
    street = rng.choice(["Rua da Bahia", "Avenida Afonso Pena", None])
    more = {
        "rooms": rng.choice([1, 2.0, 3, None]),
        "garage_places": rng.choice([0, 4, 5, None]),
        "adm_fees": rng.choice([round(rng.uniform(100, 2_000), 2), None]),
        "latitude": rng.choice([round(rng.uniform(-20, -19.8), 6), None]),
        "longitude": rng.choice([round(rng.uniform(-44, -43.8), 6), None]),
    }
    home = {"neighborhood": neighborhood, "area_m2": area} | more
    address = {"address": f"{street}, {rng.randrange(3_000)}" if street else None}
    data = {"listing_id": origin.listing_id} | home | address
    payload = json.dumps(_event(identity, data), ensure_ascii=False).encode()
    features = {name: value for name, value in (home | {"street": street}).items() if value is not None}
    return Submission(payload, origin.partition_key, origin.listing_id, identity, features)


def _bad(rng: random.Random, origin: _Origin) -> Submission:
    """A record that is refused, each time for one of several reasons."""
    data = {"listing_id": origin.listing_id, "neighborhood": "Buritis", "area_m2": 100.0, "city": None}
    event = _event(("/marketplace", origin.event_id), data)
    text = json.dumps(event)
    reason, payload, *clues = rng.choice(
        [
            ("invalid_json", b""),
            ("invalid_json", text.encode()[:-9]),
            ("invalid_json", aggregation.join([])),
            ("invalid_json", aggregation.join([("one", b"")] * 99)),
            ("invalid_json", _damaged(aggregation.join([("one", text.encode()), ("another", text.encode())]))),
            ("invalid_json", b"\xff\xfe" + text.encode()),
            ("invalid_json", text.replace("100.0", "NaN").encode(), "NaN"),
            ("invalid_event", json.dumps(event | {"specversion": "0.3"}).encode(), "specversion", "0.3"),
            ("invalid_event", json.dumps(event | {"id": ""}).encode(), "id"),
            ("invalid_event", json.dumps([event]).encode()),
            ("invalid_listing", text.replace("100.0", "-3").encode(), "area_m2", "-3"),
            ("invalid_listing", text.replace("100.0", '"100.0"').encode(), "area_m2", '"100.0"'),
            ("invalid_listing", text.replace('"area_m2"', '"square-foot"').encode(), "area_m2"),
            ("invalid_listing", text.replace("100.0", "100000.1").encode(), "area_m2", "100000.1"),
        ]
    )
    return Submission(payload, origin.partition_key, origin.listing_id, reason=reason, clues=tuple(clues))


def _damaged(aggregate: bytes) -> bytes:
    return aggregate[:-1] + bytes([aggregate[-1] ^ 1])


def _event(identity: Identity, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity[1],
        "source": identity[0],
        "type": "listing.submitted",
        "time": "2026-11-23T12:00:00Z",
        "data": data,
    }
