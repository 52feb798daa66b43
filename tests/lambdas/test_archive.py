import base64
import gzip
import io
import json
import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from botocore.exceptions import ClientError

from lambdas.archive import Archiver, ArchiveSettings
from lambdas.archive_bucket.prediction_rows import features
from lambdas.archive_bucket.reader import Archive, label
from lambdas.archive_bucket.sales import Sale
from lambdas.settings import MissingSetting
from pricing.listing import Features
from pricing.prediction import (
    Interval,
    ModelVersion,
    Prediction,
    PredictionEvent,
    Shadow,
    SourcePosition,
    encode,
)
from tests.events import ARRIVED, SHARD, batch
from tests.monitoring.markets import ARCHIVE, START, Cloud, Market

HOME = Features(neighborhood="Buritis", street="Rua A", area_m2=102.0, rooms=3.0)
AT = datetime.fromtimestamp(ARRIVED, UTC)


def prediction(number: int = 1, *, price: float = 500_000.0, shadow: Shadow | None = None) -> bytes:
    data = Prediction(
        listing_id=f"L-{number}",
        event_source="/marketplace",
        event_id=f"e-{number}",
        predicted_price=price,
        interval=Interval(400_000.0, 620_000.0, 0.9),
        currency="BRL",
        model=ModelVersion("house-price", "7"),
        features=HOME,
        source_position=SourcePosition(SHARD, "1", 0),
        shadow=shadow,
    )
    return encode(
        PredictionEvent(
            specversion="1.0",
            id=f"{number:032x}",
            source="/pricing/score",
            type="listing.priced",
            subject=f"L-{number}",
            time="2026-11-24T00:00:00.100Z",
            data=data,
        )
    )


@pytest.fixture
def bucket(s3):
    s3.create_bucket(Bucket=ARCHIVE)
    return s3


@pytest.fixture
def archiver(bucket) -> Archiver:
    return Archiver(bucket, ARCHIVE)


def objects(s3, prefix: str = "") -> dict[str, bytes]:
    found = s3.list_objects_v2(Bucket=ARCHIVE, Prefix=prefix).get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=ARCHIVE, Key=each["Key"])["Body"].read() for each in found}


def everything(s3):
    return Archive(s3, ARCHIVE).predictions(AT - timedelta(days=1), AT + timedelta(days=2))


def test_a_batch_becomes_one_object_under_its_day_shard_and_range(bucket, archiver):
    archiver(batch(prediction(1), prediction(2), prediction(3)))
    ((key, body),) = objects(bucket).items()
    assert key == f"predictions/dt=2026-11-24/{SHARD}-100-102.ndjson.gz"
    assert [json.loads(line)["listing_id"] for line in gzip.decompress(body).splitlines()] == ["L-1", "L-2", "L-3"]


def test_a_row_is_flat_and_whole(bucket, archiver):
    archiver(batch(prediction(1, shadow=Shadow("8", 510_000.0))))
    (body,) = objects(bucket).values()
    assert json.loads(gzip.decompress(body)) == {
        "id": f"{1:032x}",
        "time": "2026-11-24T00:00:00.100Z",
        "arrived_at": "2026-11-24T00:00:00.100000Z",
        "listing_id": "L-1",
        "event_source": "/marketplace",
        "event_id": "e-1",
        "predicted_price": 500_000.0,
        "low": 400_000.0,
        "high": 620_000.0,
        "coverage": 0.9,
        "model_version": "7",
        "neighborhood": "Buritis",
        "street": "Rua A",
        "area_m2": 102.0,
        "rooms": 3.0,
        "garage_places": None,
        "adm_fees": None,
        "latitude": None,
        "longitude": None,
        "shadow_version": "8",
        "shadow_price": 510_000.0,
        "more": None,
        "confidence": None,
        "warnings": [],
    }


def test_pandas_reads_an_object_in_one_line(bucket, archiver):
    archiver(batch(prediction(1), prediction(2, price=700_000.0)))
    (body,) = objects(bucket).values()
    frame = pd.read_json(io.BytesIO(body), lines=True, dtype=False, compression="gzip")
    assert frame["listing_id"].tolist() == ["L-1", "L-2"]
    assert frame["predicted_price"].tolist() == [500_000.0, 700_000.0]
    assert frame["model_version"].tolist() == ["7", "7"]


