"""Counting what was not priced in a window: dead letters, and batches that Lambda parked."""

import gzip
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from lambdas.archive_objects import Object, Objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LETTERS, PARKED = "dead-letters", "aws/lambda/"
OBJECTS = 1_000  # read at most: a flood is seen by then, and each may hold megabytes


class _Letter(Struct, frozen=True):
    shard_id: str
    sequence_number: str
    index: int
    arrived_at: datetime


_letters = msgspec.json.Decoder(_Letter)


def count(s3: "S3Client", bucket: str, since: datetime, until: datetime) -> int:
    """Return how many records that arrived in [since, until) were refused, each counted once.

    In a flood at least so many: the newest days are read first, so that it is seen while it lasts.
    """
    objects = Objects(s3, bucket)
    days = reversed(objects.days(LETTERS, since, until))
    keys = list(islice((key for day in days for key in objects.keys_of(LETTERS, day)), OBJECTS))

    def letters(found: Object) -> set[tuple[str, str, int]]:
        return {
            (letter.shard_id, letter.sequence_number, letter.index)
            for letter in _letters.decode_lines(gzip.decompress(found.body))
            if since <= letter.arrived_at < until
        }

    return len(set().union(*objects.read(keys, letters)))


def parked(s3: "S3Client", bucket: str, since: datetime, until: datetime) -> int:
    """Return how many batches Lambda parked in [since, until) that still lie there."""
    return sum(since <= at < until for _, at in Objects(s3, bucket).written(PARKED))
