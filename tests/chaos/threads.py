"""Threads on the simulated clock: work is done at once, and whoever asks for its result waits until it is due."""

from collections import Counter
from concurrent.futures import Executor, Future
from typing import Any
from weakref import WeakSet

from tests.simulator.clock import SimulatedClock
from tests.simulator.faults import Call, Faults, Injected, Stall


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
    """A thread for each piece of work, a method, which takes its time beside the invocation.

    Faults: Stall, whose seconds of the simulated clock the result is later still. `faults` is asked with the service
    "thread" and the method's name as the operation. `waited` counts the seconds that anybody waited for results, and
    `asked_again`, by method, the work given to objects whose result somebody had given up.
    """

    def __init__(self, clock: SimulatedClock, faults: Faults) -> None:
        self._clock, self._faults = clock, faults
        self._given_up: WeakSet[Any] = WeakSet()
        self.injected = Injected()
        self.waited = 0.0
        self.asked_again: Counter[str] = Counter()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return a future that is done, but for the time that waiting for it takes."""
        self.asked_again[fn.__name__] += fn.__self__ in self._given_up
        future = _Late(self, fn.__self__)
        with self._clock.aside():
            self._settle(future, fn, *args, **kwargs)
            future.due = self._clock.time() + self._delay(fn.__name__)
        return future

    def wait(self, due: float, timeout: float | None, worker: object) -> None:
        """Wait, in simulated time; raises `TimeoutError` where `timeout` comes first."""
        left = max(0.0, due - self._clock.time())
        patience = left if timeout is None else min(left, timeout)
        self.waited += patience
        self._clock.sleep(patience)
        if left > patience:
            self._given_up.add(worker)
            raise TimeoutError

    def _delay(self, name: str) -> float:
        fault = self._faults(Call("thread", name, ""))
        if not isinstance(fault, Stall):
            return 0.0
        self.injected.note(fault)
        return fault.seconds


class _Late(Future[Any]):
    def __init__(self, threads: SlowThreads, worker: object) -> None:
        super().__init__()
        self._threads, self._worker = threads, worker
        self.due = 0.0  # on the simulated clock

    def result(self, timeout: float | None = None) -> Any:
        """Wait and return the result."""
        self._threads.wait(self.due, timeout, self._worker)
        return super().result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait and return what the work raised, if anything."""
        self._threads.wait(self.due, timeout, self._worker)
        return super().exception()
