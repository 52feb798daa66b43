"""The S3 client of functions that answer while somebody waits: patience that fits into an invocation."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
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
    client: S3Client = boto3.client("s3", config=config)
    return client
