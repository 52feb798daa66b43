"""Counting dead letters of a window."""

import gzip
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OBJECTS = 1_000  # read at most: a flood is seen by then, and each may hold megabytes


class _Letter(Struct, frozen=True):
    shard_id: str
    sequence_number: str
    index: int
    arrived_at: datetime


_letters = msgspec.json.Decoder(_Letter)


def count(s3: "S3Client", bucket: str, since: datetime, until: datetime) -> int:
    """Return how many records that arrived in [since, until) were refused, each counted once; in a flood, at least."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="dead-letters/dt=", StartAfter=f"dead-letters/dt={since:%Y-%m-%d}"
    )
    keys = (each["Key"] for page in pages for each in page.get("Contents", []))
    seen: set[tuple[str, str, int]] = set()
    for key in islice(keys, OBJECTS):
        for letter in _letters.decode_lines(gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read())):
            if since <= letter.arrived_at < until:
                seen.add((letter.shard_id, letter.sequence_number, letter.index))
    return len(seen)
