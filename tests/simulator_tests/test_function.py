"""The function's process: its time, its environments and its end."""

from contextlib import suppress

import pytest

from tests.simulator.clock import Killed, SimulatedClock
from tests.simulator.events import event_of
from tests.simulator.faults import Crash, Script
from tests.simulator.function import Function
from tests.simulator.s3 import FakeS3


@pytest.fixture
def clock():
    return SimulatedClock()


EVENT = event_of([], "arn")


def test_the_remaining_time_shrinks_with_the_simulated_clock(clock):
    remaining = []

    def handler(_, context):
        remaining.append(context.get_remaining_time_in_millis())
        clock.sleep(12.5)
        remaining.append(context.get_remaining_time_in_millis())

    Function(clock, lambda: handler, timeout=60).invoke(EVENT)
    assert remaining == [60_000, 47_500]


def test_a_function_out_of_time_is_killed_where_it_stands_and_what_it_did_stays_done(clock):
    s3 = FakeS3(clock, latency=20)

    def handler(_, __):
        for key in "abcd":
            s3.put_object(Bucket="b", Key=key, Body=b"")

    start = clock.time()
    answer = Function(clock, lambda: handler, timeout=50).invoke(EVENT)
    assert answer.error == "Sandbox.Timedout"
    assert (s3.keys("b"), clock.time() - start) == (["a", "b"], 50)


def test_a_killed_function_that_goes_on_in_a_finally_block_has_no_further_effect(clock):
    s3 = FakeS3(clock, faults=Script([Crash()]))

    def handler(_, __):
        try:
            s3.put_object(Bucket="b", Key="a", Body=b"")
        finally:
            s3.put_object(Bucket="b", Key="b", Body=b"")

    assert Function(clock, lambda: handler).invoke(EVENT).error == "Runtime.ExitError"
    assert s3.keys("b") == []


def test_what_happens_aside_takes_the_invocation_no_time_and_outlasts_it(clock):
    s3 = FakeS3(clock, latency=20)

    def handler(_, __):
        with clock.aside():
            for key in "abcd":
                s3.put_object(Bucket="b", Key=key, Body=b"")
        clock.sleep(1)

    start = clock.time()
    assert Function(clock, lambda: handler, timeout=50).invoke(EVENT).error is None
    assert (s3.keys("b"), clock.time() - start) == (["a", "b", "c", "d"], 1)


def test_a_crash_aside_is_the_end_of_the_invocation_too(clock):
    s3 = FakeS3(clock, faults=Script([Crash()]))

    def handler(_, __):
        with suppress(Killed), clock.aside():
            s3.put_object(Bucket="b", Key="a", Body=b"")
        s3.put_object(Bucket="b", Key="b", Body=b"")

    assert Function(clock, lambda: handler).invoke(EVENT).error == "Runtime.ExitError"
    assert s3.keys("b") == []


def test_a_kill_is_no_exception_that_a_function_could_hold_back(clock):
    s3 = FakeS3(clock, faults=Script([Crash(after=True)]))

    def handler(_, __):
        try:
            s3.put_object(Bucket="b", Key="a", Body=b"")
        except Exception:  # noqa: BLE001 # what a careless handler does
            return "held"

    assert Function(clock, lambda: handler).invoke(EVENT).error == "Runtime.ExitError"
    assert s3.keys("b") == ["a"]


def test_even_a_function_that_swallows_the_kill_is_dead(clock):
    s3 = FakeS3(clock, faults=Script([Crash()]))

    def handler(_, __):
        try:
            s3.put_object(Bucket="b", Key="a", Body=b"")
        except Killed:
            return "alive"

    assert Function(clock, lambda: handler).invoke(EVENT).error == "Runtime.ExitError"


def test_a_warm_environment_is_kept_after_an_exception_and_replaced_after_a_crash(clock):
    ends = iter([None, ValueError, Crash, None])

    def build():
        def handler(_, __):
            end = next(ends)
            if end is Crash:
                clock.kill("Runtime.ExitError")
            if end:
                raise end

        return handler

    function = Function(clock, build)
    errors = [function.invoke(EVENT).error for _ in range(4)]
    assert errors == [None, "ValueError", "Runtime.ExitError", None]
    assert function.cold_starts == 2


def test_a_cold_start_that_raises_is_a_failed_invocation_and_is_tried_again(clock):
    starts = iter([RuntimeError("no model"), None])

    def build():
        if error := next(starts):
            raise error
        return lambda *_: "ok"

    function = Function(clock, build)
    assert function.invoke(EVENT).error == "RuntimeError"
    assert function.invoke(EVENT).response == "ok"


def test_invocations_that_overlap_have_an_environment_each(clock):
    function = Function(clock, lambda: lambda *_: clock.sleep(10))
    start = clock.time()
    function.invoke(EVENT)
    clock.jump(start + 5)
    function.invoke(EVENT)
    clock.jump(start + 12)
    function.invoke(EVENT)
    assert function.cold_starts == 2
