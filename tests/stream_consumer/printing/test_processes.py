"""A printing process with unbuffered output, as in a container: a slow pipe and a signal, a disk that is full."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
NUMBER = 400
PRINT = f"""
import sys
from datetime import UTC, datetime
from stream_consumer import Consumer
from stream_consumer.printing.formats import Format
from stream_consumer.printing.output import Output
from stream_consumer.printing.printer import Printing
from stream_consumer.testing import MemoryStream, priced

stream = MemoryStream(clock=lambda: datetime(2026, 11, 24, tzinfo=UTC), page=100)
for number in range({NUMBER}):
    stream.put("L-1", priced("L-1", event_id=str(number)))
with Consumer(stream, "predictions", checkpoint=sys.argv[1]) as consumer:
    Printing(consumer, Output(sys.stdout.buffer, Format.JSONL)).run(
        follow=False, idle_timeout=None, limit=None, latest_per_listing=False
    )
"""


def started(checkpoint: Path, output: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", PRINT, str(checkpoint)],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=output,
        stderr=subprocess.PIPE,
    )


def printed(lines: bytes) -> list[int]:
    return [int(json.loads(line)["data"]["event_id"]) for line in lines.splitlines()]


def test_what_a_slow_pipe_took_before_a_signal_and_what_the_next_run_prints_is_all_of_it_once(tmp_path):
    with started(tmp_path / "checkpoint", subprocess.PIPE) as process:
        first = os.read(process.stdout.fileno(), 10_000)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)  # the pipe is full, and the signal is there
        first += process.stdout.read()
        assert process.wait(timeout=30) == 0
    with started(tmp_path / "checkpoint", subprocess.PIPE) as process:
        second, _ = process.communicate(timeout=30)

    assert 0 < len(printed(first)) < NUMBER
    assert printed(first) + printed(second) == list(range(NUMBER))


def test_a_full_disk_ends_the_run_with_an_error_and_leaves_all_to_the_next(tmp_path):
    full = os.open("/dev/full", os.O_WRONLY)
    with started(tmp_path / "checkpoint", full) as process:
        os.close(full)
        _, error = process.communicate(timeout=30)
    assert process.returncode != 0
    assert b"No space left on device" in error

    with started(tmp_path / "checkpoint", subprocess.PIPE) as process:
        everything, _ = process.communicate(timeout=30)
    assert printed(everything) == list(range(NUMBER))
