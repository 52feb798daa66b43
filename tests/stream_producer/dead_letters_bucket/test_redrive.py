"""Dead letters and parked batches back onto the stream, and their objects out of the way, but not before."""

import base64
import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stream_producer.dead_letters_bucket.letters import UnreadableObject, read
from stream_producer.dead_letters_bucket.objects import LetterObjects
from stream_producer.dead_letters_bucket.redrive import Choice, Redrive, Redriven
from stream_producer.publisher import Publisher
from terminal.errors import Failure
from tests.conftest import DEAD_LETTERS
from tests.stream_consumer.fake_kinesis import Fail, FakeKinesis, Refuse

FIRST = "dead-letters/dt=2026-11-23/shardId-000000000000-100.ndjson.gz"
SECOND = "dead-letters/dt=2026-11-24/shardId-000000000000-200.ndjson.gz"
PARKED = "aws/lambda/5f0c/shardId-000000000000/2026/11/24/2026-11-24T10.00.00-9d"


def letter(
    number: int, reason: str = "invalid_listing", arrived_at: str = "2026-11-23T12:00:00+00:00"
) -> dict[str, Any]:
    return {
        "reason": reason,
        "error": "area_m2: expected a number > 0, got -3",
        "payload": base64.b64encode(b"payload %d" % number).decode(),
        "shard_id": "shardId-000000000000",
        "sequence_number": str(number),
        "index": 0,
        "partition_key": f"key-{number}",
        "arrived_at": arrived_at,
    }


def put_letters(s3, key: str, letters: list[dict[str, Any]]) -> None:
    body = gzip.compress("".join(json.dumps(each) + "\n" for each in letters).encode())
    s3.put_object(Bucket=DEAD_LETTERS, Key=key, Body=body)


def parked(numbers: list[int], stream: str = "listings", *, as_text: bool = True) -> bytes:
    """A failed invocation as the developer guide has it; LocalStack leaves `payload` an object."""
    event = {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": f"key-{number}",
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(b"payload %d" % number).decode(),
                    "approximateArrivalTimestamp": 1_795_500_000.5 + number,
                },
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000000:{number}",
                "eventSourceARN": f"arn:aws:kinesis:us-east-1:123456789012:stream/{stream}",
            }
            for number in numbers
        ]
    }
    return json.dumps(
        {
            "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3},
            "version": "1.0",
            "timestamp": "2026-11-24T10:00:00.000Z",
            "KinesisBatchInfo": {"shardId": "shardId-000000000000", "batchSize": len(numbers)},
            "payload": json.dumps(event) if as_text else event,
        }
    ).encode()


RECORD = json.loads(parked([1], as_text=False))["payload"]["Records"][0]["kinesis"]


def spoiled(**fields: Any) -> bytes:
    """A failed invocation of which one record has these fields."""
    document = json.loads(parked([1], as_text=False))
    document["payload"]["Records"][0].update(fields)
    return json.dumps(document).encode()


def redrive(s3, kinesis: FakeKinesis, told: list[str] | None = None, *, dry_run: bool = False, **choice) -> Redriven:
    publisher = Publisher(kinesis, "listings", patience=0.1)
    objects = LetterObjects(s3, DEAD_LETTERS, "listings")
    run = Redrive(objects, publisher, (told if told is not None else []).append, Choice(**choice))
    return run.run(run.keys(), dry_run=dry_run)


def sent(kinesis: FakeKinesis) -> list[int]:
    for record in kinesis.records():
        assert record["PartitionKey"] == "key-" + record["Data"].decode().removeprefix("payload ")
    return [int(record["Data"].decode().removeprefix("payload ")) for record in kinesis.records()]


def keys(s3) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=DEAD_LETTERS).get("Contents", [])]


def content(s3, key: str) -> Any:
    return s3.get_object(Bucket=DEAD_LETTERS, Key=key)["Body"].read()


def numbers(s3, key: str) -> list[int]:
    lines = gzip.decompress(content(s3, key)).splitlines()
    return [int(json.loads(line)["sequence_number"]) for line in lines]


def test_dead_letters_go_back_with_their_keys_and_their_objects_move(s3) -> None:
    put_letters(s3, FIRST, [letter(1), letter(2, "invalid_json")])
    put_letters(s3, SECOND, [letter(3)])
    kinesis = FakeKinesis()

    result = redrive(s3, kinesis)

    assert sent(kinesis) == [1, 2, 3]
    assert (result.chosen, result.redriven, result.objects, result.unreadable) == (3, 3, 2, 0)
    assert result.reasons == {"invalid_listing": 2, "invalid_json": 1}
    assert [key.partition("/")[0] for key in keys(s3)] == ["redriven", "redriven"]
    assert [numbers(s3, key) for key in keys(s3)] == [[1, 2], [3]]


