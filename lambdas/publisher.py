"""Publishing predictions: full requests, and only what was refused is sent again.

Limits and partial failures as the Kinesis API reference has them under PutRecords; the waits are
"full jitter" (AWS Architecture Blog, "Exponential Backoff And Jitter").
"""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

MAX_RECORDS = 500
MAX_BYTES = 5 * 1024 * 1024  # of data and partition keys
FIRST_WAIT, LONGEST_WAIT = 0.05, 2.0  # seconds
CONNECTIONS = 4  # requests in flight: enough to hide the network

_TRANSIENT = ("Throttl", "ThroughputExceeded", "LimitExceeded", "RequestTimeout", "KMS")


class Outgoing(Struct, frozen=True, gc=False):
    """An encoded prediction, and the position in the batch of the record that it answers."""

    position: int
    partition_key: str
    data: bytes


class Publisher:
    """The output stream."""

    def __init__(
        self,
        kinesis: "KinesisClient",
        stream: str,
        *,
        pool: Executor | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._pool = pool or ThreadPoolExecutor(CONNECTIONS)
        self._clock = clock
        self._sleep = sleep

    def publish(self, outgoing: list[Outgoing], deadline: float) -> list[int]:
        """Publish predictions; return the positions, ascending, of those that the stream has not taken.

        What the stream refuses is sent again until `deadline` (on the publisher's clock). Raises at once for
        errors that waiting cannot mend, such as a missing stream or permission.
        """
        left = self._pool.map(lambda request: self._put(request, deadline), requests(outgoing))
        return sorted({each.position for request in left for each in request})

    def _put(self, request: list[Outgoing], deadline: float) -> list[Outgoing]:
        wait = FIRST_WAIT
        while request := self._refused(request):
            pause = random.uniform(0, wait)  # noqa: S311 - spreads load, guards nothing
            if self._clock() + pause >= deadline:
                return request
            self._sleep(pause)
            wait = min(2 * wait, LONGEST_WAIT)
        return []

    def _refused(self, request: list[Outgoing]) -> list[Outgoing]:
        try:
            reply = self._kinesis.put_records(
                StreamName=self._stream,
                Records=[{"Data": each.data, "PartitionKey": each.partition_key} for each in request],
            )
        except ClientError as error:
            if not _is_transient(error):
                raise
            return request
        except BotoCoreError:  # no answer: it may have been taken, and consumers drop repeats
            return request
        if not reply["FailedRecordCount"]:
            return []
        return [each for each, answer in zip(request, reply["Records"], strict=True) if "ErrorCode" in answer]


def requests(outgoing: list[Outgoing]) -> Iterator[list[Outgoing]]:
    """Cut predictions into requests that PutRecords takes, in order."""
    request: list[Outgoing] = []
    size = 0
    for each in outgoing:
        weight = len(each.data) + len(each.partition_key.encode())
        if len(request) == MAX_RECORDS or (request and size + weight > MAX_BYTES):
            yield request
            request, size = [], 0
        request.append(each)
        size += weight
    if request:
        yield request


def _is_transient(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status >= 500 or any(word in error.response["Error"]["Code"] for word in _TRANSIENT)
