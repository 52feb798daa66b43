"""What a load costs a month, by what it is paid for. Pure arithmetic; its figures are in `belo.cost.figures`."""

import math

from msgspec import Struct

from belo.cost import figures
from belo.cost.load import Calls, Choice, Load, Stream, load


class Bill(Struct, frozen=True):
    """Dollars a month by what they are paid for."""

    drivers: dict[str, float]

    @property
    def total(self) -> float:
        """Return the whole bill."""
        return sum(self.drivers.values())


class PerMillion(Struct, frozen=True):
    """Dollars for a million predictions: with all that is paid, and without what an idle stack costs too."""

    marginal: float
    all_in: float


class Compared(Struct, frozen=True):
    """What other ways to score the same rate cost a month, and the scoring function here; scoring alone."""

    score_function: float
    course_function: float
    sagemaker_instances: int
    sagemaker_endpoint: float


def bill(asked: Load, choice: Choice) -> Bill:
    """Return the bill of a month at a steady rate, once archive and logs are as large as they become."""
    return Bill(
        _streams(asked, choice)
        | {
            "score: requests": _requests(asked.score),
            "score: GB-seconds": _gb_seconds(asked.score),
            "archive function": _requests(asked.archive) + _gb_seconds(asked.archive),
            "S3 requests": _s3_requests(asked),
            "S3 storage": _s3_storage(asked.rate),
            "logs": _logs(asked),
            "custom metrics": _metrics(asked.rate) * figures.CUSTOM_METRIC.usd,
            "alarms": figures.ALARM_METRICS * figures.ALARM_METRIC.usd,
            "dashboard": figures.DASHBOARD.usd,
            "monitor": _monitor(asked),
            "retraining sweep": figures.SWEEPS * figures.SWEEP_HOURS * _task_hour(),
            "KMS": _kms(asked, choice),
            "VPC endpoints": _endpoints(asked) if choice.network else 0,
            "EventBridge": figures.DRIFT_EVENTS * figures.CUSTOM_EVENT.usd,
            "SQS": figures.PIPE_POLLS * figures.SQS_REQUEST.usd,
        }
    )


def per_million(rate: float, choice: Choice) -> PerMillion | None:
    """Return what a million predictions cost; None where there are none."""
    if not rate:
        return None
    total, idle = (bill(load(each, choice), choice).total for each in (rate, 0))
    millions = rate * figures.SECONDS / figures.MILLION
    return PerMillion((total - idle) / millions, total / millions)


def compared(asked: Load) -> Compared:
    """Return what scoring costs elsewhere at the same rate; streams, archive and the rest would come on top."""
    each = 1 / figures.COURSE_RECORDS + figures.COURSE_PUT_SECONDS + figures.CALL_SECONDS
    course = Calls(asked.rate, each, figures.MEMORY_MB)  # one listing after the other
    an_instance = figures.SAGEMAKER_RECORDS * figures.SAGEMAKER_CORES * figures.MARGIN
    instances = max(1, math.ceil(asked.rate / an_instance))
    return Compared(
        score_function=_requests(asked.score) + _gb_seconds(asked.score),
        course_function=_requests(asked.score) + _gb_seconds(course),
        sagemaker_instances=instances,
        sagemaker_endpoint=instances * figures.HOURS * figures.INSTANCE_HOUR.usd,
    )


def put_units(stream: Stream) -> float:
    """Return the PUT payload units a second."""
    return stream.records_a_second * math.ceil(stream.record_bytes / figures.PAYLOAD_UNIT_BYTES)


def _streams(asked: Load, choice: Choice) -> dict[str, float]:
    both = (asked.listings, asked.predictions)
    gb = [stream.bytes_a_second * figures.SECONDS / figures.GB for stream in both]
    shard_hours = asked.shards * figures.HOURS
    if choice.on_demand:
        billed = sum(_gb_billed(stream) for stream in both)
        kept = billed / figures.SECONDS * 86_400  # the second of the two days that records are kept
        read = sum(gb[1:] if choice.fan_out else gb) * figures.ON_DEMAND_GB_OUT.usd
        return {
            "streams": 2 * figures.HOURS * figures.ON_DEMAND_STREAM_HOUR.usd,
            "streams: second day kept": kept * figures.ON_DEMAND_RETENTION_GB.usd,
            "streams: GB in and out": billed * figures.ON_DEMAND_GB_IN.usd + read,
            "fan-out": gb[0] * figures.ON_DEMAND_FAN_OUT_GB.usd if choice.fan_out else 0,
        }
    hours, volume = shard_hours * figures.FAN_OUT_SHARD_HOUR.usd, gb[0] * figures.FAN_OUT_GB.usd
    return {
        "streams": 2 * shard_hours * figures.SHARD_HOUR.usd,
        "streams: second day kept": 2 * shard_hours * figures.RETENTION_SHARD_HOUR.usd,
        "streams: PUT payload units": sum(map(put_units, both)) * figures.SECONDS * figures.PUT_UNIT.usd,
        "fan-out": hours + volume if choice.fan_out else 0,
    }


