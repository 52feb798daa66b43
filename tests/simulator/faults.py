"""What can go wrong with one call to a fake or one invocation of a function, as values.

A plan (`Faults`) is asked before each call and answers with a fault or None. `Script` answers
from a list; a random plan is a function of three lines. What really happened is counted in `Injected`.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from botocore.exceptions import ClientError


class Call(NamedTuple):
    """A call about to happen: `service` "kinesis", "s3" or "lambda"; `target` a stream, a bucket/key or a
    request id."""

    service: str
    operation: str
    target: str


@dataclass(frozen=True, slots=True)
class RefuseEntries:
    """PutRecords stores all but every `every`-th entry, counted from `first`; those come back with `code`.

    API_PutRecords: "A single record failure does not stop the processing of subsequent records"; ErrorCode is
    ProvisionedThroughputExceededException or InternalFailure.
    """

    every: int = 2
    first: int = 0
    code: str = "ProvisionedThroughputExceededException"


@dataclass(frozen=True, slots=True)
class RefuseShards:
    """PutRecords stores all but the entries for every `every`-th shard, counted from `first`: those are hot.

    API_PutRecords: the limit is each shard's own, and the message of the error names the shard.
    """

    every: int = 2
    first: int = 0


@dataclass(frozen=True, slots=True)
class RefuseCall:
    """The service answers the whole call with an error and does nothing else."""

    code: str = "ProvisionedThroughputExceededException"
    status: int = 400


@dataclass(frozen=True, slots=True)
class DropConnection:
    """No answer arrives. With `after` the service had already done what it was asked to."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """The answer takes `seconds` longer; the function may be killed meanwhile, or its client tire of
    waiting."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Crash:
    """The function's process dies in this call: before the service does what it was asked to, or after."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class TearBody:
    """GetObject: the connection closes in the middle of the body, after `share` of it."""

    share: float = 0.5


@dataclass(frozen=True, slots=True)
class ChangeObject:
    """GetObject: somebody has overwritten the object with `body` just before this read."""

    body: bytes


@dataclass(frozen=True, slots=True)
class ThrottleInvocation:
    """Lambda cannot invoke the function now (concurrency quota); the function never sees the batch."""


@dataclass(frozen=True, slots=True)
class LoseResponse:
    """The function does its work and returns, but its answer never reaches the event source mapping."""


Fault = (
    RefuseEntries
    | RefuseShards
    | RefuseCall
    | DropConnection
    | Stall
    | Crash
    | TearBody
    | ChangeObject
    | ThrottleInvocation
    | LoseResponse
)
Faults = Callable[[Call], Fault | None]


def no_faults(_: Call) -> Fault | None:
    """The plan under which nothing goes wrong."""
    return None


class Script:
    """A plan that reads its answers from a list, one a call to `service` (any, by default), and then falls
    silent."""

    def __init__(
        self, faults: Iterable[Fault | None], service: str | None = None, operation: str | None = None
    ) -> None:
        self._faults = iter(faults)
        self._service, self._operation = service, operation

    def __call__(self, call: Call) -> Fault | None:
        if self._service not in (None, call.service) or self._operation not in (None, call.operation):
            return None
        return next(self._faults, None)


class Injected(Counter[str]):
    """How many times each kind of fault has struck, by its class name."""

    def note(self, fault: Fault) -> None:
        """Count one injection."""
        self[type(fault).__name__] += 1


def service_error(operation: str, code: str, status: int, text: str = "injected") -> ClientError:
    """The exception that botocore raises for an error answer of a service."""
    answer = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)  # type: ignore[arg-type] # the real answers have more keys
