"""As much of Kinesis as its clients need to be measured: a process of its own on loopback, whose CPU counts for nobody.

    python -m benchmarks.speed.references.loopback [PREDICTIONS RECORDS]

It takes all that is put, and forgets it. Of a file of predictions, one a line, it serves RECORDS records, each with an
id of its own, half of them from each of two shards. It prints its port.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.utils import formatdate
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec

ROOT = Path(__file__).parents[3]
SHARDS = 2
PAGE = 5_000  # records of a GetRecords
FIRST_NUMBER = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898
HASH_KEYS = 2**128
BEFORE_ID = b'{"specversion":"1.0","id":"'

Reply = dict[str, Any]


def running(*arguments: object) -> AbstractContextManager[str]:
    """Serve until the block ends; yields the URL."""
    return served("loopback", *arguments)


@contextmanager
def served(module: str, *arguments: object) -> Iterator[str]:
    """Run a module beside this one, which prints its port, until the block ends; yields its URL."""
    command = [sys.executable, "-m", f"benchmarks.speed.references.{module}", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as server:
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


class Service:
    """The operations, by their names on the wire; each takes a request's body."""

    def __init__(self, predictions: list[bytes], records: int) -> None:
        self._predictions = predictions
        self._each = records // SHARDS
        self._started = time.time()

    def answer(self, operation: str, body: bytes) -> bytes:
        """Return the answer to a request."""
        if operation == "PutRecords":
            return _taken(body.count(b'"PartitionKey"'))
        act: Callable[[Any], Reply] = getattr(self, operation)
        return msgspec.json.encode(act(msgspec.json.decode(body)))

    def PutRecord(self, _: Reply) -> Reply:  # noqa: N802 - Kinesis's own names
        return _place(0)

    def DescribeStreamSummary(self, asked: Reply) -> Reply:  # noqa: N802
        name = asked["StreamName"]
        summary = {
            "StreamName": name,
            "StreamARN": f"arn:aws:kinesis:us-east-1:123456789012:stream/{name}",
            "StreamStatus": "ACTIVE",
            "StreamCreationTimestamp": self._started - 3_600,
            "RetentionPeriodHours": 24,
            "OpenShardCount": SHARDS,
        }
        return {"StreamDescriptionSummary": summary}

    def ListShards(self, _: Reply) -> Reply:  # noqa: N802
        width = HASH_KEYS // SHARDS
        return {
            "Shards": [
                {
                    "ShardId": _shard_id(shard),
                    "HashKeyRange": {
                        "StartingHashKey": str(shard * width),
                        "EndingHashKey": str((shard + 1) * width - 1),
                    },
                    "SequenceNumberRange": {"StartingSequenceNumber": str(FIRST_NUMBER)},
                }
                for shard in range(SHARDS)
            ]
        }

    def GetShardIterator(self, asked: Reply) -> Reply:  # noqa: N802
        return {"ShardIterator": f"{asked['ShardId']} 0"}

    def GetRecords(self, asked: Reply) -> Reply:  # noqa: N802
        shard_id, _, start = asked["ShardIterator"].partition(" ")
        end = min(int(start) + PAGE, self._each)
        return {
            "Records": [self._record(shard_id, place) for place in range(int(start), end)],
            "NextShardIterator": f"{shard_id} {end}",
            "MillisBehindLatest": 1_000 * (end < self._each),
        }

    def _record(self, shard_id: str, place: int) -> Reply:
        data = self._predictions[place % len(self._predictions)]
        own = b"%b%024x" % (shard_id[-8:].encode(), place)
        return {
            "SequenceNumber": str(FIRST_NUMBER + place),
            "ApproximateArrivalTimestamp": round(self._started - 600 + place / 10_000, 3),
            "Data": data[: len(BEFORE_ID)] + own + data[len(BEFORE_ID) + len(own) :],
            "PartitionKey": f"L-{place}",
        }


@cache
def _taken(entries: int) -> bytes:
    return msgspec.json.encode({"FailedRecordCount": 0, "Records": [_place(each) for each in range(entries)]})


def _place(number: int) -> Reply:
    return {"SequenceNumber": str(FIRST_NUMBER + number), "ShardId": _shard_id(0)}


def _shard_id(shard: int) -> str:
    return f"shardId-{shard:012d}"


def serve(service: Service) -> None:
    """Answer whoever connects, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            Thread(target=_answer_all, args=(connection, service), daemon=True).start()


def _answer_all(connection: socket.socket, service: Service) -> None:
    with connection, connection.makefile("rb", 1 << 20) as requests:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while requests.readline():  # POST / HTTP/1.1
            headers: dict[str, str] = {}
            while line := requests.readline().decode().strip():
                name, _, value = line.partition(": ")
                headers[name.lower()] = value
            body = requests.read(int(headers["content-length"]))
            answer = service.answer(headers["x-amz-target"].rpartition(".")[2], body)
            head = (
                "HTTP/1.1 200 OK\r\nx-amzn-RequestId: c7b8d0ee-65b3-f1f8-921a-2fb8b4b8a0c4\r\n"
                f"Date: {formatdate(usegmt=True)}\r\nContent-Type: application/x-amz-json-1.1\r\n"
                f"Content-Length: {len(answer)}\r\n\r\n"
            )
            connection.sendall(head.encode() + answer)


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_bytes().splitlines() if len(sys.argv) > 1 else []
    serve(Service(lines, int(sys.argv[2]) if lines else 0))
