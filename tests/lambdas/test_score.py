import base64
import gzip
import json
import math
import re
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas import score
from lambdas.aws.batch import Batch
from lambdas.score import Scorer
from lambdas.scoring.challenger import Challenger
from lambdas.scoring.champion import LOOK_WAIT, Champion, NoChampion
from lambdas.scoring.dead_letters import DeadLetters
from lambdas.scoring.decode import Refused
from lambdas.scoring.publish import OutputStream
from pricing.aggregation import join
from pricing.manifest import CHALLENGER_KEY, CHAMPION_KEY
from pricing.prediction import decode, prediction_id
from tests import champions
from tests.champions import champion, crashing
from tests.conftest import DEAD_LETTERS, MODELS
from tests.events import SHARD, batch, payload
from tests.lambdas.fakes import Clock, Context, FakeKinesis, Hanging, Inline, Watched, client_error


class Room:
    """A score function with everything around it in memory."""

    def __init__(self, s3, pool=None) -> None:
        self.s3, self.clock, self.kinesis = s3, Clock(), FakeKinesis()
        self.scorer = Scorer(
            Champion(s3, MODELS, clock=self.clock, pool=pool),
            OutputStream(self.kinesis, "predictions", pool=Inline(), clock=self.clock, sleep=self.clock.sleep),
            DeadLetters(s3, DEAD_LETTERS),
            deadline_margin=5,
            challenger=Challenger(s3, MODELS, clock=self.clock, pool=pool),
            clock=self.clock,
        )

    def score(self, *payloads: bytes, first: int = 100):
        return self.scorer(batch(*payloads, first=first), Context())["batchItemFailures"]

    @property
    def predictions(self):
        return [decode(record["Data"]) for record in self.kinesis.taken]

    @property
    def dead_letters(self):
        keys = [each["Key"] for each in self.s3.list_objects_v2(Bucket=DEAD_LETTERS).get("Contents", [])]
        bodies = [self.s3.get_object(Bucket=DEAD_LETTERS, Key=key)["Body"].read() for key in keys]
        return {
            key: [json.loads(line) for line in gzip.decompress(body).splitlines()]
            for key, body in zip(keys, bodies, strict=True)
        }


@pytest.fixture
def room(s3) -> Room:
    champion("7").put(s3, MODELS)
    return Room(s3)


def test_a_listing_goes_in_and_a_price_comes_out(room):
    assert room.score(payload("L-1042", area_m2=90.0)) == []
    (event,) = room.predictions
    assert event.data.predicted_price == pytest.approx(champions.price("Buritis", 90.0), rel=1e-5)
    assert event.data.interval.low < event.data.predicted_price < event.data.interval.high
    assert event.data.interval.coverage == 0.9
    assert (event.data.model.name, event.data.model.version) == ("house-price", "7")
    assert event.id == prediction_id("/marketplace", "event-of-L-1042")
    assert (event.subject, event.data.listing_id, event.data.event_id) == (
        "L-1042",
        "L-1042",
        "event-of-L-1042",
    )
    assert event.data.features.street == "Rua Senhora das Graças"
    assert event.data.source_position.sequence_number == "100"
    assert event.data.source_position.shard_id == SHARD
    assert room.kinesis.taken[0]["PartitionKey"] == "L-1042"


def test_a_prediction_is_a_cloud_event_in_the_documented_form(room):
    room.score(payload("L-1"))
    document = json.loads(room.kinesis.taken[0]["Data"])
    assert set(document) == {"specversion", "id", "source", "type", "subject", "time", "data"}
    assert (document["specversion"], document["source"], document["type"]) == (
        "1.0",
        "/pricing/score",
        "listing.priced",
    )
    assert "shadow" not in document["data"]
    assert document["data"]["currency"] == "BRL"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["time"])
    assert abs(datetime.now(UTC) - datetime.fromisoformat(document["time"])) < timedelta(minutes=1)


BAD = [b"not json", b"\xff", payload()[:-1], b"{}", payload(area_m2=-3), b"\x00" * 1_000_000, b"[" * 99_999]


def test_bad_records_become_dead_letters_and_the_good_ones_around_them_are_priced(room):
    good = [payload(f"L-{n}") for n in range(len(BAD) + 1)]
    mixed = [each for pair in zip(good, BAD, strict=False) for each in pair] + good[-1:]
    assert room.score(*mixed) == []
    assert [event.subject for event in room.predictions] == [f"L-{n}" for n in range(len(good))]
    ((key, letters),) = room.dead_letters.items()
    assert key == f"dead-letters/dt=2026-11-24/{SHARD}-100.ndjson.gz"
    assert [letter["sequence_number"] for letter in letters] == [str(101 + 2 * n) for n in range(len(BAD))]


