"""A simulated S3 on which a client's own retries, and other writers, get in the way."""

from dataclasses import dataclass
from typing import Any

from tests.simulator.client import Answer
from tests.simulator.faults import Call
from tests.simulator.s3 import FakeS3


@dataclass(frozen=True, slots=True)
class WriteTwice:
    """PutObject succeeds, its answer is lost, and the client's own retry writes again."""


class StormyS3(FakeS3):
    """Also strikes writes with `WriteTwice`; `faults` is asked with the operation RetryPutObject."""

    def put_object(self, **arguments: Any) -> Answer:
        """Store an object, once or twice."""
        fault = self.faults(Call(self.service, "RetryPutObject", arguments["Key"]))
        if isinstance(fault, WriteTwice):
            self.injected.note(fault)
            super().put_object(**arguments)
        return super().put_object(**arguments)
