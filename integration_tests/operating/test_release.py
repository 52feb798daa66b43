"""Code that takes over and is taken back, and the stack tried whole, on a running cloud."""

import os
import subprocess
import sys

import pytest

from belo.release import LIVE, functions_of
from integration_tests.conftest import ROOT

pytestmark = pytest.mark.slow


def run(cloud, *arguments: str, exit_code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | cloud.env,
        timeout=300,
        check=False,
    )
    assert done.returncode == exit_code, done.stderr
    return done.stderr


def live(cloud) -> dict[str, str]:
    functions = cloud.stack.client("lambda")
    names = functions_of(cloud.stack.score_function)
    return {name: functions.get_alias(FunctionName=name, Name=LIVE)["FunctionVersion"] for name in names}


@pytest.fixture
def changed(cloud) -> str:
    """Publish another version of the scoring function; return its number."""
    functions, name = cloud.stack.client("lambda"), cloud.stack.score_function
    functions.update_function_configuration(FunctionName=name, Description="another")
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return functions.publish_version(FunctionName=name)["Version"]


def test_the_stack_is_tried_whole(cloud):
    said = run(cloud, "belo.smoke")
    assert "10 listings are priced" in said
    assert "POST /price says" in said
    assert said.rstrip().endswith("the stack is alive")


def test_new_code_takes_over_and_is_taken_back(cloud, changed):
    before = live(cloud)
    score = cloud.stack.score_function
    assert before[score] != changed
    assert f"score {before[score]} -> {changed}" in run(cloud, "belo.release", "forward", "--watch", "1")
    assert live(cloud) == before | {score: changed}
    run(cloud, "belo.smoke")
    assert "what was applied last runs already" in run(cloud, "belo.release", "forward", "--watch", "1")
    assert f"score {changed} -> {before[score]}" in run(cloud, "belo.release", "back")
    assert live(cloud) == before
    assert "nothing was released that could be taken back" in run(cloud, "belo.release", "back", exit_code=1)
