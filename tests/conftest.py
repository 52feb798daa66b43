import os
from collections.abc import Iterator

import boto3
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

# How long a machine takes is no finding.
settings.register_profile("belo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("belo")

MODELS, DEAD_LETTERS = "models", "dead-letters"


@pytest.fixture
def s3(monkeypatch) -> Iterator:
    """An S3 in memory with the buckets of the score function."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in (MODELS, DEAD_LETTERS):
            client.create_bucket(Bucket=bucket)
        yield client
