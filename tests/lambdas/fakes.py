"""Stand-ins for what the score function talks to."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any

from botocore.exceptions import ClientError

from lambdas.scoring.threads import Threads


def client_error(code: str, status: int = 400) -> ClientError:
    """Return the error that boto3 raises for an answer with a code."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Operation")


class Inline(Executor):
    """A pool that does each task on the spot, so that tests see one order."""

    def submit(self, task, /, *arguments, **named) -> Future:
        future: Future = Future()
        try:
            future.set_result(task(*arguments, **named))
        except Exception as error:  # noqa: BLE001 - handed on, as a pool does
            future.set_exception(error)
        return future


class Watched(Threads):
    """Threads that keep what the last one comes to, and how many seconds anybody was ready to wait for one."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def submit(self, *work, **named) -> Future:
        self.last = super().submit(*work, **named)
        self.last.exception = partial(self._wait, self.last.exception)
        self.last.result = partial(self._wait, self.last.result)
        return self.last

    def _wait(self, outcome: Callable[[float | None], Any], timeout: float | None = None) -> Any:
        if timeout:
            self.waits.append(timeout)
        return outcome(timeout)


@dataclass
class Hanging:
    """A client of S3 whose reads of some keys hang until they may go on."""

    s3: Any
    keys: set[str]
    going_on: Event = field(default_factory=Event)

    def get_object(self, **request: str) -> dict[str, Any]:
        if request["Key"] in self.keys:
            self.going_on.wait(60)
        return self.s3.get_object(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.s3, name)


@dataclass
class FakeKinesis:
    """An output stream. `answers`: what the next calls do, raise an error or refuse entries by index."""

    answers: deque = field(default_factory=deque)
    calls: list[list[dict[str, Any]]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    stream: str = "predictions"

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert StreamName == self.stream
        self.calls.append(Records)
        answer = self.answers.popleft() if self.answers else ()
        if isinstance(answer, Exception):
            raise answer
        self.taken += [each for index, each in enumerate(Records) if index not in answer]
        entries = [
            {"ErrorCode": "ProvisionedThroughputExceededException"} if index in answer else {"ShardId": "s"}
            for index in range(len(Records))
        ]
        return {"FailedRecordCount": len(answer), "Records": entries}


@dataclass
class Clock:
    """A clock that moves only when somebody sleeps."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Context:
    """Lambda's context, as far as the handler reads it."""

    milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds
