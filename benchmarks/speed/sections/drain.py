"""On a running cloud: a full stream drained, beside an echo function; and how long a listing waits for its price.

Both functions have the same records before them, the same batches and the same MiniStack, which runs one invocation of
a stream's at a time: so neither is drained while the other is, and the archive's mapping rests, too.
"""

import io
import json
import re
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from belo import bundle
from belo.local_cloud import provision
from benchmarks.speed.measuring import CACHE, champion_folder, listing_payloads, ratio
from benchmarks.speed.section import Section
from pricing.manifest import CHAMPION_KEY
from terminal.stack import Stack

EVENTS, ROUNDS = 12_000, 3
RATES, SECONDS = (10, 100, 1_000), 15.0  # events a second, for so long each
SHARES = (50, 95, 99)  # percentiles
TICK = 0.01  # seconds: what is due is published so often
PATIENCE = 120.0  # seconds without a new record, after which a stream is given up
ECHO = Path(__file__).parents[1] / "references" / "echo_lambda.py"
PLOT = CACHE / "latency.png"
DURATION = re.compile(r"^REPORT .*?Duration: ([\d.]+) ms", re.MULTILINE)


@dataclass(frozen=True)
class Route:
    """A function between two streams."""

    function: str
    source: str
    output: str


class Times(NamedTuple):
    """Of one listing, in seconds since 1970."""

    arrived: float  # on the input stream
    invoked: float  # the function, with it
    priced: float  # on the prediction stream


def measure() -> Section:
    with provision.running() as endpoint, tempfile.TemporaryDirectory() as workdir:
        stack = provision.provision(endpoint, "ministack", bundle.build(bundle.Target()), Path(workdir))
        cloud = Cloud(stack)
        cloud.promote(champion_folder())
        ours = Route(f"{stack.score_function}:live", stack.listings_stream, stack.predictions_stream)
        batches = cloud.rest()
        echo = cloud.echo()
        payloads = listing_payloads(EVENTS)
        for route in (ours, echo):
            cloud.put(route.source, payloads)
        rates: dict[str, list[float]] = {"ours": [], "echo": []}
        for turn in range(ROUNDS + 1):
            for name, route in (("ours", ours), ("echo", echo)):
                found = cloud.drained(route, EVENTS, batches)
                if turn:  # the first starts the functions
                    rates[name].append(found)
        times = {rate: cloud.latencies(ours, rate, payloads, batches) for rate in RATES}
    draw(times, PLOT)
    drained = [
        {"round": turn + 1, "ours, records/s": round(a), "echo, records/s": round(b), "ours / echo": round(a / b, 3)}
        for turn, (a, b) in enumerate(zip(rates["ours"], rates["echo"], strict=True))
    ]
    return Section(
        "A running cloud",
        {"drain_vs_echo_lambda": ratio(rates["ours"], rates["echo"])},
        {
            f"{EVENTS:,} events drained, batches of {batches['BatchSize']:,}": drained,
            "from the input stream to the prediction stream": [_row(rate, found) for rate, found in times.items()],
        },
        (
            "Until polled: MiniStack looks at a stream as soon as something is put onto it, and what comes during an "
            "invocation waits for the end of that. AWS polls a shard once a second: half a second more in the mean, or "
            "70 ms with enhanced fan-out.",
            "Ours: from the beginning of the invocation, MiniStack's handing over of the batch included, until the "
            "prediction stands on the stream.",
        ),
    )


