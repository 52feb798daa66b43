"""The alias `live` moves forward a part first, and goes back where the new version fails."""

from types import SimpleNamespace

import pytest

from belo.release import Move, back, forward, functions_of, pending
from terminal.errors import Failure


class NotThere(Exception):
    pass


class Functions:
    """Lambda, as far as aliases and versions go."""

    def __init__(self, **newest: int) -> None:
        self.exceptions = SimpleNamespace(ResourceNotFoundException=NotThere)
        self.newest = newest
        self.live = {name: {"FunctionVersion": "1", "Description": "What runs"} for name in newest}
        self.said: list[tuple] = []

    def get_alias(self, *, FunctionName, Name):  # noqa: N803 - boto3's
        if FunctionName not in self.live:
            raise NotThere
        return self.live[FunctionName]

    def update_alias(self, *, FunctionName, Name, FunctionVersion, Description, RoutingConfig):  # noqa: N803
        self.live[FunctionName] = {"FunctionVersion": FunctionVersion, "Description": Description}
        self.said.append((FunctionName, FunctionVersion, RoutingConfig["AdditionalVersionWeights"]))

    def get_paginator(self, _):
        return SimpleNamespace(
            paginate=lambda FunctionName: [  # noqa: N803
                {"Versions": [{"Version": "$LATEST"}, {"Version": "10"}][: self.newest[FunctionName] // 10 + 1]},
                {"Versions": [{"Version": str(n)} for n in range(1, min(self.newest[FunctionName], 9) + 1)]},
            ]
        )


class Measured:
    """CloudWatch, which tells the errors of a version."""

    def __init__(self, *errors: float) -> None:
        self.errors = list(errors)

    def get_metric_statistics(self, **_):
        return {"Datapoints": [{"Sum": self.errors.pop(0) if self.errors else 0.0}]}


def test_only_functions_with_a_newer_version_move_and_versions_are_numbers():
    functions = Functions(score=10, archive=1, monitor=3)
    assert pending(functions, functions_of("score")) == [Move("score", "1", "10"), Move("monitor", "1", "3")]


def test_the_names_have_the_stacks_prefix():
    assert functions_of("dev-score") == ["dev-score", "dev-archive", "dev-monitor", "dev-price-api"]


def test_a_part_of_the_calls_goes_first_and_the_rest_follows():
    functions = Functions(score=2)
    forward(functions, Measured(), pending(functions, ["score"]), weight=0.1, watch=0.01, sleep=lambda _: None)
    assert functions.said == [("score", "1", {"2": 0.1}), ("score", "2", {})]


def test_a_version_that_fails_is_taken_back_at_once():
    functions, measured = Functions(score=2, monitor=2), Measured(0, 0, 0, 3)
    with pytest.raises(Failure, match=r"^monitor: version 2 failed 3 times; 1 runs on$"):
        forward(functions, measured, pending(functions, ["score", "monitor"]), watch=60, sleep=lambda _: None)
    assert functions.said[-2:] == [("score", "1", {}), ("monitor", "1", {})]
    with pytest.raises(Failure, match="nothing was released"):
        back(functions, ["score", "monitor"])


def test_an_interrupted_release_is_taken_back():
    functions = Functions(score=2)

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forward(functions, Measured(), pending(functions, ["score"]), watch=60, sleep=interrupted)
    assert functions.said[-1] == ("score", "1", {})


def test_back_goes_to_what_ran_before_the_release_and_no_further():
    functions = Functions(score=2, archive=1)
    forward(functions, Measured(), pending(functions, ["score", "archive"]), watch=0)
    assert back(functions, ["score", "archive", "missing"]) == [Move("score", "2", "1")]
    with pytest.raises(Failure):
        back(functions, ["score", "archive"])
