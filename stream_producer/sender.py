"""One PutRecords request, until all of it is taken: only what was refused is sent again."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from lambdas.aws.errors import full_jitter
from lambdas.aws.put_records import FIRST_WAIT, put_records
from stream_producer.records import Record, events_in
from terminal.errors import one_line

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

LONGEST_WAIT = 5.0  # seconds


class Sent(Struct, frozen=True):
    """How a request ended: what the stream took, what it refused to the end and why, how many events went again."""

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
        """Send a request of at most 500 records and 5 MiB; what waiting cannot mend refuses all that is left of it."""
        deadline = self._clock() + self._patience
        retried = 0
        refused, error = request, ""
        for pause in full_jitter(FIRST_WAIT, LONGEST_WAIT):
            try:
                refused, error = put_records(self._kinesis, self._stream, refused)
            except (ClientError, BotoCoreError) as lasting:
                error = one_line(lasting)
                break
            if not refused or self._stop.is_set() or self._clock() + pause >= deadline:
                break
            self._wait(pause)
            retried += events_in(refused)
        left = {id(record) for record in refused}
        accepted = [record for record in request if id(record) not in left] if left else request
        return Sent(request, accepted, refused, error, retried)