def test_a_dead_letter_keeps_the_payload_and_says_why(room):
    room.score(payload(area_m2=-3))
    ((letter,),) = room.dead_letters.values()
    assert letter == {
        "reason": "invalid_listing",
        "error": "area_m2: expected a number > 0, got -3",
        "payload": base64.b64encode(payload(area_m2=-3)).decode(),
        "shard_id": SHARD,
        "sequence_number": "100",
        "index": 0,
        "partition_key": "key-100",
        "arrived_at": "2026-11-24T00:00:00.100000+00:00",
    }


def test_a_replay_writes_the_same_dead_letters_again_and_no_second_object(room):
    room.score(payload(area_m2=-3), payload("L-2"))
    first = room.dead_letters
    room.score(payload(area_m2=-3), payload("L-2"))
    assert room.dead_letters == first
    assert len({event.id for event in room.predictions}) == 1


def test_the_object_of_dead_letters_says_no_time_of_its_own(room):
    room.score(b"not json")  # so that a replay, hours later, writes the same bytes
    (key,) = room.dead_letters
    assert room.s3.get_object(Bucket=DEAD_LETTERS, Key=key)["Body"].read()[4:8] == bytes(4)


class Emptied:
    """An S3 that keeps of an object no more than its body."""

    def put_object(self, *, Body: bytes, **_: str) -> None:  # noqa: N803
        self.body = Body


def test_a_flood_of_dead_letters_stands_in_its_object_whole_and_nowhere_in_memory():
    s3, flood = Emptied(), Batch.of(batch(b"not json"))
    refused = [Refused(0, index, "k", b"x" * 300, "invalid_json", "not JSON") for index in range(20_500)]
    tracemalloc.start()
    try:
        DeadLetters(s3, DEAD_LETTERS).write(flood, refused)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    lines = gzip.decompress(s3.body)
    assert [json.loads(line)["index"] for line in lines.splitlines()] == list(range(20_500))
    assert peak < len(lines) / 3


def test_no_dead_letters_no_object(room):
    room.score(payload("L-1"))
    assert room.dead_letters == {}


def test_a_price_that_is_not_finite_is_a_dead_letter(s3):
    # The upper bound of the dearer band overflows.
    champion("1", interval={"coverage": 0.9, "edges": [13.0], "low": [-0.4, -0.3], "high": [0.4, 1e6]}).put(s3, MODELS)
    room = Room(s3)
    cheap, dear = payload("cheap", area_m2=20.0), payload("dear", area_m2=1_000.0)
    assert room.score(cheap, dear) == []
    assert [event.subject for event in room.predictions] == ["cheap"]
    ((letter,),) = room.dead_letters.values()
    assert letter["reason"] == "unscorable"
    assert "from model 1 for 1000.0 m² in Buritis" in letter["error"]


def test_an_event_in_an_aggregated_record_that_has_no_price_is_found_again(s3):
    champion("1", interval={"coverage": 0.9, "edges": [13.0], "low": [-0.4, -0.3], "high": [0.4, 1e6]}).put(s3, MODELS)
    room = Room(s3)
    dear = payload("dear", area_m2=1_000.0)
    room.score(join([("a", payload("cheap", area_m2=20.0)), ("b", dear)]))
    ((letter,),) = room.dead_letters.values()
    assert (letter["index"], letter["partition_key"]) == (1, "b")
    assert base64.b64decode(letter["payload"]) == dear


def test_what_could_not_be_published_is_reported_lowest_position_first(room):
    room.kinesis.answers.extend([{1, 3}, *[{0, 1}] * 1_000])
    failures = room.score(*[payload(f"L-{n}") for n in range(5)])
    assert failures == [{"itemIdentifier": "101"}, {"itemIdentifier": "103"}]


def test_time_is_left_to_report_what_could_not_be_published(room):
    room.kinesis.answers.extend([client_error("ThrottlingException")] * 1_000)
    assert room.score(payload("L-1")) == [{"itemIdentifier": "100"}]
    assert 52 < room.clock.now < 55  # of 60 seconds less a margin of 5; a pause takes up to 2


def test_without_a_champion_it_raises_and_nothing_is_published(s3):
    room = Room(s3)
    with pytest.raises(NoChampion):
        room.score(payload("L-1"), b"not json")
    assert room.kinesis.calls == []
    assert room.dead_letters == {}


def test_dead_letters_that_cannot_be_written_fail_the_invocation(room):
    room.s3.delete_bucket(Bucket=DEAD_LETTERS)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        room.score(payload("L-1"), b"not json")