def test_a_replay_writes_the_same_bytes_to_the_same_place(bucket, archiver):
    archiver(batch(prediction(1), b"foreign", prediction(2)))
    before = objects(bucket)
    archiver(batch(prediction(1), b"foreign", prediction(2)))
    assert objects(bucket) == before
    assert len(before) == 2


def test_a_record_that_is_no_prediction_is_kept_aside_and_blocks_nothing(bucket, archiver, capsys):
    bad = [b"\xff", b"{}", b"[" * 100_000, prediction(1).replace(b"listing.priced", b"listing.sold")]
    archiver(batch(prediction(1), *bad, prediction(2)))
    assert [row.listing_id for row in everything(bucket)] == ["L-1", "L-2"]
    ((key, body),) = objects(bucket, "foreign/").items()
    assert key == f"foreign/dt=2026-11-24/{SHARD}-100-105.ndjson.gz"
    kept = [json.loads(line) for line in gzip.decompress(body).splitlines()]
    assert [base64.b64decode(each["payload"]) for each in kept] == bad
    assert [each["sequence_number"] for each in kept] == ["101", "102", "103", "104"]
    assert all(each["error"] for each in kept)
    metrics = json.loads(capsys.readouterr().out)
    assert (metrics["Records"], metrics["Archived"], metrics["Foreign"]) == (6, 2, 4)


def test_an_archive_that_cannot_be_written_fails_the_invocation(bucket):
    with pytest.raises(ClientError, match="NoSuchBucket"):
        Archiver(bucket, "elsewhere")(batch(prediction(1)))


def test_predictions_repeated_by_a_replay_from_elsewhere_are_read_once(bucket, archiver):
    archiver(batch(prediction(1), prediction(2), first=100))
    archiver(batch(prediction(2), prediction(3), first=101))
    assert len(objects(bucket)) == 2
    assert [row.listing_id for row in everything(bucket)] == ["L-1", "L-2", "L-3"]


def test_of_two_predictions_with_one_id_the_first_to_arrive_stands(bucket, archiver):
    archiver(batch(prediction(1, price=2.0), first=900))
    archiver(batch(prediction(1, price=1.0), first=200))
    assert [row.predicted_price for row in everything(bucket)] == [1.0]


def test_only_what_arrived_between_two_moments_is_read(bucket, archiver):
    archiver(batch(prediction(1), prediction(2), prediction(3), first=100))
    archive = Archive(bucket, ARCHIVE)
    second = AT + timedelta(seconds=0.101)
    assert [row.listing_id for row in archive.predictions(second, second + timedelta(seconds=0.001))] == ["L-2"]


def test_a_batch_that_began_before_midnight_is_found_from_the_next_day(bucket):
    late = Market().predictions(3, start=START - timedelta(minutes=1))
    Cloud(bucket).archive(late)
    rows = Archive(bucket, ARCHIVE).predictions(START, START + timedelta(days=1))
    assert [row.listing_id for row in rows] == ["L-1", "L-2"]


def test_what_the_model_read_can_be_had_back(bucket, archiver):
    archiver(batch(prediction(1)))
    assert [features(row) for row in everything(bucket)] == [HOME]


def test_the_latest_report_about_a_listing_says_the_price_whichever_day_it_came(bucket):
    cloud = Cloud(bucket)
    cloud.report([Sale("L-1", 2.0, "2026-11-02"), Sale("L-2", 5.0, "2026-11-02")], START + timedelta(days=2))
    cloud.report([Sale("L-1", 1.0, "2026-11-09")], START)
    sales = Archive(bucket, ARCHIVE).sales()
    assert [(sale.listing_id, sale.sale_price, sale.sold_at) for sale in sales] == [
        ("L-1", 2.0, "2026-11-02"),
        ("L-2", 5.0, "2026-11-02"),
    ]


