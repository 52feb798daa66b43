"""What happened to the champion: every retraining, and every move of the pointer that none of them made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from pricing.manifest import Pointer
from training.promotion.promote import is_rollback
from training.retraining.records import Record, RetrainingOutcome
from training.retraining.requests import Kind
from training.sales_contest.contest import Contest

NOTHING: Mapping[str, str] = MappingProxyType({})


class Entry(Struct, frozen=True, kw_only=True):
    """A line of the history; what only a retraining has is None elsewhere."""

    when: datetime
    id: str | None = None
    kind: Kind | Literal["promotion", "rollback"]
    asked: str | None = None
    trained: str | None = None
    version: str | None
    verdict: RetrainingOutcome | Literal["rolled back"]
    why: str | None = None
    promoted_by: str | None
    champion_before: str | None
    champion_after: str
    sales: int | None = None
    contests: list[Contest] = []


def history(
    records: Sequence[Record], pointers: Sequence[Pointer], trained_at: Mapping[str, str] = NOTHING
) -> list[Entry]:
    """Return the entries, the oldest first, of all retrainings and of all pointers that ever stood, in their order.

    `trained_at` says of each version when it was trained (ISO 8601): as `rollback` does, it tells what went back.
    """
    recorded = {record.version for record in records if record.outcome == "promoted"}
    moves = [
        _move(pointer, back=back)
        for pointer, back in zip(pointers, _rollbacks(pointers, trained_at), strict=True)
        if not (pointer.promoted_by == "auto" and pointer.version in recorded)
    ]
    return sorted([*map(_retraining, records), *moves], key=lambda entry: entry.when)


def _retraining(record: Record) -> Entry:
    return Entry(
        when=record.finished_at,
        id=record.request.id,
        kind=record.request.kind,
        asked=record.request.reason,
        trained=record.trained,
        version=record.version,
        verdict=record.outcome,
        why=record.why,
        promoted_by=record.promoted_by,
        champion_before=record.champion_before,
        champion_after=record.champion_after,
        sales=record.sales,
        contests=record.contests,
    )


def _rollbacks(pointers: Sequence[Pointer], trained_at: Mapping[str, str]) -> list[bool]:
    found = [False] * len(pointers)
    for place, (left, taken) in enumerate(pairwise(pointers), start=1):
        returns = taken.version == left.previous and is_rollback(taken, trained_at) is not False
        found[place] = returns and not found[place - 1]
    return found


def _move(pointer: Pointer, *, back: bool) -> Entry:
    return Entry(
        when=datetime.fromisoformat(pointer.promoted_at),
        kind="rollback" if back else "promotion",
        version=pointer.version,
        verdict="rolled back" if back else "promoted",
        promoted_by=pointer.promoted_by,
        champion_before=pointer.previous,
        champion_after=pointer.version,
    )
