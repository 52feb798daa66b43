"""The settings of an event source mapping, under the names and with the bounds of its API."""

from dataclasses import dataclass

BOUNDS = {
    "batch_size": (1, 10_000),
    "maximum_batching_window": (0, 300),
    "parallelization_factor": (1, 10),
    "maximum_retry_attempts": (-1, 10_000),
    "maximum_record_age": (-1, 604_800),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Defaults and bounds: docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html; -1 is
    "for ever".

    Durations are seconds. `poll_interval`: "Lambda polls each shard in your Kinesis stream for records at a
    base rate of once per second" (with-kinesis.html). `retry_delay` is the pause before the first retry of
    a batch; it doubles up to a minute: that there is a pause is well known, how long it is, an assumption.
    Raises ValueError out of bounds.
    """

    batch_size: int = 100
    maximum_batching_window: float = 0.0
    parallelization_factor: int = 1
    bisect_batch_on_function_error: bool = False
    maximum_retry_attempts: int = -1
    maximum_record_age: float = -1.0
    report_batch_item_failures: bool = False
    poll_interval: float = 1.0
    retry_delay: float = 1.0

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: expected {low} to {high}, got {getattr(self, name)}")

    def pause(self, failures: int) -> float:
        """Seconds before a batch that has failed `failures` times in a row is tried again."""
        return min(60.0, self.retry_delay * 2.0 ** min(failures - 1, 10)) if failures else 0.0