def test_a_letter_that_stands_in_two_objects_goes_once_and_both_move(s3) -> None:
    put_letters(s3, FIRST, [letter(1), letter(2)])
    put_letters(s3, SECOND, [letter(2), letter(3, "unscorable")])
    kinesis = FakeKinesis()

    dry = redrive(s3, kinesis, reason="invalid_listing", dry_run=True)
    result = redrive(s3, kinesis, reason="invalid_listing")

    assert sent(kinesis) == [1, 2]
    assert (result.chosen, result.redriven, result.objects) == (dry.chosen, 2, dry.objects) == (2, 2, 2)
    assert numbers(s3, SECOND) == [3]
    assert sorted(numbers(s3, key) for key in keys(s3) if key.startswith("redriven/")) == [[1, 2], [2]]


def test_events_of_an_aggregated_record_are_letters_of_their_own(s3) -> None:
    put_letters(s3, FIRST, [letter(1), {**letter(1), "index": 1}])
    kinesis = FakeKinesis()

    assert redrive(s3, kinesis).redriven == 2
    assert sent(kinesis) == [1, 1]


def test_an_object_that_another_redrive_has_moved_is_passed_over(s3) -> None:
    put_letters(s3, FIRST, [letter(1)])
    put_letters(s3, SECOND, [letter(2)])
    kinesis = FakeKinesis()
    objects = LetterObjects(s3, DEAD_LETTERS, "listings")
    run = Redrive(objects, Publisher(kinesis, "listings"), lambda _: None, Choice())
    listed = run.keys()
    s3.delete_object(Bucket=DEAD_LETTERS, Key=FIRST)

    result = run.run(listed)

    assert sent(kinesis) == [2]
    assert (result.objects, result.unreadable) == (1, 0)


def test_a_bucket_that_may_not_be_read_is_raised(s3) -> None:
    objects = LetterObjects(s3, "no-such-bucket", "listings")
    run = Redrive(objects, Publisher(FakeKinesis(), "listings"), lambda _: None, Choice())

    with pytest.raises(ClientError, match="NoSuchBucket"):
        run.run([FIRST])


def test_redriving_again_finds_nothing(s3) -> None:
    put_letters(s3, FIRST, [letter(1)])
    kinesis = FakeKinesis()
    redrive(s3, kinesis)

    assert redrive(s3, kinesis) == Redriven()
    assert sent(kinesis) == [1]


def test_a_dry_run_says_what_would_go_and_touches_nothing(s3) -> None:
    put_letters(s3, FIRST, [letter(1), letter(2, "unscorable")])
    s3.put_object(Bucket=DEAD_LETTERS, Key=PARKED, Body=parked([7]))
    kinesis = FakeKinesis()

    result = redrive(s3, kinesis, dry_run=True)

    assert (result.chosen, result.redriven) == (3, 0)
    assert result.reasons == {"invalid_listing": 1, "unscorable": 1, "parked": 1}
    assert sent(kinesis) == []
    assert keys(s3) == [PARKED, FIRST]


def test_only_the_letters_of_a_reason_go_and_the_others_stay(s3) -> None:
    put_letters(s3, FIRST, [letter(1), letter(2, "invalid_json"), letter(3), letter(4, "unscorable")])
    kinesis = FakeKinesis()

    redrive(s3, kinesis, reason="invalid_listing")
    assert sent(kinesis) == [1, 3]
    assert numbers(s3, FIRST) == [2, 4]

    redrive(s3, kinesis, reason="invalid_json")
    assert sent(kinesis) == [1, 3, 2]
    assert numbers(s3, FIRST) == [4]
    redriven = [numbers(s3, key) for key in keys(s3) if key.startswith("redriven/")]
    assert sorted(redriven) == [[1, 3], [2]]