class Cloud:
    """The stack, and what is done to it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kinesis, self._functions = stack.client("kinesis"), stack.client("lambda")

    def promote(self, folder: Path) -> None:
        """Put a folder that is laid out as a models bucket into it, the pointer last."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: path == folder / CHAMPION_KEY):
            key = str(path.relative_to(folder))
            self._stack.client("s3").put_object(Bucket=self._stack.models_bucket, Key=key, Body=path.read_bytes())

    def rest(self) -> dict[str, Any]:
        """Stop the stack's own mappings; return how they gather batches for the scoring function."""
        found = {}
        for each in self._functions.list_event_source_mappings()["EventSourceMappings"]:
            self._functions.update_event_source_mapping(UUID=each["UUID"], Enabled=False)
            if each["EventSourceArn"].endswith(f"/{self._stack.listings_stream}"):
                found = {name: each[name] for name in ("BatchSize", "MaximumBatchingWindowInSeconds") if name in each}
        return found

    def echo(self) -> Route:
        """Make the echo function, as large as the scoring function, and streams for it with as many shards."""
        shards = len(self._kinesis.list_shards(StreamName=self._stack.listings_stream)["Shards"])
        for name in ("echo-in", "echo-out"):
            self._kinesis.create_stream(StreamName=name, ShardCount=shards)
            self._kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.write(ECHO, ECHO.name)
        like = self._functions.get_function_configuration(FunctionName=self._stack.score_function)
        self._functions.create_function(
            FunctionName="echo",
            Handler=f"{ECHO.stem}.handler",
            Code={"ZipFile": package.getvalue()},
            Environment={"Variables": {"OUTPUT_STREAM": "echo-out"}},
            **{name: like[name] for name in ("Runtime", "Role", "Timeout", "MemorySize")},
        )
        return Route("echo", "echo-in", "echo-out")

    def put(self, stream: str, payloads: Sequence[bytes], first: int = 0) -> None:
        """Put records onto a stream; their keys are numbered from `first`."""
        records = [{"Data": data, "PartitionKey": f"key-{n}"} for n, data in enumerate(payloads, first)]
        for start in range(0, len(records), 500):
            answer = self._kinesis.put_records(StreamName=stream, Records=records[start : start + 500])
            assert not answer["FailedRecordCount"]

    @contextmanager
    def mapped(self, route: Route, batches: dict[str, Any], start: str) -> Iterator[None]:
        """Let the function have what stands on its stream, from `start` on."""
        arn = self._kinesis.describe_stream_summary(StreamName=route.source)["StreamDescriptionSummary"]["StreamARN"]
        made = self._functions.create_event_source_mapping(
            FunctionName=route.function, EventSourceArn=arn, StartingPosition=start, **batches
        )
        try:
            yield
        finally:
            self._functions.delete_event_source_mapping(UUID=made["UUID"])

    def drained(self, route: Route, count: int, batches: dict[str, Any]) -> float:
        """Return how many records a second come out of a function, from the first to the last of the whole stream."""
        reader = self.reader(route.output)
        with self.mapped(route, batches, "TRIM_HORIZON"):
            arrivals = [arrived for _, arrived, _ in _awaited(reader, count)]
        return (count - 1) / (max(arrivals) - min(arrivals))

    def latencies(self, route: Route, rate: int, payloads: Sequence[bytes], batches: dict[str, Any]) -> list[Times]:
        """Publish at a rate; return the times of each listing."""
        count = int(rate * SECONDS)
        inputs, outputs = self.reader(route.source), self.reader(route.output)
        began = time.time()
        with self.mapped(route, batches, "LATEST"):
            time.sleep(3)  # MiniStack takes for the latest what it sees at its first look
            started, sent = time.monotonic(), 0
            while sent < count:
                due = min(count, int((time.monotonic() - started) * rate) + 1)
                self.put(route.source, [payloads[n % len(payloads)] for n in range(sent, due)], sent)
                sent = due
                time.sleep(TICK)
            priced = _awaited(outputs, count)
        arrived = {(shard, number): at for (shard, number), at, _ in _awaited(inputs, count)}
        invoked = self._invocations(sorted(arrived, key=lambda key: (key[0], int(key[1]))), began)
        found = []
        for _, at, data in priced:
            place = json.loads(data)["data"]["source_position"]
            key = place["shard_id"], place["sequence_number"]
            found.append(Times(arrived[key], invoked[key], at))
        return found

    def _invocations(self, keys: list[tuple[str, str]], since: float) -> dict[tuple[str, str], float]:
        """Return for each record when its invocation began, as the function's log has it: its end less its duration."""
        pages = self._stack.client("logs").get_paginator("filter_log_events")
        logs: dict[str, list[dict[str, Any]]] = {}
        group = f"/aws/lambda/{self._stack.score_function}"
        for page in pages.paginate(logGroupName=group, startTime=int(since * 1000)):
            for event in page["events"]:
                logs.setdefault(event["logStreamName"], []).append(event)
        places = {key: place for place, key in enumerate(keys)}
        found = {}
        for events in logs.values():
            words = "\n".join(event["message"] for event in events)
            said = json.loads(next(line for line in words.splitlines() if line.startswith('{"_aws"')))
            (duration,) = DURATION.findall(words)
            place = places[said["shard_id"], said["first_sequence_number"]]
            for key in keys[place : place + said["Records"]]:
                found[key] = events[-1]["timestamp"] / 1000 - float(duration) / 1000
        return found

    def reader(self, stream: str) -> Iterator[list[tuple[tuple[str, str], float, bytes]]]:
        """Return what comes onto a stream from now on, read by read: shard and sequence number, arrival, data."""
        shards = [each["ShardId"] for each in self._kinesis.list_shards(StreamName=stream)["Shards"]]
        iterators = {
            shard: self._kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="LATEST")[
                "ShardIterator"
            ]
            for shard in shards
        }
        return self._reads(iterators)

    def _reads(self, iterators: dict[str, str]) -> Iterator[list[tuple[tuple[str, str], float, bytes]]]:
        while True:
            found = []
            for shard in iterators:
                answer = self._kinesis.get_records(ShardIterator=iterators[shard], Limit=10_000)
                iterators[shard] = answer["NextShardIterator"]
                found += [
                    ((shard, each["SequenceNumber"]), each["ApproximateArrivalTimestamp"].timestamp(), each["Data"])
                    for each in answer["Records"]
                ]
            yield found


