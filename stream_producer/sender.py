"""One PutRecords request, until all of it is taken: only what was refused is sent again.

The waits are "full jitter" (AWS Architecture Blog, "Exponential Backoff And Jitter").
"""

import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's own names
from msgspec import Struct

from stream_producer.records import Record

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0  # seconds

_TRANSIENT = ("Throttl", "ThroughputExceeded", "LimitExceeded", "RequestTimeout", "KMSThrottl")


class Sent(Struct, frozen=True):
    """How a request ended: what the stream took, what it refused to the end and why, what was sent again."""

    request: list[Record]
    accepted: list[Record]
    refused: list[Record]
    error: str
    retried: int


class Sender:
    """Sends requests to one stream; safe to use from several threads.

    `patience` is how long, in seconds, a request is tried before what is left of it counts as refused;
    setting `stop` ends all waiting.
    """

    def __init__(
        self,
        kinesis: "KinesisClient",
        stream: str,
        *,
        patience: float,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._patience = patience
        self._stop = stop
        self._clock = clock
        self._wait = wait or stop.wait

    def send(self, request: list[Record]) -> Sent:
        """Send a request of at most 500 records and 5 MiB.

        Throttling, faults of the service and broken connections (after which the records may have been
        taken: a consumer drops repeats) are tried again. Raises for what waiting cannot mend: no such
        stream, no permission.
        """
        deadline = self._clock() + self._patience
        longest = FIRST_WAIT
        retried = 0
        refused, error = self._put(request)
        while refused:
            pause = random.uniform(0, longest)  # noqa: S311 - spreads load, guards nothing
            if self._stop.is_set() or self._clock() + pause >= deadline:
                break
            self._wait(pause)
            longest = min(2 * longest, LONGEST_WAIT)
            retried += len(refused)
            refused, error = self._put(refused)
        left = {id(record) for record in refused}
        accepted = [record for record in request if id(record) not in left] if left else request
        return Sent(request, accepted, refused, error, retried)

    def _put(self, request: list[Record]) -> tuple[list[Record], str]:
        try:
            reply = self._kinesis.put_records(
                StreamName=self._stream,
                Records=[{"Data": record.data, "PartitionKey": record.partition_key} for record in request],
            )
        except ClientError as error:
            if not is_transient(error):
                raise
            return request, error.response["Error"]["Code"]
        except (ConnectionError, HTTPClientError) as error:
            return request, type(error).__name__
        if not reply["FailedRecordCount"]:
            return [], ""
        answers = list(zip(request, reply["Records"], strict=True))
        refused = [record for record, answer in answers if answer.get("ErrorCode")]
        codes = [answer["ErrorCode"] for _, answer in answers if answer.get("ErrorCode")]
        return refused, codes[0] if codes else ""


def is_transient(error: ClientError) -> bool:
    """Return whether a call that failed so may succeed later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status >= 500 or any(word in error.response["Error"]["Code"] for word in _TRANSIENT)