def test_a_sale_that_is_reported_again_keeps_the_place_of_its_first_report(bucket):
    cloud = Cloud(bucket)
    january = [Sale("L-1", 1.0, "2026-01-09"), Sale("L-2", 1.0, "2026-01-10")]
    cloud.report(january, START)
    cloud.report([Sale("L-3", 3.0, "2026-02-01")], START + timedelta(days=30))
    before = Archive(bucket, ARCHIVE).sales()
    cloud.report(january, START + timedelta(days=40))
    assert Archive(bucket, ARCHIVE).sales() == before
    assert [sale.reported_at for sale in before] == [START, START, START + timedelta(days=30)]


def test_a_report_that_is_made_again_on_the_same_day_moves_nothing_either(bucket):
    cloud = Cloud(bucket)
    cloud.report([Sale("L-1", 1.0, "2026-01-09")], START)
    cloud.report([Sale("L-2", 1.0, "2026-01-09")], START + timedelta(hours=1))
    cloud.report([Sale("L-1", 1.0, "2026-01-09")], START + timedelta(hours=2))
    assert [sale.listing_id for sale in Archive(bucket, ARCHIVE).sales()] == ["L-1", "L-2"]


def test_sales_come_in_the_order_of_their_reports_then_of_their_closing(bucket):
    cloud = Cloud(bucket)
    cloud.report([Sale("L-3", 1.0, "2026-01-01")], START + timedelta(hours=1))
    cloud.report([Sale("L-1", 1.0, "2026-11-09"), Sale("L-2", 1.0, "2026-11-08")], START)
    assert [sale.listing_id for sale in Archive(bucket, ARCHIVE).sales()] == ["L-2", "L-1", "L-3"]


def test_sales_that_somebody_else_wrote_are_read_and_broken_lines_are_counted(bucket):
    lines = (
        b'{"listing_id":"L-1","sale_price":5,"sold_at":"2026-11-01"}\nnonsense\n{"listing_id":"L-2","sale_price":-1}\n'
    )
    bucket.put_object(Bucket=ARCHIVE, Key="sales/dt=2026-11-01/by-hand.ndjson", Body=lines)
    archive = Archive(bucket, ARCHIVE)
    for _ in range(2):
        (sale,) = archive.sales()
        assert archive.unreadable == 2
    assert datetime.now(UTC) - sale.reported_at < timedelta(minutes=1)  # S3's own time of writing


def reported(bucket, *sales: Sale, at: datetime):
    Cloud(bucket).report(list(sales), at)
    return Archive(bucket, ARCHIVE).sales()


def test_a_sale_is_joined_with_the_newest_prediction_of_its_listing(bucket):
    rows = [*Market(seed=1).predictions(2), *Market(seed=2).predictions(2, start=START + timedelta(days=1))]
    sales = reported(bucket, Sale("L-1", 1e5, "x"), Sale("nobody priced", 1e5, "x"), at=START + timedelta(days=2))
    (pair,) = label(reversed(rows), sales)
    assert pair.prediction == rows[3]
    assert pair.offset == pytest.approx(-math.log(rows[3].predicted_price / 1e5))


def test_a_prediction_that_was_made_after_the_first_report_says_nothing(bucket):
    early, late = (Market(seed=1).predictions(2, start=START + timedelta(days=day)) for day in (0, 2))
    reported(bucket, Sale("L-0", 1e5, "x"), Sale("L-1", 1e5, "x"), at=START + timedelta(days=1))
    sales = reported(bucket, Sale("L-1", 2e5, "x"), at=START + timedelta(days=9))
    pairs = label([*early[1:], *late], sales)
    assert [(pair.prediction, pair.sale.sale_price) for pair in pairs] == [(early[1], 2e5)]


def test_a_prediction_of_the_very_moment_of_the_report_comes_too_late(bucket):
    rows = Market(seed=1).predictions(1)
    assert label(rows, reported(bucket, Sale("L-0", 1e5, "x"), at=START)) == []


def test_the_bucket_must_be_named():
    with pytest.raises(MissingSetting, match="BELO_ARCHIVE_BUCKET"):
        ArchiveSettings.read({})
