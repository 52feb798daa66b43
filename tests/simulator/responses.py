"""What a function's response means, after the "partial batch response" page of Lambda's developer guide."""

from collections.abc import Sequence
from typing import Any

from tests.simulator.stream import Record


def first_failure(response: Any, batch: Sequence[Record]) -> int | None:
    """The position in the batch from which it must be retried, or None for a complete success.

    docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html. Complete success: an
    empty or null response, an empty or null `batchItemFailures`. Complete failure, that is 0: an empty or
    null `itemIdentifier`, or one under another name. Several identifiers: the lowest sequence number is the
    checkpoint. Assumptions: an identifier that is not in the batch, and a `batchItemFailures` that is no
    list of objects, are complete failures; any other response without `batchItemFailures` is a success.
    """
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if failures is None or failures == []:
        return None
    if not isinstance(failures, list):
        return 0
    positions = {record.sequence_number: position for position, record in enumerate(batch)}
    return min(_position(failure, positions) for failure in failures)


def _position(failure: Any, positions: dict[str, int]) -> int:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return positions.get(identifier, 0) if isinstance(identifier, str) else 0