def _gb_billed(stream: Stream) -> float:
    """Return the GB a month that on-demand mode bills: each record is rounded up to a whole KB."""
    size = math.ceil(stream.record_bytes / figures.BILLED_KB) * figures.BILLED_KB
    return stream.records_a_second * size * figures.SECONDS / figures.GB


def _requests(calls: Calls) -> float:
    return calls.a_second * figures.SECONDS * figures.LAMBDA_REQUEST.usd


def _gb_seconds(calls: Calls) -> float:
    return calls.at_once * figures.SECONDS * calls.memory_mb / 1024 * figures.LAMBDA_GB_SECOND.usd


def _s3_requests(asked: Load) -> float:
    """Return what objects of the archive and questions for the champion cost."""
    asks = min(asked.score.a_second, asked.shards * asked.parallelization / figures.POLL_SECONDS)
    put, get = asked.archive.a_second * figures.S3_PUT.usd, asks * figures.POLLED * figures.S3_GET.usd
    return figures.SECONDS * (put + get)


def _s3_storage(rate: float) -> float:
    rows = rate * 86_400 * figures.ARCHIVE_DAYS
    return rows * figures.ARCHIVED_BYTES / figures.GB * figures.S3_GB_MONTH.usd


def _logs(asked: Load) -> float:
    """Return what logs cost to take in, and to keep."""
    lines = ((asked.score, figures.SCORE_LOG_BYTES), (asked.archive, figures.ARCHIVE_LOG_BYTES))
    a_second = sum(calls.a_second * (line + figures.PLATFORM_LOG_BYTES) for calls, line in lines)
    kept = figures.LOG_DAYS * 12 / 365 * figures.LOG_COMPRESSED * figures.LOG_GB_MONTH.usd
    return a_second * figures.SECONDS / figures.GB * (figures.LOG_GB.usd + kept)


def _metrics(rate: float) -> float:
    """Return how many custom metrics there are; one is paid by the hour in which it is reported."""
    return figures.WATCH_METRICS + min(1.0, rate * 3600) * figures.FLOW_METRICS


def _monitor(asked: Load) -> float:
    """Return what the looks cost.

    One that does not fit runs into its time-out three times; what it reads is counted as if it had read all, once.
    """
    look = asked.look
    seconds = look.seconds if look.fits else figures.LOOK_TIMEOUT * figures.LOOK_TRIES
    computing = seconds * figures.MONITOR_MEMORY_MB / 1024 * figures.LAMBDA_GB_SECOND.usd
    reading = look.objects * figures.S3_GET.usd + look.objects / 1000 * figures.S3_PUT.usd  # a LIST names a thousand
    return figures.LOOKS * (computing + figures.LAMBDA_REQUEST.usd + reading)


def _kms(asked: Load, choice: Choice) -> float:
    """Return what encryption costs: each stream calls by itself, and once more for each process that uses it."""
    processes = 1 + 3 * asked.shards if asked.rate else 0  # the publisher; score at both ends, the archive at one
    own = figures.KEY.usd if choice.own_key else 0
    return (2 + processes) * figures.KEY_CALLS * figures.KMS_CALL.usd + own


def _endpoints(asked: Load) -> float:
    published = asked.predictions.bytes_a_second * 4 / 3 * figures.SECONDS / figures.GB  # in base64
    hours = figures.ENDPOINTS * figures.HOURS * figures.ENDPOINT_HOUR.usd
    return hours + published * figures.ENDPOINT_GB.usd


def _task_hour() -> float:
    return figures.SWEEP_VCPU * figures.VCPU_HOUR.usd + figures.SWEEP_GB * figures.MEMORY_GB_HOUR.usd
