"""MiniStack is started for real: half a second each."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest

from belo.local_cloud import ministack
from terminal.errors import Failure

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def python() -> Path:
    return ministack.environment()


def gone(folder: Path) -> bool:
    deadline = time.monotonic() + 10
    while ministack.processes(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not ministack.processes(folder)


def test_its_environment_holds_boto3_but_nothing_that_a_bundle_must_bring(python):
    question = "import importlib.util as u; print([n for n in %r if u.find_spec(n)])"
    asked = ["boto3", "ministack", "numpy", "onnxruntime", "msgspec", "pybase64", "pricing", "lambdas"]
    answer = subprocess.run(
        [python, "-c", question % asked], capture_output=True, text=True, check=True, cwd=python.parent
    )
    assert answer.stdout.strip() == "['boto3', 'ministack']"


def test_two_at_once_do_not_see_each_other_and_leave_nothing_behind():
    with ministack.running() as one, ministack.running() as other:
        clients = [
            boto3.client(
                "kinesis",
                endpoint_url=each.endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            for each in (one, other)
        ]
        clients[0].create_stream(StreamName="mine", ShardCount=1)
        assert clients[0].list_streams()["StreamNames"] == ["mine"]
        assert clients[1].list_streams()["StreamNames"] == []
    for each in (one, other):
        assert gone(each.folder)
        assert not each.folder.exists()
        assert not ministack.healthy(each.endpoint)


def test_nothing_of_the_callers_environment_reaches_it(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    with ministack.running() as instance:
        (pid,) = ministack.processes(instance.folder)
        seen = {each.partition(b"=")[0] for each in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
    assert b"TMPDIR" in seen
    assert not [name for name in seen if name.startswith((b"AWS_", b"PYTHON"))]


def test_it_ends_with_its_parent_even_if_that_is_killed():
    program = """
import json, os, signal
from belo.local_cloud import ministack
with ministack.running() as instance:
    print(json.dumps(str(instance.folder)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    folder = Path(json.loads(done.stdout))
    assert gone(folder)
    ministack.stop(folder)


def test_a_detached_one_outlives_its_parent_until_it_is_stopped(tmp_path):
    program = """
import sys
from pathlib import Path
from belo.local_cloud import ministack
print(ministack.start(Path(sys.argv[1]), ministack.environment(), detached=True).endpoint)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, cwd=ROOT, check=True
    )
    endpoint = done.stdout.strip()
    try:
        assert ministack.healthy(endpoint)
    finally:
        ministack.stop(tmp_path)
    assert gone(tmp_path)
    assert not ministack.healthy(endpoint)
    ministack.stop(tmp_path)  # once more does no harm


def test_what_somebody_else_started_is_left_alone(tmp_path):
    with subprocess.Popen(["sleep", "60"], env=os.environ | {ministack.MARKER: f"{tmp_path}-other"}) as other:
        ministack.stop(tmp_path)
        assert other.poll() is None
        other.kill()


def stand_in(folder: Path, script: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_crash_at_the_start_is_told_with_the_end_of_the_log(tmp_path):
    crashing = stand_in(tmp_path, "echo 'no module named ministack'; exit 1")
    with pytest.raises(Failure, match="MiniStack did not start: no module named ministack"):
        ministack.start(tmp_path, crashing)


def test_a_port_that_was_lost_to_another_is_given_up_for_a_new_one(tmp_path, python):
    lost_once = stand_in(
        tmp_path,
        f'test -e {tmp_path}/tried && exec {python} "$@"; touch {tmp_path}/tried\n'
        'echo "127.0.0.1:$GATEWAY_PORT is already in use"; exit 1',
    )
    instance = ministack.start(tmp_path, lost_once)
    try:
        assert ministack.healthy(instance.endpoint)
    finally:
        ministack.stop(tmp_path)
        instance.process.communicate()


def test_terraform_that_lost_an_answer_gets_it_again_and_everybody_else_is_told_that_it_exists():
    def status(endpoint: str, agent: str, name: str) -> int:
        body = f"Action=CreateRole&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument=%7B%7D".encode()
        headers = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, Signature=x",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": agent,
            "Amz-Sdk-Invocation-Id": f"{agent}-{name}",
        }
        try:
            with urllib.request.urlopen(urllib.request.Request(endpoint, body, headers)) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    with ministack.running() as instance:
        terraform = [status(instance.endpoint, "APN/1.0 Terraform/1.11", "first") for _ in range(2)]
        boto = [status(instance.endpoint, "Boto3/1.40", "second") for _ in range(2)]
        another = status(instance.endpoint, "APN/1.0 Terraform/1.11", "second")
    assert (terraform, boto, another) == ([200, 200], [200, 409], 409)