def test_a_champion_that_fails_on_a_batch_leaves_it_in_the_stream_and_a_rollback_helps(room):
    room.score(payload("L-1"))
    crashing("8").put(room.s3, MODELS)
    room.clock.sleep(11)
    before, stuck = len(room.predictions), payload("L-2", neighborhood="Lourdes")
    with pytest.raises(Exception, match="Gather"):
        room.score(stuck)
    assert (len(room.predictions), room.dead_letters) == (before, {})
    champion("7").put(room.s3, MODELS)
    room.clock.sleep(11)
    assert room.score(stuck) == []
    assert room.predictions[-1].data.model.version == "7"


def test_a_bucket_of_models_that_hangs_holds_up_a_batch_for_two_seconds_at_most(s3):
    champion("7").put(s3, MODELS)
    hanging, pool = Hanging(s3, set()), Watched()
    room = Room(hanging, pool)
    room.score(payload("L-1"))
    hanging.keys = {CHAMPION_KEY, CHALLENGER_KEY}
    room.clock.sleep(11)
    pool.waits.clear()
    assert room.score(payload("L-2"), b"not json") == []
    assert pool.waits == [LOOK_WAIT, LOOK_WAIT]
    assert sum(pool.waits) == 2  # seconds
    assert [event.subject for event in room.predictions] == ["L-1", "L-2"]
    hanging.going_on.set()


def test_a_champion_swapped_between_batches_names_itself_in_its_predictions(room):
    room.score(payload("L-1"))
    champion("8", base=10.0).put(room.s3, MODELS)
    room.clock.sleep(11)
    room.score(payload("L-1"))
    before, after = room.predictions
    assert (before.data.model.version, after.data.model.version) == ("7", "8")
    assert before.id == after.id
    assert after.data.predicted_price > before.data.predicted_price


def test_a_long_listing_id_in_any_script_makes_a_key_that_kinesis_takes(room):
    room.score(payload("😀" * 256, event_id="e"))
    key = room.kinesis.taken[0]["PartitionKey"]
    assert len(key.encode("utf-16-le")) // 2 <= 256
    assert room.predictions[0].subject == "😀" * 256


def test_a_long_listing_id_in_ascii_is_the_key_as_it_stands(room):
    room.score(payload("x" * 256, event_id="e"))
    assert room.kinesis.taken[0]["PartitionKey"] == "x" * 256


