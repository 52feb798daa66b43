"""What the fake clients share: time passes in a call, and a fault may strike before or after its effect."""

import math
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from tests.simulator.clock import SimulatedClock
from tests.simulator.faults import (
    Call,
    Crash,
    DropConnection,
    Fault,
    Faults,
    Injected,
    RefuseCall,
    Stall,
    no_faults,
    service_error,
)

Answer = dict[str, Any]
URL = "https://simulated.invalid"


class FakeClient:
    """A client of one simulated service. Thread-safe: one call at a time.

    `faults` is asked once a call and may be replaced at any time; `injected` counts what struck, and `struck` in
    which operation; each call takes `latency` seconds of the simulated clock. Without a `read_timeout` (seconds) a
    client waits for ever; with one, an answer that takes longer raises botocore's ReadTimeoutError, though the
    service has done what it was asked to. A killed function's calls have no effect.
    """

    service = ""

    def __init__(
        self,
        clock: SimulatedClock,
        *,
        faults: Faults = no_faults,
        latency: float = 0.0,
        read_timeout: float = math.inf,
    ) -> None:
        self._clock = clock
        self._latency = latency
        self._read_timeout = read_timeout
        self._lock = threading.RLock()
        self.faults = faults
        self.injected = Injected()
        self.struck: Counter[str] = Counter()
        self.calls = 0

    def _call(self, operation: str, target: str, act: Callable[[Fault | None], Answer]) -> Answer:
        with self._lock:
            self._clock.check()
            self.calls += 1
            self._clock.sleep(self._latency)
            fault = self.faults(Call(self.service, operation, target))
            if fault is not None:
                self.injected.note(fault)
                self.struck[operation] += 1
            self._before(operation, fault)
            answer = act(fault)
            self._after(fault)
            return answer

    def _before(self, operation: str, fault: Fault | None) -> None:
        match fault:
            case RefuseCall(code, status):
                raise service_error(operation, code, status)
            case DropConnection(after=False):
                raise EndpointConnectionError(endpoint_url=URL)
            case Crash(after=False):
                self._clock.kill("Runtime.ExitError")

    def _after(self, fault: Fault | None) -> None:
        match fault:
            case Stall(seconds):
                self._clock.sleep(min(seconds, self._read_timeout))
                if seconds > self._read_timeout:
                    raise ReadTimeoutError(endpoint_url=URL)
            case DropConnection(after=True):
                raise ConnectionClosedError(endpoint_url=URL)
            case Crash(after=True):
                self._clock.kill("Runtime.ExitError")
