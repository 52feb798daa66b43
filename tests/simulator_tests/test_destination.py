"""The object that Lambda leaves of a batch it has given up on."""

import json
import re

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def boom(_):
    raise RuntimeError("boom")


def parked_record(stage):
    (key,) = stage.s3.keys("parked")
    return key, json.loads(stage.s3.objects["parked", key].body)


def test_a_parked_batch_is_an_object_under_lambdas_own_key(stage):
    stage.put("a", at=3600)
    stage.run(boom, maximum_retry_attempts=0)
    key, _ = parked_record(stage)
    shard = "shardId-000000000000"
    assert re.fullmatch(rf"aws/lambda/{UUID}/{shard}/1970/01/12/1970-01-12T14\.46\.40-{UUID}", key)


def test_a_parked_batch_tells_what_happened_in_lambdas_own_format(stage):
    stage.put("a", at=0.25)
    stage.put("b", at=0.5)
    stage.run(boom, maximum_retry_attempts=2)
    _, record = parked_record(stage)
    assert record["requestContext"].pop("requestId")
    record.pop("payload")
    assert record == {
        "requestContext": {
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:score",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "1970-01-12T13:46:44.000Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": stage.numbers["a"],
            "endSequenceNumber": stage.numbers["b"],
            "approximateArrivalOfFirstRecord": "1970-01-12T13:46:40.250Z",
            "approximateArrivalOfLastRecord": "1970-01-12T13:46:40.500Z",
            "batchSize": 2,
            "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/listings",
        },
    }


def test_the_payload_of_a_parked_batch_is_the_event_as_text(stage):
    stage.put(*"ab")
    stage.run(boom, maximum_retry_attempts=0)
    _, record = parked_record(stage)
    event = json.loads(record["payload"])
    numbers = [entry["kinesis"]["sequenceNumber"] for entry in event["Records"]]
    assert numbers == [stage.numbers["a"], stage.numbers["b"]]


def test_a_batch_that_grew_too_old_says_so(stage):
    stage.put("a")
    stage.run(boom, maximum_record_age=60)
    _, record = parked_record(stage)
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"


def test_the_same_run_parks_the_same_objects(stage):
    stage.put("a")
    stage.run(boom, maximum_retry_attempts=0)
    again = type(stage)()
    again.put("a")
    again.run(boom, maximum_retry_attempts=0)
    assert stage.s3.objects == again.s3.objects