def test_only_what_arrived_since_a_time_goes(s3) -> None:
    put_letters(
        s3,
        FIRST,
        [letter(1, arrived_at="2026-11-23T11:59:59.999+00:00"), letter(2, arrived_at="2026-11-23T12:00:00Z")],
    )
    s3.put_object(Bucket=DEAD_LETTERS, Key=PARKED, Body=parked([7]))  # 2026-11-24, 06:00 UTC
    kinesis = FakeKinesis()

    redrive(s3, kinesis, since=datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert sent(kinesis) == [2, 7]
    assert numbers(s3, FIRST) == [1]


@pytest.mark.parametrize("as_text", [True, False])
def test_parked_batches_go_back_in_the_form_of_aws_and_of_localstack(s3, as_text: bool) -> None:
    s3.put_object(Bucket=DEAD_LETTERS, Key=PARKED, Body=parked([5, 6, 7], as_text=as_text))
    kinesis = FakeKinesis()

    result = redrive(s3, kinesis, reason="parked")

    assert sent(kinesis) == [5, 6, 7]
    assert result.reasons == {"parked": 3}
    assert [key.rpartition("/")[0] for key in keys(s3)] == ["redriven/" + PARKED.rpartition("/")[0]]


@pytest.mark.parametrize("as_text", [True, False])
def test_what_is_left_of_a_parked_batch_keeps_its_form(s3, as_text: bool) -> None:
    s3.put_object(Bucket=DEAD_LETTERS, Key=PARKED, Body=parked([5, 6, 7], as_text=as_text))
    kinesis = FakeKinesis()

    redrive(s3, kinesis, since=datetime.fromtimestamp(1_795_500_000.5 + 6, UTC))

    assert sent(kinesis) == [6, 7]
    left, before = (json.loads(body)["payload"] for body in (content(s3, PARKED), parked([5], as_text=as_text)))
    assert isinstance(left, str) == as_text
    assert (json.loads(left) if as_text else left) == (json.loads(before) if as_text else before)
    redrive(s3, kinesis)
    assert sent(kinesis) == [6, 7, 5]


def test_batches_that_another_function_parked_are_left_alone(s3) -> None:
    s3.put_object(Bucket=DEAD_LETTERS, Key=PARKED, Body=parked([5], stream="predictions"))
    kinesis = FakeKinesis()

    assert redrive(s3, kinesis).chosen == 0
    assert keys(s3) == [PARKED]


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (FIRST, b"not gzip"),
        (FIRST, gzip.compress(b"{", mtime=0)),
        (FIRST, gzip.compress(b'{"reason":"invalid_json"}\n', mtime=0)),
        (FIRST, gzip.compress(json.dumps(letter(1)).encode(), mtime=0)[:-9]),
        (FIRST, gzip.compress(json.dumps({**letter(1), "payload": "?"}).encode(), mtime=0)),
        (PARKED, b"\xff"),
        (PARKED, b"{}"),
        (PARKED, b"[]"),
        (PARKED, b'{"payload":"{"}'),
        (PARKED, b'{"payload":{"Records":[{}]}}'),
        (PARKED, b'{"payload":{"Records":3}}'),
        (PARKED, b"[" * 100_000),
        (PARKED, json.dumps({"payload": "[" * 100_000}).encode()),
        (PARKED, spoiled(eventSourceARN=5)),
        (PARKED, spoiled(kinesis={**RECORD, "partitionKey": 5})),
        (PARKED, spoiled(kinesis={**RECORD, "partitionKey": ""})),
        (PARKED, spoiled(kinesis={**RECORD, "data": None})),
        (PARKED, spoiled(kinesis={**RECORD, "approximateArrivalTimestamp": 1e20})),
        (PARKED, spoiled(kinesis={**RECORD, "approximateArrivalTimestamp": "now"})),
        (FIRST, gzip.compress(b"[" * 100_000)),
        (FIRST, gzip.compress(json.dumps({**letter(1), "partition_key": 257 * "k"}).encode())),
    ],
)
def test_what_cannot_be_read_is_told_by_its_key(key: str, body: bytes) -> None:
    with pytest.raises(UnreadableObject, match=f"^{key}: "):
        read(key, body, "listings")


def test_an_object_that_cannot_be_read_stays_and_does_not_stop_the_others(s3) -> None:
    s3.put_object(Bucket=DEAD_LETTERS, Key=FIRST, Body=b"not gzip")
    put_letters(s3, SECOND, [letter(3)])
    kinesis = FakeKinesis()
    told: list[str] = []

    result = redrive(s3, kinesis, told)

    assert sent(kinesis) == [3]
    assert (result.redriven, result.unreadable) == (1, 1)
    assert content(s3, FIRST) == b"not gzip"
    assert told[0].startswith(f"cannot be read: {FIRST}: ")


