"""`belo publish` and `belo consume` beside loops around boto3, and the memory that a million listings take.

    python -m benchmarks.speed.sections.streams publish|consume RECORDS FOLDER

does one of them once, as the command line does, and prints the most memory that it took.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import boto3

from benchmarks.speed.memory import peak_megabytes
from benchmarks.speed.references import loopback
from stream_consumer.consumer import Consumer
from stream_consumer.printing.formats import Format
from stream_consumer.printing.output import Output
from stream_consumer.printing.printer import Printing
from stream_producer.file_publisher import Choices, FilePublisher
from stream_producer.publisher import publishing_client
from terminal.stack import Credentials, Stack

if TYPE_CHECKING:
    from benchmarks.speed.section import Section

RECORDS, ROUNDS = 50_000, 9
MANY = 1_000_000
REGION, KEY, SECRET = "us-east-1", "AKIAEXAMPLE", "example"
ROOT = Path(__file__).parents[3]
CSV, PREDICTIONS = "listings.csv", "predictions.jsonl"


def measure() -> "Section":
    """Return the CPU of both commands over a loop's, and their memory."""
    from benchmarks.speed.measuring import listings_file, ratio, side_by_side
    from benchmarks.speed.section import Section
    from benchmarks.speed.sections.put import predictions

    listings, priced = listings_file().resolve(), predictions(1_000)  # here, where the champion is kept
    with tempfile.TemporaryDirectory() as workdir, chdir(workdir):
        Path(PREDICTIONS).write_bytes(b"".join(each.data + b"\n" for each in priced))
        _write_listings(listings, RECORDS)
        with loopback.running(PREDICTIONS, RECORDS) as url:
            place = stack(url)
            works = {
                "publish": lambda: publish(place, RECORDS),
                "put_records": bare_puts(place, RECORDS),
                "consume": lambda: consume(place, RECORDS),
                "get_records": lambda: bare_reads(place, RECORDS),
            }
            took = side_by_side(works, ROUNDS)
        memory = []
        for records in (MANY // 10, MANY):
            _write_listings(listings, records)
            memory += [
                {"command": f"belo {name}", "records": records, "MB at most": _memory(name, records)}
                for name in COMMANDS
            ]
    return Section(
        "The streams' clients",
        {
            "publish_cpu_vs_bare_boto3": ratio(took["publish"], took["put_records"]),
            "consume_cpu_vs_bare_boto3": ratio(took["consume"], took["get_records"]),
        },
        {
            f"{RECORDS:,} records": [
                {"what": words, "CPU, µs a record": round(median(took[name]) / RECORDS * 1e6, 2)}
                for name, words in WORDS.items()
            ],
            "memory": memory,
        },
        (
            "`belo publish` reads a CSV file, checks each row, makes events and publishes them, a listing's in their "
            "order; boto3 puts the same bytes under the same keys, which lie ready, 500 a request.",
            "`belo consume` drops repeats, keeps a checkpoint and writes JSON Lines, which are safe on the disk before "
            "the checkpoint moves; boto3 gets the same records, and json.loads decodes each.",
            "It remembers the ids of up to 500,000 predictions, about 100 bytes each, and that is all that grows.",
        ),
    )


WORDS = {
    "publish": "belo publish",
    "put_records": "put_records, 500 a request",
    "consume": "belo consume",
    "get_records": "get_records and json.loads",
}


def publish(stack: Stack, records: int) -> None:
    """Publish the file of the working folder, as `belo publish` does."""
    publisher = FilePublisher(publishing_client(stack), stack.listings_stream)
    summary, _ = publisher.publish(CSV, Choices(limit=records, max_invalid=records))
    assert summary.published == records


def consume(stack: Stack, records: int) -> None:
    """Read the predictions to their end, as `belo consume --format jsonl --checkpoint FILE -o FILE` does."""
    with tempfile.TemporaryDirectory() as folder, Path(folder, "out.jsonl").open("ab") as out:
        kinesis = stack.client("kinesis")
        with Consumer(kinesis, stack.predictions_stream, checkpoint=Path(folder, "checkpoint")) as consumer:
            Printing(consumer, Output(out, Format.JSONL)).run(
                follow=False, idle_timeout=None, limit=None, latest_per_listing=False
            )
        written = subprocess.run(["wc", "-l", out.name], capture_output=True, check=True).stdout
        assert int(written.split()[0]) == records


COMMANDS: dict[str, Callable[[Stack, int], None]] = {"publish": publish, "consume": consume}


def bare_puts(stack: Stack, records: int) -> Callable[[], None]:
    """Return what puts the same events, which lie ready."""
    from stream_producer.listing_events import ListingEvents

    events = ListingEvents(CSV, "ab" * 32, limit=records)
    entries: list[Any] = [{"Data": each.data, "PartitionKey": each.partition_key} for each in events]

    def put() -> None:
        kinesis = _bare(stack)
        for first in range(0, records, 500):
            answer = kinesis.put_records(StreamName=stack.listings_stream, Records=entries[first : first + 500])
            assert not answer["FailedRecordCount"]

    return put


def bare_reads(stack: Stack, records: int) -> None:
    """Read the same predictions."""
    kinesis, found = _bare(stack), 0
    stream = {"StreamName": stack.predictions_stream}
    for shard in kinesis.list_shards(**stream)["Shards"]:
        place = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator, behind = kinesis.get_shard_iterator(**stream, **place)["ShardIterator"], 1
        while behind:
            answer = kinesis.get_records(ShardIterator=iterator)
            found += len([json.loads(record["Data"]) for record in answer["Records"]])
            iterator, behind = answer["NextShardIterator"], answer["MillisBehindLatest"]
    assert found == records


def _bare(stack: Stack) -> Any:
    return boto3.client(
        "kinesis",
        region_name=REGION,
        endpoint_url=stack.endpoint_url,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )


def stack(url: str) -> Stack:
    """Return a stack whose streams are at a URL."""
    return Stack(
        listings_stream="listings",
        predictions_stream="predictions",
        models_bucket="models",
        dead_letters_bucket="dead-letters",
        archive_bucket="archive",
        score_function="score",
        region=REGION,
        endpoint_url=url,
        credentials=Credentials(access_key_id=KEY, secret_access_key=SECRET),
    )


def _write_listings(file: Path, rows: int) -> None:
    """Write a file's header and its rows, again from the first until there are so many, and some for those refused."""
    header, *lines = file.read_text().splitlines(keepends=True)
    with Path(CSV).open("w") as out:
        out.write(header)
        out.writelines(islice(cycle(lines), rows + rows // 10))


def _memory(command: str, records: int) -> int:
    """Return the most memory, in MB, that a command takes in a process of its own."""
    with loopback.running(PREDICTIONS, records) as url:
        run = [sys.executable, "-m", "benchmarks.speed.sections.streams", command, str(records), url]
        done = subprocess.run(run, capture_output=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    return int(done.stdout.split()[-1])


def _alone(command: str, records: str, url: str) -> None:
    COMMANDS[command](stack(url), int(records))
    print(peak_megabytes())


if __name__ == "__main__":
    _alone(*sys.argv[1:])
