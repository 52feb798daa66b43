"""A stream in memory that fails in the ways the service fails."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ConnectionClosedError

from stream_consumer.testing import MemoryStream, Reply, service_error

__all__ = ["CREATED", "Disconnect", "Fail", "FakeKinesis", "Refuse", "service_error"]

CREATED = datetime(2026, 11, 24, tzinfo=UTC)
FIRST_NUMBER = 1000


@dataclass(frozen=True)
class Refuse:
    """Refuses the entries at these places of one PutRecords, and takes the others."""

    places: tuple[int, ...]
    code: str = "ProvisionedThroughputExceededException"


@dataclass(frozen=True)
class Fail:
    """Fails a call with an error of the service; nothing happens."""

    code: str = "ThrottlingException"
    status: int = 400


@dataclass(frozen=True)
class Disconnect:
    """Breaks the connection before the answer; what was asked may have been done."""

    done: bool = True


Fault = Refuse | Fail | Disconnect


class FakeKinesis(MemoryStream):
    """Any stream's name will do; `faults[operation]` holds what goes wrong with the next calls.

    Each record arrives a second after the one before it, and that is the service's time.
    """

    shards_listed = 2

    def __init__(self, shards: int = 1, stream: str = "predictions", page: int = 10_000) -> None:
        self._last_number = FIRST_NUMBER
        super().__init__(stream, shards, clock=lambda: self.now, page=page)
        self._last_number = FIRST_NUMBER
        self.created = CREATED
        self.faults: dict[str, deque[Fault | None]] = defaultdict(deque)
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self._refused: Refuse | None = None

    @property
    def now(self) -> datetime:
        """The service's clock: the newest record's arrival."""
        return CREATED + timedelta(seconds=self._last_number)

    def called(self, operation: str) -> list[Mapping[str, Any]]:
        return [arguments for name, arguments in self.calls if name == operation]

    def call(self, operation: str, arguments: Mapping[str, Any], act: Callable[[], Reply]) -> Reply:
        with self._lock:
            self.calls.append((operation, arguments))
            fault = self.faults[operation].popleft() if self.faults[operation] else None
            if isinstance(fault, Fail):
                raise service_error(operation, fault.code, fault.status)
            if isinstance(fault, Disconnect) and not fault.done:
                raise ConnectionClosedError(endpoint_url="http://kinesis")
            self._refused = fault if isinstance(fault, Refuse) else None
            answer = super().call(operation, {}, act)
            if isinstance(fault, Disconnect):
                raise ConnectionClosedError(endpoint_url="http://kinesis")
            return answer

    def refusal(self, place: int) -> str | None:
        return self._refused.code if self._refused and place in self._refused.places else None
