"""The plainest function between two streams: it looks into nothing, and what it is handed goes out as it came."""

import os
from base64 import b64decode

import boto3

kinesis = boto3.client("kinesis")


def handler(event, context):
    records = [
        {"Data": b64decode(record["kinesis"]["data"]), "PartitionKey": record["kinesis"]["partitionKey"]}
        for record in event["Records"]
    ]
    for first in range(0, len(records), 500):
        kinesis.put_records(StreamName=os.environ["OUTPUT_STREAM"], Records=records[first : first + 500])
