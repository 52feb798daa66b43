"""A stack beside the session's, with something in its buckets: applied, planned clean, destroyed clean."""

import pytest

from belo import bundle, terraform
from belo.local_cloud import provision

PREFIX = "teardown-"


def names(stack) -> list[str]:
    """Return what of the stack is there."""
    streams = stack.client("kinesis").list_streams()["StreamNames"]
    buckets = [each["Name"] for each in stack.client("s3").list_buckets()["Buckets"]]
    functions = [each["FunctionName"] for each in stack.client("lambda").list_functions()["Functions"]]
    queues = [each.rpartition("/")[2] for each in stack.client("sqs").list_queues().get("QueueUrls", [])]
    roles = [each["RoleName"] for each in stack.client("iam").list_roles()["Roles"]]
    return [each for each in (*streams, *buckets, *functions, *queues, *roles) if each.startswith(PREFIX)]


@pytest.mark.slow
def test_a_stack_is_applied_planned_clean_and_destroyed_clean(endpoint, emulator, tmp_path):
    bundled = bundle.build(provision.target(endpoint, emulator))
    stack = provision.provision(endpoint, emulator, bundled, tmp_path, {"prefix": PREFIX, "retraining": True})
    assert provision.changes(tmp_path) == []
    terraform.forget(tmp_path, "module.stack.module.monitor.aws_lambda_alias.live")  # as if the answer had been lost
    provision.provision(endpoint, emulator, bundled, tmp_path, {"prefix": PREFIX, "retraining": True})
    assert provision.changes(tmp_path) == []
    assert len(names(stack)) >= 15
    s3 = stack.client("s3")
    for bucket in (stack.dead_letters_bucket, stack.archive_bucket):
        s3.put_object(Bucket=bucket, Key="dead-letters/dt=2026-11-27/shard-1.ndjson.gz", Body=b"a letter")
    terraform.destroy(tmp_path)
    assert names(stack) == []
