"""The archive: every prediction on the stream to S3, one object a batch.

Everything of a batch is durable before the invocation reports success; when S3 does not take it, it raises and
the batch is replayed. A replay of the same records overwrites the object it wrote before; one that begins
elsewhere repeats predictions, which readers drop by `id` (`lambdas.archive_bucket.reader`).
"""

import functools
import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.config import Config
from pybase64 import b64decode, b64encode_as_string

from lambdas.archive_bucket.prediction_rows import FOREIGN, PREDICTIONS, ArchivedPrediction, archived, key
from lambdas.aws.batch import Batch
from lambdas.aws.session import client
from lambdas.aws.telemetry import emit
from lambdas.settings import required
from lambdas.starting import at_start
from pricing import prediction

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """The settings of `archive`."""

    archive_bucket: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "ArchiveSettings":
        """Return the settings; raises `MissingSetting` naming the variable."""
        return cls(required(environment, "BELO_ARCHIVE_BUCKET"))


class Foreign(msgspec.Struct, frozen=True):
    """A record of the prediction stream that is no prediction, kept whole, with the reason."""

    error: str
    payload: str  # base64
    shard_id: str
    sequence_number: str
    partition_key: str
    arrived_at: datetime


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401, ARG001 - Lambda's, untyped
    """Archive a batch of the prediction stream; what Lambda calls."""
    _archiver()(event)


@functools.cache
def _archiver() -> "Archiver":
    settings = ArchiveSettings.read(os.environ)
    s3 = client("s3", Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 3}))
    return Archiver(s3, settings.archive_bucket)


class Archiver:
    """The handler with the bucket it writes to."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def __call__(self, event: dict[str, Any]) -> None:
        """Write the batch's predictions, and beside them what is none."""
        batch = Batch.of(event)
        rows, foreign = sort(batch)
        size = self._write(key(PREDICTIONS, batch), rows)
        self._write(key(FOREIGN, batch), foreign)
        emit(
            "archive",
            {
                "Records": len(batch.records),
                "Archived": len(rows),
                "Foreign": len(foreign),
                "Size": size,
                "Lag": (datetime.now(UTC) - batch.arrived_at(0)).total_seconds() * 1000,
            },
            {"Size": "Bytes", "Lag": "Milliseconds"},
            shard_id=batch.shard_id,
            first_sequence_number=batch.sequence_number(0),
            foreign_errors=[each.error for each in foreign[:3]],
        )

    def _write(self, name: str, rows: list[ArchivedPrediction] | list[Foreign]) -> int:
        if not rows:
            return 0
        body = gzip.compress(msgspec.json.Encoder().encode_lines(rows), 6, mtime=0)
        self._s3.put_object(Bucket=self._bucket, Key=name, Body=body)
        return len(body)


def sort(batch: Batch) -> tuple[list[ArchivedPrediction], list[Foreign]]:
    """Return the batch's predictions as rows, and what is no prediction; together they are the whole batch."""
    rows: list[ArchivedPrediction] = []
    foreign: list[Foreign] = []
    for position, record in enumerate(batch.records):
        payload = b64decode(record["kinesis"]["data"], validate=True)
        arrived_at = batch.arrived_at(position)
        try:
            rows.append(archived(prediction.decode(payload), arrived_at))
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            foreign.append(
                Foreign(
                    error=str(error),
                    payload=b64encode_as_string(payload),
                    shard_id=batch.shard_id,
                    sequence_number=batch.sequence_number(position),
                    partition_key=record["kinesis"]["partitionKey"],
                    arrived_at=arrived_at,
                )
            )
    return rows, foreign


at_start(__name__, _archiver)