def test_an_object_stays_until_all_of_it_is_taken(s3) -> None:
    put_letters(s3, FIRST, [letter(1), letter(2)])
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].extend([Refuse((1,))] + 1_000 * [Refuse((0,))])

    with pytest.raises(Failure, match=f"{FIRST} stays: the stream refused 1 letters"):
        redrive(s3, kinesis)

    assert keys(s3) == [FIRST]
    kinesis.faults["put_records"].clear()
    redrive(s3, kinesis)
    assert sent(kinesis) == [1, 1, 2]  # the first one twice, under the same event id


def test_a_crash_between_the_stream_and_the_bucket_loses_no_letter(s3) -> None:
    put_letters(s3, FIRST, [letter(1), letter(2, "unscorable")])
    kinesis = FakeKinesis()

    class Crash(Exception):
        pass

    class Crashing:
        """An S3 client whose writer dies at a given write."""

        def __init__(self, at: int) -> None:
            self.left = at

        def __getattr__(self, name: str) -> Any:
            if name in ("put_object", "delete_object"):
                self.left -= 1
                if self.left < 0:
                    raise Crash
            return getattr(s3, name)

    for at in (0, 1):
        with pytest.raises(Crash):
            redrive(Crashing(at), kinesis, reason="invalid_listing")
        assert numbers(s3, FIRST) == [1, 2]

    redrive(s3, kinesis)
    assert sent(kinesis) == [1, 1, 1, 2]
    redriven = [numbers(s3, key) for key in keys(s3)]
    assert sorted(redriven) == [[1], [1, 2]]


@pytest.mark.parametrize("reason", ["invalid_listing", None])
def test_an_object_that_was_written_again_meanwhile_stays(s3, reason: str | None) -> None:
    put_letters(s3, FIRST, [letter(1), letter(2, "unscorable")])
    told: list[str] = []

    class Rewriting(FakeKinesis):
        """A replayed batch writes its dead letters again while the old ones are on their way."""

        def put_records(self, **arguments: Any) -> dict[str, Any]:
            put_letters(s3, FIRST, [letter(1), letter(2, "unscorable"), letter(9)])
            return super().put_records(**arguments)

    redrive(s3, Rewriting(), told, reason=reason)

    assert numbers(s3, FIRST) == [1, 2, 9]
    assert told == [f"{FIRST} changed while it was redriven, and stays: run redrive again"]


def test_a_stream_that_may_not_be_written_to_is_a_failure_and_the_object_stays(s3) -> None:
    put_letters(s3, FIRST, [letter(1)])
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].append(Fail("AccessDeniedException"))

    with pytest.raises(Failure, match=f"{FIRST} stays: the stream refused 1 letters .*AccessDenied"):
        redrive(s3, kinesis)
    assert keys(s3) == [FIRST]


def test_a_record_that_is_a_dead_letter_and_in_a_parked_batch_goes_once(s3) -> None:
    put_letters(s3, FIRST, [letter(1), letter(2)])
    s3.put_object(Bucket=DEAD_LETTERS, Key=PARKED, Body=parked([1, 3]))
    kinesis = FakeKinesis()

    result = redrive(s3, kinesis)

    assert sorted(sent(kinesis)) == [1, 2, 3]
    assert (result.chosen, result.redriven) == (3, 3)
    assert redrive(s3, kinesis).chosen == 0


def test_the_oldest_go_first_across_dead_letters_and_parked_batches(s3) -> None:
    put_letters(
        s3,
        FIRST,
        [letter(9), letter(7, arrived_at="2030-01-01T00:00:00+00:00")],
    )
    s3.put_object(Bucket=DEAD_LETTERS, Key=PARKED, Body=parked([8]))  # arrived on 2026-11-24
    kinesis = FakeKinesis()

    redrive(s3, kinesis)

    assert sent(kinesis) == [9, 8, 7]


def test_what_came_back_three_times_is_left_alone_unless_again(s3) -> None:
    for times in range(3):
        put_letters(s3, FIRST, [letter(1) | {"sequence_number": f"10{times}"}])
        assert redrive(s3, FakeKinesis()).redriven == 1, times
    put_letters(s3, FIRST, [letter(1), letter(2)])
    kinesis = FakeKinesis()

    result = redrive(s3, kinesis)

    assert sent(kinesis) == [2]
    assert result.left_alone == 1
    assert redrive(s3, kinesis, again=True).redriven == 1
    assert sent(kinesis) == [2, 1]
