"""Measuring side by side: every round runs each contender once, and a ratio is the median of the rounds' ratios."""

import base64
import functools
import gc
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from pricing.manifest import CHAMPION_KEY, Pointer, manifest_key, model_key
from stream_producer.listing_events import ListingEvents
from training.data.listings import Dataset
from training.data.load import SAMPLE, load_data
from training.evaluation.timing import cpu_seconds

CACHE = Path("build/bench")
FIRST_SEQUENCE_NUMBER = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898


def side_by_side(
    works: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[Callable[[], object]], float] = cpu_seconds
) -> dict[str, list[float]]:
    """Return what `clock` says of each piece of work, round by round; a first round warms up and is not counted."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            gc.collect()  # nobody pays for another's garbage
            seconds = clock(work)
            if turn:
                took[name].append(seconds)
    return took


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3)


def dataset() -> Dataset:
    """Return the listings that `DATA` names, or the generated ones; they are read once."""
    return _dataset(os.environ.get("DATA"))


@functools.cache
def _dataset(file: str | None) -> Dataset:
    return load_data(Path(file) if file else None)


def listings_file() -> Path:
    """Return the file that `dataset()` reads."""
    return Path(os.environ["DATA"]) if os.environ.get("DATA") else SAMPLE


def champion_folder() -> Path:
    """Return a folder laid out as a models bucket, with a champion trained on `dataset()`; it is kept in build/."""
    from belo import sample_service

    data = dataset()
    recipe = b"".join(
        each.read_bytes() for each in sorted(Path("training").rglob("*")) if each.suffix in (".py", ".yaml")
    )
    folder = CACHE / f"models-{hashlib.sha256(data.sha256.encode() + recipe).hexdigest()[:12]}"
    if not (folder / CHAMPION_KEY).exists():
        for key, content in sorted(sample_service.trained(data).items(), reverse=True):  # champion.json last
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(content)
    return folder


def champion_objects() -> dict[str, bytes]:
    """Return that bucket's objects by key."""
    folder = champion_folder()
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def champion_files() -> tuple[bytes, bytes]:
    """Return that champion's ONNX file and manifest."""
    objects = champion_objects()
    version = msgspec.json.decode(objects[CHAMPION_KEY], type=Pointer).version
    return objects[model_key(version)], objects[manifest_key(version)]


def listing_payloads(count: int) -> list[bytes]:
    """Return listing events as a publisher writes them, of real homes in the file's order, again from its start."""
    return [record.data for record in ListingEvents(listings_file(), dataset().sha256, limit=count)]


def batch(payloads: Sequence[bytes]) -> dict[str, Any]:
    """Return Lambda's event with a record for each payload."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": f"key-{position}",
                    "sequenceNumber": f"{FIRST_SEQUENCE_NUMBER + position}",
                    "data": base64.b64encode(data).decode(),
                    "approximateArrivalTimestamp": 1_795_478_400.0,
                },
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000000:{position}",
            }
            for position, data in enumerate(payloads)
        ]
    }
