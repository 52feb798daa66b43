"""The examples of consumers work as they stand."""

import zipfile
from pathlib import Path

import pytest

from belo import bundle, terraform
from integration_tests.cloud import Reader, until

ROWS, LISTINGS = 20, 5
EXAMPLE = Path(__file__).parent.parent / "examples" / "lambda_consumer"


def test_the_lambda_consumer_keeps_the_newest_price_of_each_listing(cloud, emulator, endpoint, tmp_path):
    if emulator == "localstack":
        pytest.skip("LocalStack without Docker has no DynamoDB: it runs on MiniStack")
    package = tmp_path / "consumer.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(EXAMPLE / "consumer.py", "consumer.py")
    arn = cloud.kinesis.describe_stream_summary(StreamName=cloud.stack.predictions_stream)["StreamDescriptionSummary"]
    variables = {
        "predictions_stream_arn": arn["StreamARN"],
        "package": str(package),
        "region": cloud.stack.region,
        "runtime": f"python{bundle.RUNNING_PYTHON}",
        "endpoint": endpoint,
    }
    table = terraform.apply(tmp_path, variables, source=EXAMPLE)["table"]
    file = tmp_path / "listings.csv"
    rows = "".join(f"C-{number % LISTINGS},Buritis,{50 + number},2\n" for number in range(ROWS))
    file.write_text(f"listing_id,neighborhood,area_m2,rooms\n{rows}")

    cloud.belo("publish", str(file))
    stream = Reader(cloud.kinesis, cloud.stack.predictions_stream)
    dynamodb = cloud.stack.client("dynamodb")

    def newest() -> dict[str, float]:
        ours = [each["data"] for each in stream.read() if each["data"]["listing_id"].startswith("C-")]
        ours.sort(key=lambda each: int(each["source_position"]["sequence_number"]))
        return {each["listing_id"]: each["predicted_price"] for each in ours} if len(ours) >= ROWS else {}

    def stored() -> dict[str, float]:
        items = dynamodb.scan(TableName=table)["Items"]
        return {each["listing_id"]["S"]: float(each["price"]["N"]) for each in items}

    expected = until(newest, "all listings are priced")
    assert len(expected) == LISTINGS
    until(lambda: expected.items() <= stored().items(), "the table holds the newest prices")
