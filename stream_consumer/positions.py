"""Where reading a shard goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

# "Latest" cannot be asked for twice: what came in between would be lost. Should nothing have been read of a
# shard when it has to be opened again, reading goes on this much before the first time: clocks differ.
_MARGIN = timedelta(seconds=60)


class ShardPosition(Struct, frozen=True, omit_defaults=True):
    """A place in a shard: after a record, at a time, past its end, or (none of these) at its horizon."""

    after: str | None = None  # a sequence number
    at: datetime | None = None
    ended: bool = False
    newest: bool = False  # what comes from now on; `at` is where to go on should this have to be asked again

    def request(self) -> dict[str, Any]:
        """Return how GetShardIterator is asked for this place."""
        if self.after is not None:
            return {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.after}
        if self.newest:
            return {"ShardIteratorType": "LATEST"}
        if self.at is not None:
            return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self.at}
        return {"ShardIteratorType": "TRIM_HORIZON"}

    def opened(self) -> "ShardPosition":
        """Return the place to ask for next time, nothing having been read yet."""
        return ShardPosition(at=self.at) if self.newest else self


HORIZON = ShardPosition()
ENDED = ShardPosition(ended=True)


def latest() -> ShardPosition:
    """Return the place where what comes from now on begins."""
    return ShardPosition(newest=True, at=datetime.now(UTC) - _MARGIN)
