"""Counting what was not priced in a window: dead letters, and batches that Lambda parked."""

import gzip
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from lambdas.aws.objects import Object, Objects
from pricing.dead_letter_layout import DEAD_LETTERS, PARKED, DeadLetterPosition

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OBJECTS = 1_000  # read at most: each may hold megabytes

_letters = msgspec.json.Decoder(DeadLetterPosition)


def count(s3: "S3Client", bucket: str, since: datetime, until: datetime, most: int = OBJECTS) -> int:
    """Return how many records that arrived in [since, until) were refused, each counted once.

    Where they stand in more than `most` objects it is estimated: from so many of them, evenly spread.
    """
    objects = Objects(s3, bucket)
    keys = [key for day in objects.days(DEAD_LETTERS, since, until) for key in objects.keys_of(DEAD_LETTERS, day)]
    read = keys[:: max(1, -(-len(keys) // most))]

    def letters(found: Object) -> set[int]:
        return {
            hash((letter.shard_id, letter.sequence_number, letter.index))
            for letter in _letters.decode_lines(gzip.decompress(found.body))
            if since <= letter.arrived_at < until
        }

    return round(len(set().union(*objects.read(read, letters))) * len(keys) / max(1, len(read)))


def parked(s3: "S3Client", bucket: str, since: datetime, until: datetime) -> int:
    """Return how many batches Lambda parked in [since, until) that still lie there."""
    return sum(since <= at < until for _, at in Objects(s3, bucket).written(f"{PARKED}/"))
