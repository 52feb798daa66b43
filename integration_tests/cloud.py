"""What the tests do to a running stack: through boto3 and the command line only, as any user could."""

import base64
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terminal.stack import Stack

BELO = Path(sys.executable).with_name("belo")
PATIENCE = 90.0  # seconds; LocalStack goes round its shards one by one


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return the condition's first true value; fails with `what` when it does not come true in time."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain: {what}"
        time.sleep(0.2)
    return found


@dataclass
class Reader:
    """Reads a stream from its beginning, over and over, and remembers what it saw."""

    kinesis: Any
    stream: str
    seen: list[dict[str, Any]] = field(default_factory=list)
    iterators: dict[str, str | None] = field(default_factory=dict)

    def read(self) -> list[dict[str, Any]]:
        """Return everything that the stream has held so far, each record's data decoded."""
        for shard in self.kinesis.list_shards(StreamName=self.stream)["Shards"]:
            shard_id = shard["ShardId"]
            if shard_id not in self.iterators:
                self.iterators[shard_id] = self.kinesis.get_shard_iterator(
                    StreamName=self.stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            while self.iterators[shard_id]:
                reply = self.kinesis.get_records(ShardIterator=self.iterators[shard_id], Limit=10_000)
                self.iterators[shard_id] = reply.get("NextShardIterator")
                self.seen += [json.loads(record["Data"]) for record in reply["Records"]]
                if not reply["Records"]:
                    break
        return self.seen


class Cloud:
    """A stack with a champion."""

    def __init__(self, stack: Stack, env: dict[str, str], folder: Path) -> None:
        self.stack = stack
        self.env = env
        self.folder = folder
        self.kinesis = stack.client("kinesis")
        self.s3 = stack.client("s3")
        self._predictions = Reader(self.kinesis, stack.predictions_stream)

    def belo(self, *arguments: str, exit_code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the command line against the stack."""
        done = subprocess.run(
            [BELO, *arguments], capture_output=True, text=True, env=self.env | env, timeout=300, check=False
        )
        assert done.returncode == exit_code, f"belo {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return done

    def put(self, *payloads: bytes) -> None:
        """Put records straight onto the input stream."""
        records = [{"Data": data, "PartitionKey": f"key-{n}"} for n, data in enumerate(payloads)]
        for start in range(0, len(records), 100):
            reply = self.kinesis.put_records(
                StreamName=self.stack.listings_stream, Records=records[start : start + 100]
            )
            assert reply["FailedRecordCount"] == 0

    def predictions(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return the prediction events by listing, of listings whose id begins with `prefix`."""
        found = self._predictions.read()
        return {event["subject"]: event for event in found if event["subject"].startswith(prefix)}

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return all dead letters, each once, the payload decoded."""
        letters = {}
        for key in self.keys(self.stack.dead_letters_bucket, "dead-letters/"):
            body = self.s3.get_object(Bucket=self.stack.dead_letters_bucket, Key=key)["Body"].read()
            for line in gzip.decompress(body).splitlines():
                letter = json.loads(line)
                letter["payload"] = base64.b64decode(letter["payload"])
                letters[letter["shard_id"], letter["sequence_number"], letter["index"]] = letter
        return list(letters.values())

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys of a bucket under a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]
