import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import moto.s3.models
import moto.s3.urls
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

# How long a machine takes is no finding.
settings.register_profile("belo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("belo")

# Else moto reads them anew for each request, as they might have changed.
moto.s3.models.S3Backend._url_module = moto.s3.urls

MODELS, DEAD_LETTERS = "models", "dead-letters"


@pytest.fixture(scope="session")
def client_of() -> Callable[[str], Any]:
    """Return the client of a service that moto keeps in memory; each is made once, being slow to make."""

    @functools.cache
    def make(service: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            forget_aws(patch)
            credentials = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
            return boto3.client(service, region_name="us-east-1", **credentials)

    return make


def forget_aws(patch: pytest.MonkeyPatch) -> None:
    """Take what the environment says of AWS out of it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)


@pytest.fixture
def s3(monkeypatch, client_of) -> Iterator:
    """An S3 in memory with the buckets of the score function."""
    forget_aws(monkeypatch)
    client = client_of("s3")
    with mock_aws():
        for bucket in (MODELS, DEAD_LETTERS):
            client.create_bucket(Bucket=bucket)
        yield client
