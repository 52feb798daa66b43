"""Records that nobody will read any more, as far as can be known."""

from datetime import datetime
from typing import Literal

from msgspec import Struct


class Gap(Struct, frozen=True):
    """A part of a shard that was not read, because the stream no longer has it; reading goes on at the oldest record.

    `expired`: reading should have gone on at `since`, longer ago than the stream keeps records. `shard_gone`: the
    stream lists the shard no more; if nothing of it was ever read, nor, perhaps, of those that it was split off or
    merged from. `moved`: the stream does not know the place. How many records are missing nobody can say: `since`
    (where known) to `until` (the arrival of the first record read after the gap, where there is one) is when they
    arrived; `after` is the sequence number last read.
    """

    shard_id: str
    reason: Literal["expired", "shard_gone", "moved"]
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None

    def __str__(self) -> str:
        """Return it as one line."""
        why = {
            "expired": "older than the stream keeps records",
            "shard_gone": "the stream lists the shard no more",
            "moved": "the stream does not know the place",
        }[self.reason]
        since = f" from {self.since:%Y-%m-%dT%H:%M:%SZ}" if self.since else ""
        until = f" to {self.until:%Y-%m-%dT%H:%M:%SZ}" if self.until else ""
        return f"{self.shard_id}: records may be missing{since}{until} ({why}); reading goes on at the oldest record"
