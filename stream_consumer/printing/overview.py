"""How the streams of a stack stand, as a person reads it."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table

from stream_consumer.overview import Overview, ShardOverview

COLUMNS = ("shard", "parents", "oldest", "newest", "records/min", "kB/min", "lag")


def rendered(overview: Overview) -> RenderableType:
    """Return a table for each stream, and the rest in lines below."""
    return Group(*(_table(each.stream, each.shards) for each in overview.streams), *_lines(overview))


def _table(stream: str, shards: list[ShardOverview]) -> Table:
    table = Table(title=stream, title_justify="left")
    for number, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if number > 3 else "left", no_wrap=True)
    for each in shards:
        name = _short(each.shard_id) + ("" if each.open else " closed")
        rates = f"{each.records_a_minute:,.0f}", f"{each.bytes_a_minute / 1000:,.1f}"
        lag = "" if each.lag is None else f"{each.lag:,.0f} s"
        table.add_row(name, " ".join(map(_short, each.parents)), _time(each.oldest), _time(each.newest), *rates, lag)
    return table


def _lines(overview: Overview) -> Iterator[str]:
    age = "unknown" if overview.iterator_age is None else f"{overview.iterator_age:,.1f} s"
    yield f"iterator age of the function: {age}"
    yield f"in the last day: {overview.dead_letters} dead letters, {overview.parked_batches} parked batches"


def _short(shard_id: str) -> str:
    return shard_id.removeprefix("shardId-").lstrip("0") or "0"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "none"
