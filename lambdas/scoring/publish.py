"""Publishing predictions: full requests, several in flight, and only what was refused is sent again."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from threading import Event
from typing import TYPE_CHECKING

from msgspec import Struct

from lambdas.aws.errors import full_jitter
from lambdas.aws.put_records import FIRST_WAIT, MAX_BYTES, MAX_RECORDS, put_records

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

LONGEST_WAIT = 2.0  # seconds
CONNECTIONS = 4  # requests in flight: enough to hide the network


class Outgoing(Struct, frozen=True, gc=False):
    """An encoded prediction, and the position in the batch of the record that it answers."""

    position: int
    partition_key: str
    data: bytes


class OutputStream:
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

        What the stream refuses is sent again until `deadline` (on the publisher's clock), after which no request
        begins, not even a first one. Raises at once for errors that waiting cannot mend, such as a missing stream
        or permission: no other request is waited for, and none is tried again.
        """
        given_up = Event()
        running = [self._pool.submit(self._put, each, deadline, given_up) for each in requests(outgoing)]
        done, _ = wait(running, return_when=FIRST_EXCEPTION)
        for failed in (each for each in done if each.exception()):
            given_up.set()
            failed.result()
        return sorted({each.position for request in running for each in request.result()})

    def _put(self, request: list[Outgoing], deadline: float, given_up: Event) -> list[Outgoing]:
        pauses = full_jitter(FIRST_WAIT, LONGEST_WAIT)
        while request and self._clock() < deadline and not given_up.is_set():
            request, _ = put_records(self._kinesis, self._stream, request)
            pause = next(pauses)
            if not request or self._clock() + pause >= deadline:
                break
            self._sleep(pause)
        return request


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
