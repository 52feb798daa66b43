"""A Lambda function on the prediction stream: keeps the newest price of each listing in a DynamoDB table.

Lambda may hand over a batch again, and a prediction may stand on the stream more than once. Both are harmless here: a
write counts only where the listing stood later on the input stream than what the table holds.
"""

import base64
import json
import os
from contextlib import suppress
from decimal import Decimal
from typing import Any

import boto3
from botocore.exceptions import ClientError

TABLE = os.environ["TABLE"]
DIGITS = 129  # of a sequence number, so that comparing them as text compares them as numbers

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Store each prediction; report the first that could not be stored, and Lambda comes again from there."""
    for record in event["Records"]:
        try:
            prediction = json.loads(base64.b64decode(record["kinesis"]["data"]), parse_float=Decimal)["data"]
            store(prediction)
        except (KeyError, TypeError, ValueError) as error:  # no prediction: another time will not help
            print(f"skipped {record['eventID']}: {error!r}")
        except ClientError as error:
            print(f"{record['eventID']}: {error}")
            return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
    return {"batchItemFailures": []}


def store(prediction: dict[str, Any]) -> None:
    """Write one prediction, unless a newer one of its listing is there."""
    position = prediction["source_position"]
    place = f"{position['sequence_number']:0>{DIGITS}}:{position['index']:06d}"
    with suppress(dynamodb.exceptions.ConditionalCheckFailedException):  # older, or a repeat
        dynamodb.put_item(
            TableName=TABLE,
            Item={
                "listing_id": {"S": prediction["listing_id"]},
                "place": {"S": place},
                "price": {"N": str(prediction["predicted_price"])},
                "low": {"N": str(prediction["interval"]["low"])},
                "high": {"N": str(prediction["interval"]["high"])},
                "model": {"S": prediction["model"]["version"]},
            },
            ConditionExpression="attribute_not_exists(place) OR place < :place",
            ExpressionAttributeValues={":place": {"S": place}},
        )
