"""What happened to the champion: every retraining, and every move of the pointer that none of them made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from pricing.manifest import Pointer
from training.contest import Contest
from training.retraining_records import Outcome, Record
from training.retraining_requests import Kind


class Entry(Struct, frozen=True, kw_only=True):
    """A line of the history; what only a retraining has is None elsewhere."""

    when: datetime
    id: str | None = None
    kind: Kind | Literal["promotion", "rollback"]
    asked: str | None = None
    trained: str | None = None
    version: str | None
    verdict: Outcome | Literal["rolled back"]
    why: str | None = None
    promoted_by: str | None
    champion_before: str | None
    champion_after: str
    sales: int | None = None
    contests: list[Contest] = []


def history(records: Sequence[Record], pointers: Sequence[Pointer]) -> list[Entry]:
    """Return the entries, the oldest first, of all retrainings and of all pointers that ever stood, in their order."""
    told = {record.version for record in records if record.outcome == "promoted"}
    moves = [
        _move(pointer, pointers[:place])
        for place, pointer in enumerate(pointers)
        if not (pointer.promoted_by == "auto" and pointer.version in told)
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


def _move(pointer: Pointer, before: Sequence[Pointer]) -> Entry:
    back = any(pointer.version == each.version for each in before)
    return Entry(
        when=datetime.fromisoformat(pointer.promoted_at),
        kind="rollback" if back else "promotion",
        version=pointer.version,
        verdict="rolled back" if back else "promoted",
        promoted_by=pointer.promoted_by,
        champion_before=pointer.previous,
        champion_after=pointer.version,
    )
