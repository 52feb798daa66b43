"""Work that may never end, on threads that hold up nobody."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads(Executor):
    """A new thread for each piece of work; one that hangs takes no place from the next."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start the work at once; never raises: that no thread can be started is told where the result is asked for."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                future.set_exception(error)

        try:
            Thread(target=work, daemon=True).start()
        except RuntimeError as error:
            future.set_exception(error)
        return future
