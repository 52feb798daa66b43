"""Where reading a shard goes on."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs

_CLOCK_STEP = timedelta(seconds=2)  # the service tells its time in whole seconds


class ShardPosition(Struct, frozen=True, omit_defaults=True):
    """A place in a shard: after a record, at a time, past its end, or (none of these) at its horizon.

    `index`: of an aggregated record, the last entry that has been dealt with; None for all of it. `read_until`: up to
    which arrival (the service's clock, UTC) the shard has been read, as far as that is known.
    """

    after: str | None = None  # a sequence number
    at: datetime | None = None
    ended: bool = False
    newest: bool = False  # what comes from now on; `at` is where to go on should this have to be asked again
    index: int | None = None
    read_until: datetime | None = None

    def request(self) -> dict[str, Any]:
        """Return how GetShardIterator is asked for this place."""
        if self.after is not None:
            kind = "AFTER_SEQUENCE_NUMBER" if self.index is None else "AT_SEQUENCE_NUMBER"
            return {"ShardIteratorType": kind, "StartingSequenceNumber": self.after}
        if self.newest:
            return {"ShardIteratorType": "LATEST"}
        if self.at is not None:
            return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self.at}
        return {"ShardIteratorType": "TRIM_HORIZON"}

    def opened(self) -> "ShardPosition":
        """Return the place to ask for next time, nothing having been read yet."""
        return structs.replace(self, newest=False)

    def since(self, now: datetime) -> "ShardPosition":
        """Return the newest place with a time to go on at: "latest" cannot be asked for twice."""
        return structs.replace(self, at=now - _CLOCK_STEP) if self.newest and self.at is None else self


HORIZON = ShardPosition()
ENDED = ShardPosition(ended=True)
LATEST = ShardPosition(newest=True)
