"""Input that comes when it comes, such as a pipe that somebody types into."""

from collections.abc import Iterable, Iterator
from queue import Empty, Queue
from threading import Thread

from stream_producer.records import Record

PATIENCE = 0.2  # seconds
_AHEAD = 2_000  # records


class _End:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def with_pauses(records: Iterable[Record | None]) -> Iterator[Record | None]:
    """Pass records on, and None each time that 0.2 s went by without one; raises what they raise."""
    held: Queue[Record | _End | None] = Queue(_AHEAD)
    Thread(target=_read, args=(records, held), daemon=True, name="input").start()
    while True:
        try:
            item = held.get(timeout=PATIENCE)
        except Empty:
            item = None
        if isinstance(item, _End):
            if item.error:
                raise item.error
            return
        yield item


def _read(records: Iterable[Record | None], held: "Queue[Record | _End | None]") -> None:
    try:
        for record in records:
            held.put(record)
    except BaseException as error:  # noqa: BLE001 - raised again on the other side
        held.put(_End(error))
    else:
        held.put(_End())