def _awaited(
    reads: Iterator[list[tuple[tuple[str, str], float, bytes]]], count: int
) -> list[tuple[tuple[str, str], float, bytes]]:
    """Return the next `count` records, which are looked for twice a second."""
    found: list[tuple[tuple[str, str], float, bytes]] = []
    news = time.monotonic()
    for read in reads:
        found += read
        if len(found) >= count:
            break
        if read:
            news = time.monotonic()
        if time.monotonic() - news > PATIENCE:
            raise TimeoutError(f"{len(found):,} of {count:,} records came")
        time.sleep(0.5)
    return found


def _row(rate: int, times: list[Times]) -> dict[str, Any]:
    """Return the milliseconds at a rate: of the whole way, and of its two parts."""
    parts = {
        "in all": [each.priced - each.arrived for each in times],
        "until polled": [each.invoked - each.arrived for each in times],
        "ours": [each.priced - each.invoked for each in times],
    }
    return {"events/s": rate, "listings": len(times)} | {
        f"{name}, p{share}, ms": round(float(np.percentile(values, share)) * 1000)
        for name, values in parts.items()
        for share in SHARES
    }


def draw(times: dict[int, list[Times]], path: Path) -> None:
    """Draw where the time goes of listings that wait as long as half, 95 % and 99 % of them at most, as a PNG."""
    figure = Figure(figsize=(9, 4.2), dpi=120)
    axes = figure.subplots()
    labels = []
    for place, (rate, share) in enumerate((rate, share) for rate in times for share in SHARES):
        row = -(place + place // len(SHARES) * 0.7)
        waited, worked = _parts_at(times[rate], share)
        first = place == 0
        axes.barh(row, waited, color="#b9c3cf", height=0.85, label="waiting until MiniStack polls" if first else None)
        axes.barh(
            row, worked, left=waited, color="#1f3a5f", height=0.85, label="scoring and PutRecords" if first else None
        )
        axes.text(
            waited + worked, row, f" {waited + worked:,.0f} ms, {worked:,.0f} of it ours", va="center", fontsize=8
        )
        labels.append((row, f"p{share}"))
        if share == SHARES[1]:
            axes.text(-0.09, row, f"{rate:,}\nevents/s", transform=axes.get_yaxis_transform(), ha="right", va="center")
    axes.set_yticks(*zip(*labels, strict=True))
    axes.set_xlabel("from the input stream to the prediction stream, ms")
    axes.set_xlim(0, axes.get_xlim()[1] * 1.25)
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=2, frameon=False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def _parts_at(times: list[Times], share: int) -> tuple[float, float]:
    """Return the milliseconds of waiting and of work of the listings around a percentile of the whole way."""
    whole = np.array([each.priced - each.arrived for each in times])
    nearest = np.argsort(np.abs(whole - np.percentile(whole, share)))[: max(1, len(times) // 50)]
    near = [times[each] for each in nearest]
    waited = np.mean([each.invoked - each.arrived for each in near])
    return float(waited) * 1000, float(np.mean([each.priced - each.invoked for each in near])) * 1000
