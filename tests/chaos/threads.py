"""Threads on the simulated clock: work is done at once, and some of its results let whoever asks wait."""

from concurrent.futures import Executor, Future
from typing import Any

from tests.simulator import Call, Faults, SimulatedClock, Stall
from tests.simulator.faults import Injected


class InLine(Executor):
    """Runs what is submitted at once, in the caller's thread, so that every run is the same."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return a future that is done."""
        return self._settle(Future(), fn, *args, **kwargs)

    def _settle(self, future: "Future[Any]", fn: Any, *args: Any, **kwargs: Any) -> "Future[Any]":
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 # a kill, too, belongs to whoever asks for the result
            future.set_exception(error)
        return future


class SlowThreads(InLine):
    """A thread for each piece of work. Faults: Stall, whose seconds of the simulated clock the result is late.

    `faults` is asked with the service "thread" and the function's name as the operation.
    """

    def __init__(self, clock: SimulatedClock, faults: Faults) -> None:
        self._clock, self._faults = clock, faults
        self.injected = Injected()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return a future that is done, but for the time that waiting for it takes."""
        fault = self._faults(Call("thread", fn.__name__, ""))
        if not isinstance(fault, Stall):
            return super().submit(fn, *args, **kwargs)
        self.injected.note(fault)
        return self._settle(_Late(self._clock, self._clock.time() + fault.seconds), fn, *args, **kwargs)


class _Late(Future[Any]):
    def __init__(self, clock: SimulatedClock, due: float) -> None:
        super().__init__()
        self._clock, self._due = clock, due

    def result(self, timeout: float | None = None) -> Any:
        """Wait, in simulated time, and return the result; raises `TimeoutError` where `timeout` comes first."""
        wait = max(0.0, self._due - self._clock.time())
        if timeout is not None and wait > timeout:
            self._clock.sleep(timeout)
            raise TimeoutError
        self._clock.sleep(wait)
        return super().result()
