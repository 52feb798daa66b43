"""The clients of functions that answer while somebody waits: patience that fits into an invocation."""

from typing import TYPE_CHECKING

from botocore.config import Config

from lambdas.aws.quick_puts import QUICK, quicken
from lambdas.aws.session import client

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT, ADDRESSES = 1.0, 4  # seconds, for each of so many addresses of an endpoint
READ_TIMEOUT = 5.0  # seconds; S3 and Kinesis answer in milliseconds


def s3_client() -> "S3Client":
    """Return a client of S3 that gives up soon, and tries three times."""
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": 3},
        tcp_keepalive=True,
    )
    made: S3Client = client("s3", config)
    return made


def kinesis_client(*, read_timeout: float, connections: int) -> "KinesisClient":
    """Return a client of Kinesis that tries once: whoever publishes tries again, entry by entry."""
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
        max_pool_connections=connections,
    )
    return quicken(client("kinesis", config.merge(QUICK)))
