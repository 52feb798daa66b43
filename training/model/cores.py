"""Work side by side on a machine's cores: this process and its helpers, one thread each; results in the work's order.

Threads would not do: a fit of some thousand listings holds Python's lock most of the time, and two at once take three
times as long as one after the other. Helpers are started, not forked, as this process has threads, and talk over a
socket: semaphores and shared memory are what a container with a read-only root lacks.
"""

import pickle
import signal
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Generic, TypeVar, cast

One = TypeVar("One")
Other = TypeVar("Other")

MOST = 6  # processes, of some 200 MB each; more than the folds would mostly wait
LOOK_SECONDS = 0.01


class Gone(Exception):
    """A helper that has ended, whoever ended it."""


class Helper:
    """A process that does what it is sent, one piece of work at a time; it ends with the process that started it."""

    def __init__(self) -> None:
        """Start it; it gets ready by itself."""
        self._link, theirs = Pipe()
        self._ready = False
        with theirs:
            end = theirs.fileno()
            start = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({end})"
            self._process = subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.DEVNULL, pass_fds=[end])

    def ready(self) -> bool:
        """Return whether it has imported what it needs, or has ended; look for a moment."""
        with suppress(EOFError, OSError):
            if not self._ready and self._link.poll(LOOK_SECONDS):
                self._ready = True
                self._link.recv_bytes()
        return self._ready

    def do(self, work: Callable[[], One]) -> One:
        """Return what becomes of work; raises what it raises, and `Gone` where the helper has ended."""
        content = pickle.dumps(work)
        try:
            self._link.send_bytes(content)
            answer = self._link.recv_bytes()
        except (EOFError, OSError):
            raise Gone from None
        value, error = pickle.loads(answer)  # noqa: S301 - from a process of our own
        if error:
            raise error
        return cast("One", value)

    def end(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._link.close()


def serve(end: int) -> None:
    """Do what comes through a socket, until nobody is at its other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this process hears it, too
    from training.model.candidates import one_thread

    with suppress(EOFError, OSError), Connection(end) as link, one_thread():
        link.send_bytes(b"ready")
        while True:
            link.send_bytes(_outcome(link.recv_bytes()))


def _outcome(content: bytes) -> bytes:
    """Return what becomes of work, or its error, which takes along where it happened."""
    try:
        work = pickle.loads(content)  # noqa: S301 - from the process that started this one
        return pickle.dumps((work(), None))
    except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
        error.add_note(f"in a helper:\n{''.join(traceback.format_exception(error))}")
        return pickle.dumps((None, error))


class Cores:
    """So many processes, this one among them. What they find does not depend on how many they are."""

    def __init__(self, count: int = 1) -> None:
        """Start `count` - 1 helpers."""
        self.count = count
        self._helpers = [Helper() for _ in range(count - 1)]

    def run(self, works: Sequence[Callable[[], One]]) -> list[One]:
        """Return what becomes of each piece of work; the first is done here, the others by whoever is free.

        Where one fails no more is begun, and the first that failed raises its error once all are at rest. What a helper
        had in hand that ended is done here. Work, and what becomes of it, has to be such as can be pickled.
        """
        bench = _Bench(works)
        mine = bench.next()
        helping = [Thread(target=bench.help, args=(each,), daemon=True) for each in self._helpers[: len(bench.waiting)]]
        for thread in helping:
            thread.start()
        bench.work(_here, mine)
        for thread in helping:
            thread.join()
        bench.work(_here, bench.next())
        return bench.results()

    def both(self, one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
        """Return what becomes of two pieces of work, as `run` does."""
        first, second = self.run([cast("Callable[[], Any]", one), other])
        return first, second

    def end(self) -> None:
        """End the helpers."""
        for helper in self._helpers:
            helper.end()


class _Bench(Generic[One]):
    """Work that waits, in its order, and what became of the rest."""

    def __init__(self, works: Sequence[Callable[[], One]]) -> None:
        self.waiting = deque(enumerate(works))
        self.found: dict[int, One] = {}
        self.failed: dict[int, Exception] = {}

    def next(self) -> tuple[int, Callable[[], One]] | None:
        with suppress(IndexError):
            return self.waiting.popleft()
        return None

    def help(self, helper: Helper) -> None:
        while self.waiting and not helper.ready():
            pass
        self.work(helper.do, self.next())

    def work(self, do: Callable[[Callable[[], One]], One], turn: tuple[int, Callable[[], One]] | None) -> None:
        while turn:
            place, work = turn
            try:
                self.found[place] = do(work)
            except Gone:
                self.waiting.appendleft(turn)
                return
            except Exception as error:  # noqa: BLE001 - raised with the results
                self.failed[place] = error
                self.waiting.clear()
            turn = self.next()

    def results(self) -> list[One]:
        if self.failed:
            raise self.failed[min(self.failed)]
        return [self.found[place] for place in sorted(self.found)]


def _here(work: Callable[[], One]) -> One:
    return work()


ALONE = Cores()


@contextmanager
def cores_of_machine(spare: int = 0) -> Iterator[Cores]:
    """Have all cores that this process may use, `MOST` processes at most; where there is one core there is no helper.

    `spare` are processes more than cores: two cores share five fits of equal length evenly among three.
    """
    from joblib import cpu_count  # knows what a container is allowed, too

    count = cpu_count()
    cores = Cores(min(count + spare, MOST) if count > 1 else 1)
    try:
        yield cores
    finally:
        cores.end()
