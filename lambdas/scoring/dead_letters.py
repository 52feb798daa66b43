"""Dead letters: records that will never be priced, kept whole, with the reason."""

import io
from gzip import GzipFile
from typing import TYPE_CHECKING

import msgspec
from pybase64 import b64encode_as_string

from lambdas.aws.batch import Batch
from lambdas.scoring.decode import Refused
from pricing.dead_letter_layout import DeadLetter, dead_letters_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


AT_ONCE = 1_000  # dead letters


class DeadLetters:
    """The dead-letters bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def write(self, batch: Batch, refused: list[Refused]) -> None:
        """Keep what was refused of a batch, in one object under a key that a replay writes again.

        When it returns they are durable; when S3 does not take them it raises, and nothing is reported
        as done. A record that a replay sees in another batch stands in both objects.
        """
        if not refused:
            return
        self._s3.put_object(Bucket=self._bucket, Key=key(batch), Body=_packed(batch, refused))


def key(batch: Batch) -> str:
    """Return where the dead letters of a batch stand: by arrival day, shard and first sequence number."""
    return dead_letters_key(batch.arrived_at(0), batch.shard_id, batch.sequence_number(0))


def _packed(batch: Batch, refused: list[Refused]) -> bytes:
    """Return the lines of an object, the same for the same batch; hardly more than that is held in memory."""
    encoder, packed = msgspec.json.Encoder(), io.BytesIO()
    with GzipFile(fileobj=packed, mode="wb", compresslevel=3, mtime=0) as file:
        for first in range(0, len(refused), AT_ONCE):
            file.write(encoder.encode_lines([_letter(batch, each) for each in refused[first : first + AT_ONCE]]))
    return packed.getvalue()


def _letter(batch: Batch, refused: Refused) -> DeadLetter:
    return DeadLetter(
        reason=refused.reason,
        error=refused.error,
        payload=b64encode_as_string(refused.payload),
        shard_id=batch.shard_id,
        sequence_number=batch.sequence_number(refused.position),
        index=refused.index,
        partition_key=refused.partition_key,
        arrived_at=batch.arrived_at(refused.position).isoformat(),
    )
