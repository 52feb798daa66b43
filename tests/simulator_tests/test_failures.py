"""What the mapping makes of failures: retries, bisecting, the checkpoint, and giving up."""

import pytest

from tests.simulator.faults import Crash, LoseResponse, Script, Stall, ThrottleInvocation
from tests.simulator.stream import hash_key


def boom(_):
    raise RuntimeError("boom")


def failing_on(stage, *poison):
    def handle(texts):
        if set(poison) & set(texts):
            raise RuntimeError("poison")

    return handle


def test_a_partial_success_is_retried_from_the_lowest_reported_record(stage):
    stage.put(*"abcde")
    answers = iter([stage.failing("d", "c"), None])
    stage.run(lambda _: next(answers), report_batch_item_failures=True)
    assert stage.seen == [list("abcde"), list("cde")]


def test_the_lowest_position_counts_not_the_lowest_text_of_a_sequence_number(stage):
    texts = [f"{index:02d}" for index in range(60)]
    stage.put(*texts)
    assert stage.numbers["59"] < stage.numbers["01"]
    answers = iter([stage.failing("59", "01"), None])
    stage.run(lambda _: next(answers), report_batch_item_failures=True)
    assert stage.seen[1] == texts[1:]


@pytest.mark.parametrize("response", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_empty_or_null_response_is_a_complete_success(stage, response):
    stage.put(*"abc")
    stage.run(lambda _: response, report_batch_item_failures=True)
    assert stage.seen == [list("abc")]


@pytest.mark.parametrize(
    "failures",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemidentifier": "1"}],
        [{"itemIdentifier": "1"}],
        [{"itemIdentifier": 7}],
        ["text"],
        "text",
    ],
)
def test_an_empty_malformed_or_unknown_identifier_means_that_the_whole_batch_failed(stage, failures):
    stage.put(*"abc")
    answers = iter([{"batchItemFailures": failures}, None])
    stage.run(lambda _: next(answers), report_batch_item_failures=True)
    assert stage.seen == [list("abc")] * 2


def test_without_report_batch_item_failures_what_a_function_reports_is_ignored(stage):
    stage.put(*"abc")
    stage.run(lambda _: stage.failing("b"))
    assert stage.seen == [list("abc")]


def test_a_response_that_is_no_json_is_a_failed_invocation(stage):
    stage.put("a")
    answers = iter([object(), None])
    stage.run(lambda _: next(answers))
    assert [invocation.answer.error for invocation in stage.mapping.log] == ["TypeError", None]


def test_a_failed_batch_blocks_its_shard_until_it_succeeds(stage):
    stage.put(*"abcd")
    answers = iter([ZeroDivisionError, ZeroDivisionError, None, None])

    def handle(_):
        if answer := next(answers):
            raise answer

    stage.run(handle, batch_size=2)
    assert stage.seen == [["a", "b"]] * 3 + [["c", "d"]]
    assert stage.times == [0, 1, 3, 3]


def test_bisecting_isolates_a_poison_record_and_spends_no_retries(stage):
    stage.put(*"abcdefgh")
    settings = {"bisect_batch_on_function_error": True, "maximum_retry_attempts": 0}
    stage.run(failing_on(stage, "f"), **settings)
    assert stage.parked == ["f"]
    assert stage.seen == [[*"abcdefgh"], [*"abcd"], [*"efgh"], [*"ef"], ["e"], ["f"], [*"gh"]]


def test_a_partial_success_under_bisecting_splits_at_the_reported_record(stage):
    stage.put(*"abcdef")
    answers = iter([stage.failing("d"), None])
    settings = {"bisect_batch_on_function_error": True, "maximum_retry_attempts": 0}
    stage.run(lambda _: next(answers), report_batch_item_failures=True, **settings)
    assert (stage.seen, stage.parked) == ([[*"abcdef"], [*"def"]], [])


def test_after_the_maximum_retry_attempts_a_batch_is_parked_and_the_shard_goes_on(stage):
    stage.put(*"abcd")
    stage.run(failing_on(stage, "b"), batch_size=2, maximum_retry_attempts=2)
    assert stage.seen == [["a", "b"]] * 3 + [["c", "d"]]
    assert stage.parked == ["a", "b"]


def test_without_bisecting_a_partial_success_spends_a_retry(stage):
    stage.put(*"abc")
    stage.run(lambda texts: stage.failing(texts[-1]), report_batch_item_failures=True, maximum_retry_attempts=1)
    assert (stage.seen, stage.parked) == ([[*"abc"], ["c"]], ["c"])


def test_records_past_the_maximum_age_are_parked_and_younger_ones_of_the_batch_are_not(stage):
    stage.put("old", at=0)
    stage.put("young", at=50)
    slow = iter([70.0, 0.0])
    stage.put("first", at=0, key="k")
    stage.run(lambda _: stage.clock.sleep(next(slow)), maximum_record_age=60, batch_size=1, timeout=900)
    assert stage.seen == [["old"], ["young"]]
    assert stage.parked == ["first"]


def test_retries_end_with_the_maximum_age_when_there_is_no_other_limit(stage):
    stage.put("a")
    stage.run(boom, maximum_record_age=100)
    assert stage.parked == ["a"]
    assert stage.times[-1] <= 100 < stage.clock.time() - stage.start


def test_without_any_limit_a_failing_batch_is_retried_until_the_stream_forgets_it(stage):
    stage.put("a")
    stage.run(boom)
    assert (stage.parked, [record.data for record in stage.mapping.expired]) == ([], [b"a"])
    assert stage.times[-1] > stage.stream.retention - 120


def test_a_throttled_invocation_is_tried_again_and_spends_no_retries(stage):
    stage.put("a")
    faults = Script([ThrottleInvocation()] * 5)
    stage.run(lambda _: None, faults=faults, maximum_retry_attempts=0, bisect_batch_on_function_error=True)
    assert (stage.seen, stage.parked) == ([["a"]], [])
    assert stage.function.injected == {"ThrottleInvocation": 5}


@pytest.mark.parametrize("fault", [LoseResponse(), Crash(after=True), Stall(1e6)])
def test_a_batch_whose_answer_never_arrives_is_delivered_again_though_its_work_was_done(stage, fault):
    stage.put("a")
    stage.run(lambda _: None, faults=Script([fault]))
    assert stage.seen == [["a"], ["a"]]


def test_a_restarted_poller_delivers_again_from_its_checkpoint(stage):
    stage.put(*"ab")
    answers = iter([{}, RuntimeError])

    def handle(texts):
        if (answer := next(answers, None)) is RuntimeError:
            raise answer

    stage.run(handle, batch_size=1, maximum_retry_attempts=0)
    (shard,) = stage.stream.shards
    assert stage.mapping.checkpoint(shard) == 2
    stage.mapping.rewind(shard, to=1)
    stage.mapping.run()
    assert stage.seen == [["a"], ["b"], ["b"]]


def test_the_checkpoint_waits_for_the_slowest_of_concurrent_batches(stage):
    one, other = (next(str(n) for n in range(9) if hash_key(str(n)) % 2 == lane) for lane in (0, 1))
    stage.put("stuck", key=one)
    stage.put("done", key=other)
    (shard,) = stage.stream.shards
    stage.run(failing_on(stage, "stuck"), until=stage.start + 50, parallelization_factor=2)
    assert stage.seen.count(["done"]) == 1
    assert stage.mapping.checkpoint(shard) == 0
    stage.mapping.rewind(shard)
    stage.mapping.run(until=stage.start + 100)
    assert stage.seen.count(["done"]) == 2
