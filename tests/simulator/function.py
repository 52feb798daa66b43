"""A Lambda function: execution environments, a time limit, and what an invocation comes back with."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulator.clock import Killed, SimulatedClock
from tests.simulator.faults import (
    Call,
    Crash,
    Fault,
    Faults,
    Injected,
    LoseResponse,
    Stall,
    ThrottleInvocation,
    no_faults,
)

Handler = Callable[[dict[str, Any], Any], object]
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the event source mapping learns of one invocation.

    `invoked` is False when Lambda was throttled and the function never ran. `error` is None for a success,
    else the error type that the function ended with; `response` is what a successful function returned, as
    JSON gives it back.
    """

    request_id: str
    invoked: bool = True
    error: str | None = None
    response: Any = None


class Context:
    """The context object of one invocation (docs.aws.amazon.com/lambda/latest/dg/python-context.html)."""

    memory_limit_in_mb = "1024"
    function_version = "$LATEST"

    def __init__(self, clock: SimulatedClock, name: str, request_id: str, deadline: float) -> None:
        self._clock, self._deadline = clock, deadline
        self.function_name = name
        self.invoked_function_arn = ARN + name
        self.aws_request_id = request_id
        self.log_group_name, self.log_stream_name = f"/aws/lambda/{name}", request_id

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds of simulated time until the invocation is killed."""
        return max(0, int((self._deadline - self._clock.time()) * 1000))


@dataclass(slots=True)
class _Environment:
    handler: Handler
    free_at: float


class Function:
    """Runs a handler as Lambda does. `build` is the cold start: it returns a handler and may raise.

    docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: an environment serves one
    invocation at a time and is kept warm for the next; it is replaced after a time-out or a crash, and kept
    after an exception. Side effects that a killed invocation had are not undone. A killed handler's
    `finally` blocks do run here, as they would not in life, but no call to a fake has an effect any more.
    Durations are seconds. Faults: ThrottleInvocation; LoseResponse, of which the mapping learns as of an
    error: an assumption; Crash before or after the handler's work; Stall after it.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        build: Callable[[], Handler],
        *,
        name: str = "score",
        timeout: float = 60.0,
        faults: Faults = no_faults,
    ) -> None:
        self._clock, self._build, self._timeout = clock, build, timeout
        self._environments: list[_Environment] = []
        self._requests = 0
        self.name = name
        self.arn = ARN + name
        self.faults = faults
        self.injected = Injected()
        self.cold_starts = 0

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        """Run the handler on `event`, starting now. Never raises on the function's account."""
        self._requests += 1
        request_id = f"{self._requests:08d}-0000-4000-8000-000000000000"
        fault = self.faults(Call("lambda", "Invoke", request_id))
        if fault is not None:
            self.injected.note(fault)
        if isinstance(fault, ThrottleInvocation):
            return Answer(request_id, invoked=False, error="TooManyRequestsException")
        answer = self._run(event, request_id, fault)
        return Answer(request_id, error="Sandbox.Unknown") if isinstance(fault, LoseResponse) else answer

    def _run(self, event: Mapping[str, Any], request_id: str, fault: Fault | None) -> Answer:
        deadline = self._clock.time() + self._timeout
        self._clock.arm(deadline)
        environment: _Environment | None = None
        try:
            environment = self._environment()
            if fault == Crash(after=False):
                self._clock.kill("Runtime.ExitError")
            response = environment.handler(dict(event), Context(self._clock, self.name, request_id, deadline))
            if isinstance(fault, Stall):
                self._clock.sleep(fault.seconds)
            if fault == Crash(after=True):
                self._clock.kill("Runtime.ExitError")
            answer = Answer(request_id, response=json.loads(json.dumps(response)))
        except Killed as end:
            answer = Answer(request_id, error=str(end))
        except Exception as error:  # noqa: BLE001 # whatever a function raises is its answer
            answer = Answer(request_id, error=type(error).__name__)
        killed = self._clock.disarm()
        if environment is not None and killed:
            self._environments.remove(environment)
        elif environment is not None:
            environment.free_at = self._clock.time()
        return Answer(request_id, error=killed) if killed else answer

    def _environment(self) -> _Environment:
        for environment in self._environments:
            if environment.free_at <= self._clock.time():
                return environment
        self.cold_starts += 1
        environment = _Environment(self._build(), self._clock.time())
        self._environments.append(environment)
        return environment