def test_each_invocation_leaves_one_line_in_the_embedded_metric_format(room, capsys):
    room.score(payload("L-1"), b"not json", b"{}")
    (line,) = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["stack", "function"]]
    assert document["function"] == "score"
    assert all(isinstance(document[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert (document["Records"], document["Predictions"], document["DeadLetters"]) == (3, 1, 2)
    assert document["dead_letter_reasons"] == {"invalid_json": 1, "invalid_event": 1}


def last_line(capsys) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_line_says_which_batch_it_was_and_which_model_priced_it(room, capsys):
    room.score(payload("L-1"), first=500)
    line = last_line(capsys)
    assert (line["shard_id"], line["first_sequence_number"], line["model_version"]) == (SHARD, "500", "7")
    assert (line["Unpublished"], line["ChampionRefused"], line["ChallengerDropped"]) == (0, 0, 0)
    assert (line["champion_refused"], line["challenger_dropped"]) == (None, None)


def test_the_line_counts_what_could_not_be_published(room, capsys):
    room.kinesis.answers.extend([{1, 3}, *[{0, 1}] * 1_000])
    room.score(*[payload(f"L-{n}") for n in range(5)])
    assert last_line(capsys)["Unpublished"] == 2


def test_the_line_says_why_a_new_champion_does_not_serve(room, capsys):
    room.score(payload("L-1"))
    torn = champion("8", sha256="0" * 64)
    torn.put(room.s3, MODELS)
    room.clock.sleep(11)
    room.score(payload("L-1"))
    line = last_line(capsys)
    assert (line["ChampionRefused"], line["model_version"]) == (1, "7")
    assert "expected sha256 000000" in line["champion_refused"]


def test_the_line_says_why_a_challenger_was_dropped(room, capsys):
    torn = champion("8", sha256="0" * 64)
    torn.put(room.s3, MODELS)
    room.s3.put_object(Bucket=MODELS, Key=CHALLENGER_KEY, Body=torn.pointer)
    champion("7").put(room.s3, MODELS)
    room.score(payload("L-1"))
    line = last_line(capsys)
    assert (line["ChallengerDropped"], line["ChampionRefused"]) == (1, 0)
    assert "expected sha256 000000" in line["challenger_dropped"]


def test_the_line_says_how_old_the_oldest_record_was(room, capsys):
    event = batch(payload("L-1"), payload("L-2"))
    for record, age in zip(event["Records"], (1_000, 10), strict=True):
        record["kinesis"]["approximateArrivalTimestamp"] = time.time() - age
    oldest = event["Records"][0]["kinesis"]["approximateArrivalTimestamp"]
    room.scorer(event, Context())
    line = last_line(capsys)
    assert 999_999 <= line["Latency"] <= 1_000 * (time.time() - oldest) + 1  # milliseconds
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert {"Name": "Latency", "Unit": "Milliseconds"} in directive["Metrics"]


def test_a_function_without_a_challenger_prices_and_reports_all_the_same(s3, capsys):
    champion("7").put(s3, MODELS)
    kinesis = FakeKinesis()
    scorer = Scorer(
        Champion(s3, MODELS),
        OutputStream(kinesis, "predictions", pool=Inline()),
        DeadLetters(s3, DEAD_LETTERS),
        challenger=Challenger(s3, MODELS),
        deadline_margin=5,
    )
    assert scorer(batch(payload("L-1")), Context()) == {"batchItemFailures": []}
    assert len(kinesis.taken) == 1
    assert last_line(capsys)["ChallengerDropped"] == 0


def test_lambda_calls_a_handler_that_its_environment_describes(s3, monkeypatch):
    champion("7").put(s3, MODELS)
    settings = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "BELO_PREDICTIONS_STREAM": "out",
        "BELO_MODELS_BUCKET": MODELS,
        "BELO_DEAD_LETTERS_BUCKET": DEAD_LETTERS,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="out", ShardCount=1)
    score._scorer.cache_clear()
    try:
        assert score.handler(batch(payload("L-1"), b"not json"), Context()) == {"batchItemFailures": []}
    finally:
        score._scorer.cache_clear()
    iterator = kinesis.get_shard_iterator(
        StreamName="out", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    (record,) = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert decode(record["Data"]).subject == "L-1"
    assert s3.list_objects_v2(Bucket=DEAD_LETTERS)["KeyCount"] == 1


def test_events_in_an_aggregated_record_are_priced_each_at_its_index(room):
    members = [("a", payload("L-1")), ("b", b"not json"), ("c", payload("L-3"))]
    assert room.score(payload("L-0"), join(members)) == []
    places = {event.subject: event.data.source_position for event in room.predictions}
    assert {name: (place.sequence_number, place.index) for name, place in places.items()} == {
        "L-0": ("100", 0),
        "L-1": ("101", 0),
        "L-3": ("101", 2),
    }
    ((letter,),) = room.dead_letters.values()
    assert (letter["sequence_number"], letter["index"], letter["partition_key"]) == ("101", 1, "b")


def test_a_member_of_an_aggregated_record_without_a_key_has_the_records_own(room):
    room.score(join([("", b"not JSON"), ("L-2", b"nor this")]))
    ((first, second),) = room.dead_letters.values()
    assert (first["partition_key"], second["partition_key"]) == ("key-100", "L-2")


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda data: data[:-1] + b"?", "the checksum of the aggregated record"),
        (lambda data: join([]), "not UTF-8"),
    ],
)
def test_a_damaged_or_empty_aggregated_record_is_a_dead_letter_whole(room, damage, error):
    data = damage(join([("a", payload("L-1")), ("b", payload("L-2"))]))
    room.score(payload("L-0"), data)
    ((letter,),) = room.dead_letters.values()
    assert base64.b64decode(letter["payload"]) == data
    assert (letter["reason"], letter["index"], letter["partition_key"]) == ("invalid_json", 0, "key-101")
    assert letter["error"].startswith(error)


def test_an_aggregated_record_that_was_published_in_part_is_reported_once(room):
    room.kinesis.answers.extend([{1, 2}, *[{0, 1}] * 1_000])
    assert room.score(join([(f"k-{n}", payload(f"L-{n}")) for n in range(4)])) == [{"itemIdentifier": "100"}]


def test_while_a_challenger_runs_its_price_stands_beside_the_champions(room):
    rival = champion("8", base=9.5)
    rival.put(room.s3, MODELS)
    room.s3.put_object(Bucket=MODELS, Key=CHALLENGER_KEY, Body=rival.pointer)
    champion("7").put(room.s3, MODELS)
    room.score(payload("L-1"))
    data = room.predictions[0].data
    assert (data.model.version, data.shadow.version) == ("7", "8")
    assert data.shadow.predicted_price == pytest.approx(data.predicted_price * math.exp(0.5), rel=1e-5)
