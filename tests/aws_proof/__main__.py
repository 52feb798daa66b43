"""Prove the stack without an account: applied whole to moto, every request held against AWS's own descriptions.

python -m tests.aws_proof             `make prove-aws`
python -m tests.aws_proof --write     writes the recorded actions to infra/bootstrap/actions.json, too

Two stacks are applied side by side: one with everything on, one with what is longest and largest, in another region.
Then: a second plan is empty; every request is valid; every policy is known to AWS and grants what it should, to whom it
should; every alarm and widget looks at something that is written; another prefix and `destroy` are refused while the
stack is protected; both are torn down as docs/runbook.md says. Exit code 1, with a sentence each, for what is wrong.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3

from belo import terraform
from terminal.errors import Failure
from tests.aws_proof import calls_planted, deploy_actions, moto_cloud, policies, watched
from tests.aws_proof.moto_corrections import MISTAKEN, correct
from tests.aws_proof.valid import complaints
from tests.aws_proof.wire import Call, Unknown, read

REGION, FAR_REGION = "us-east-1", "ap-northeast-1"
LONGEST = "the-longest-name-"  # of 17 characters

EVERYTHING_ON: dict[str, Any] = {
    "protected": False,
    "own_kms_key": True,
    "own_network": "10.0.0.0/24",
    "enhanced_fan_out": True,
    "reserved_concurrency": 10,
    "tracing": True,
    "page_email": "page@example.com",
    "alarm_email": "ticket@example.com",
    "price_api_auth": "key",
    "training_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/train-worker:1",
    "training_subnets": ["subnet-0123456789abcdef0"],
    "training_public_ip": True,
    "mlflow_tracking_uri": "https://mlflow.example.com",
    "mlflow_secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:mlflow-AbCdEf",
}
EXTREMES: dict[str, Any] = {
    "protected": True,
    "prefix": LONGEST,
    "shards": None,
    "retention_hours": 8760,
    "memory_mb": 10240,
    "timeout_seconds": 900,
    "batch_size": 10000,
    "batching_window_seconds": 300,
    "parallelization_factor": 10,
    "max_record_age_seconds": 604800,
    "max_retries": 10000,
    "archive_window_seconds": 300,
    "monitor_every_minutes": 1440,
    "monitor_window_hours": 2160,
    "retraining_silence_seconds": 43200,
    "price_api_rate": 5000,
    "keep_days": {"dead_letters": None, "sales": 36500},
}


def main() -> None:
    """Prove it, print the counts, and exit with 1 where something is wrong."""
    options = argparse.ArgumentParser(prog="python -m tests.aws_proof", description="The stack proved without AWS.")
    options.add_argument("--write", action="store_true", help="write the recorded actions to infra/bootstrap")
    write = options.parse_args().write
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    correct()
    wrong = []
    with tempfile.TemporaryDirectory() as scratch, moto_cloud.running() as cloud:
        try:
            wrong += _proved(cloud, Path(scratch), write=write)
        except Failure as failure:
            wrong.append(str(failure))
    for sentence in wrong:
        print(f"wrong: {sentence}")
    sys.exit(1 if wrong else 0)


def _proved(cloud: moto_cloud.MotoCloud, scratch: Path, *, write: bool) -> Iterator[str]:
    bundle = scratch / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("lambdas/score.py", "")  # moto runs nothing
    stacks = {scratch / "near": (REGION, EVERYTHING_ON), scratch / "far": (FAR_REGION, EXTREMES)}

    def applied(folder: Path) -> list[str]:
        region, arguments = stacks[folder]
        variables = {"endpoint": cloud.endpoint, "emulator": "", "region": region}
        folder.mkdir()
        terraform.apply_stack(folder, variables, {"bundle": str(bundle), **arguments})
        return [each for each in terraform.changes(folder) if each.split()[1] not in MISTAKEN]

    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        for folder, changes in zip(stacks, pool.map(applied, stacks), strict=True):
            yield from (f"the second plan of the {folder.name} stack would {each}" for each in changes)
    _say(f"two stacks applied, and planned again, in {time.monotonic() - began:.0f} s")
    yield from _policies(cloud)
    yield from _alarms(cloud)
    yield from _protection(cloud, scratch / "far")
    for folder in stacks:
        terraform.destroy(folder)
    yield from _requests(cloud, write=write)
    yield from _left(cloud)


def _client_of(cloud: moto_cloud.MotoCloud, region: str = REGION) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}

    def client_of(service: str) -> Any:
        return boto3.client(service, region_name=region, endpoint_url=cloud.endpoint, **keys)

    return client_of


def _policies(cloud: moto_cloud.MotoCloud) -> Iterator[str]:
    found = policies.prove(_client_of(cloud))
    _say(str(found.counts))
    yield from found


def _alarms(cloud: moto_cloud.MotoCloud) -> Iterator[str]:
    cloudwatch = _client_of(cloud)("cloudwatch")
    alarms = cloudwatch.describe_alarms(MaxRecords=100)["MetricAlarms"]
    body = cloudwatch.get_dashboard(DashboardName=f"belo-{REGION}")["DashboardBody"]
    yield from watched.complaints(alarms, body, "belo")
    misspelt = [each | {"MetricName": f"{each['MetricName']}s"} for each in alarms if "MetricName" in each]
    if len(watched.complaints(misspelt, body, "belo")) != len(misspelt):
        yield "planted fault: a misspelt metric of an alarm is not noticed"
    if not watched.complaints([], body.replace("IncomingRecords", "IncomingRecord"), "belo"):
        yield "planted fault: a misspelt metric of a widget is not noticed"
    if not watched.complaints(alarms, body, "dev-belo"):
        yield "planted fault: alarms on another stack's metrics are not noticed"
    _say(
        f"{len(alarms)} alarms and {len(json.loads(body)['widgets'])} widgets look at what is written, 3 planted faults"
    )


def _protection(cloud: moto_cloud.MotoCloud, folder: Path) -> Iterator[str]:
    """Try to destroy the protected stack by accident, then tear it down as the runbook says."""
    client_of = _client_of(cloud, FAR_REGION)
    (bucket,) = [
        each["Name"]
        for each in client_of("s3").list_buckets()["Buckets"]
        if each["Name"].startswith(f"{LONGEST}belo-dead")
    ]
    client_of("s3").put_object(Bucket=bucket, Key="dead-letters/dt=2026-11-27/shard-1.ndjson.gz", Body=b"a letter")
    override = folder / "infra" / terraform.LOCAL / "arguments_override.tf.json"
    arguments = json.loads(override.read_text())
    for what, prefix in (("destroy", LONGEST), ("another prefix", "other-")):
        arguments["module"]["stack"]["prefix"] = prefix
        override.write_text(json.dumps(arguments))
        try:
            terraform.destroy(folder) if what == "destroy" else terraform.changes(folder)
            yield f"a protected stack was open to {what}"
        except Failure as refused:
            if "prevent_destroy" not in str(refused):
                yield f"{what}: refused for another reason: {refused}"
    arguments["module"]["stack"] |= {"prefix": LONGEST, "protected": False}
    override.write_text(json.dumps(arguments))
    terraform.forget(folder, "module.stack.terraform_data.lock[0]")
    terraform.again(folder)
    _say("a protected stack refuses another prefix and destroy; taken from its lock it is torn down, letters and all")


def _requests(cloud: moto_cloud.MotoCloud, *, write: bool) -> Iterator[str]:
    calls: list[Call] = []
    for sent in [each for each in cloud.sent if "Terraform" in each.headers.get("User-Agent", "")]:
        try:
            calls.append(read(sent))
        except (Unknown, ValueError) as error:
            yield str(error)
    yield from sorted({each for call in calls for each in complaints(call)})
    yield from calls_planted.unnoticed(calls)
    asked = deploy_actions.actions(calls)
    if write:
        deploy_actions.FILE.write_text(json.dumps(asked, indent=2) + "\n", encoding="utf-8")
    yield from deploy_actions.missing(asked)
    yield from deploy_actions.unknown(asked)
    refused = {
        f"{answer} {sent.service} {sent.method} {sent.path}"
        for sent, answer in cloud.failed
        if answer >= 500 or answer == 403  # the others are questions about what is not there
    }
    yield from (f"moto answered {each}" for each in sorted(refused))
    services = {call.service for call in calls}
    _say(
        f"{len(calls):,} requests to {len(services)} services are valid, {len(calls_planted.FAULTS)} planted faults; "
        f"{sum(map(len, asked.values()))} actions of IAM"
    )


def _left(cloud: moto_cloud.MotoCloud) -> Iterator[str]:
    for region in (REGION, FAR_REGION):
        client_of = _client_of(cloud, region)
        left = {
            "streams": client_of("kinesis").list_streams()["StreamNames"],
            "functions": client_of("lambda").list_functions()["Functions"],
            "buckets": client_of("s3").list_buckets()["Buckets"],
            "queues": client_of("sqs").list_queues().get("QueueUrls", []),
            "roles": client_of("iam").list_roles()["Roles"],
            "alarms": client_of("cloudwatch").describe_alarms()["MetricAlarms"],
        }
        yield from (f"after destroy {what} are left in {region}: {those}" for what, those in left.items() if those)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
