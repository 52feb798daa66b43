"""A checkpoint by its address."""

from pathlib import Path
from typing import TYPE_CHECKING

from lambdas.aws.objects import Objects
from stream_consumer.checkpoints.contents import Checkpoint, parse
from stream_consumer.checkpoints.file import FileCheckpoint
from stream_consumer.checkpoints.s3 import S3Checkpoint
from stream_consumer.delivered import REMEMBERED
from stream_consumer.positions import ShardPosition
from terminal.errors import Failure, UsageFailure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def open_checkpoint(where: str, stream: str, s3: "S3Client | None" = None, remembered: int = REMEMBERED) -> Checkpoint:
    """Return the checkpoint at a path, or at s3://bucket/key, of a stream (`KinesisCalls.stream_identity`)."""
    if not where.startswith("s3://"):
        return FileCheckpoint(Path(where), stream, remembered=remembered)
    if s3 is None:
        raise UsageFailure(f"{where}: a checkpoint in S3 needs an S3 client")
    return S3Checkpoint(s3, where, stream)


def look_at_checkpoint(where: str, stream: str, s3: "S3Client") -> dict[str, ShardPosition]:
    """Return the positions in a checkpoint, whoever reads on from it just now; raises `Failure` where none stands."""
    if where.startswith("s3://"):
        bucket, _, key = where.removeprefix("s3://").partition("/")
        found = Objects(s3, bucket).get(key)
        content = found[0] if found else None
    else:
        content = Path(where).read_bytes() if Path(where).is_file() else None
    if content is None:
        raise Failure(f"{where}: no checkpoint")
    return parse(content, where, stream).shards
