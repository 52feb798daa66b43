"""A checkpoint in S3, for a container that has no disk."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from lambdas.aws.objects import Objects
from stream_consumer.checkpoints.contents import Contents, Saved, parse, split
from stream_consumer.positions import ShardPosition
from terminal.errors import Failure, UsageFailure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REMEMBERED = 10_000  # ids: they are written with every save


class S3Checkpoint:
    """One object, moved by conditional writes: where two processes read on from it, the second to save is refused."""

    def __init__(self, s3: "S3Client", where: str, stream: str) -> None:
        bucket, _, self._key = where.removeprefix("s3://").partition("/")
        if not bucket or not self._key:
            raise UsageFailure(f"--checkpoint: expected s3://BUCKET/KEY, got {where}")
        self._objects = Objects(s3, bucket)
        self._where = where
        self._stream = stream
        self._etag: str | None = None
        self._saved = Contents(stream, {})

    def load(self) -> Saved:
        """Return what stands there, nothing where there is none; raises `Failure` for an unusable one."""
        found = self._objects.get(self._key)
        if found is not None:
            self._saved, self._etag = parse(found[0], self._where, self._stream), found[1]
        return Saved(dict(self._saved.shards), split(self._saved.delivered))

    def save(self, positions: Mapping[str, ShardPosition], delivered: Sequence[bytes]) -> None:
        """Keep both in one write; raises `Failure` where another process has moved the checkpoint since."""
        ids = [*split(self._saved.delivered), *delivered][-REMEMBERED:]
        contents = Contents(self._stream, dict(positions), b"".join(ids))
        if contents == self._saved:
            return
        condition = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        body = msgspec.json.encode(contents)
        etag = self._objects.put(self._key, body, ContentType="application/json", **condition)
        if etag is None:
            standing = self._objects.get(self._key)
            if standing is None or standing[0] != body:  # else a lost answer made botocore write twice
                raise Failure(f"{self._where}: another process reads on from this checkpoint")
            etag = standing[1]
        self._saved, self._etag = contents, etag

    def close(self) -> None:
        """Nothing is held."""
