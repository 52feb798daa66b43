"""Standard output and files, taken in parts, full, or torn."""

import errno
import io
import os
import threading
import time

import pytest

from pricing.prediction import decode
from stream_consumer.consumer import Arrived
from stream_consumer.printing.formats import Format
from stream_consumer.printing.newest import Newest
from stream_consumer.printing.output import Output, write_all
from stream_consumer.printing.parquet import ParquetOutput
from tests.stream_consumer.fake_kinesis import CREATED
from tests.stream_consumer.predictions import payload


def arrived(number: int, **at: int) -> Arrived:
    data = payload(number, **at)
    return Arrived(decode(data), data, CREATED, "shardId-000000000000", str(number))


class Raw(io.RawIOBase):
    """An unbuffered stream that takes a few bytes at a time, and sometimes none."""

    def __init__(self, full_after: int | None = None) -> None:
        self.taken, self.calls, self.full_after = b"", 0, full_after

    def writable(self) -> bool:
        return True

    def write(self, content) -> int | None:
        self.calls += 1
        if self.full_after is not None and len(self.taken) >= self.full_after:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.taken += bytes(content[:7])
        return min(7, len(content))


def test_an_unbuffered_stream_that_takes_a_part_of_each_write_gets_everything():
    raw = Raw()
    Output(raw, Format.JSONL).write([arrived(n) for n in range(3)])
    assert raw.taken.count(b"\n") == 3
    assert raw.taken.splitlines() == [payload(n) for n in range(3)]


def test_a_disk_that_fills_up_inside_a_write_is_an_error():
    with pytest.raises(OSError, match="No space left"):
        Output(Raw(full_after=100), Format.JSONL).write([arrived(0)])


def test_a_slow_pipe_that_does_not_block_gets_everything():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    got: list[bytes] = []

    def read() -> None:
        while part := os.read(reading, 4_096):
            got.append(part)
            time.sleep(0.001)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(writing, "wb", buffering=0) as raw:
        write_all(raw, b"x" * 500_000)
    reader.join(10)
    assert len(b"".join(got)) == 500_000


def test_a_parquet_file_is_whole_once_it_is_closed(tmp_path):
    import pyarrow.parquet as pq

    file = tmp_path / "predictions.parquet"
    output = ParquetOutput(file)
    output.write([arrived(1), arrived(2)])
    assert not file.exists()
    output.close()
    rows = pq.read_table(file).to_pylist()
    assert [row["listing_id"] for row in rows] == ["L-1", "L-2"]
    assert rows[0]["predicted_price"] == 600_001.0


def test_the_newest_of_a_listing_is_remembered_across_runs(tmp_path):
    file = tmp_path / "checkpoint.newest"
    first = Newest(file)
    shown = first.offer([arrived(1, listing_id="L", sequence_number=50)])
    first.keep(shown)

    second = Newest(file)

    assert second.offer([arrived(2, listing_id="L", sequence_number=40)]) == []
    assert len(second.offer([arrived(3, listing_id="L", sequence_number=60)])) == 1


def test_a_torn_line_of_what_was_newest_is_left_out_and_written_over(tmp_path):
    file = tmp_path / "checkpoint.newest"
    first = Newest(file)
    first.keep(first.offer([arrived(1, listing_id="L", sequence_number=50)]))
    file.write_bytes(file.read_bytes() + b'["M","7')

    second = Newest(file)
    second.keep(second.offer([arrived(2, listing_id="N", sequence_number=7)]))

    third = Newest(file)
    assert (
        third.offer([arrived(3, listing_id="L", sequence_number=40), arrived(4, listing_id="N", sequence_number=7)])
        == []
    )
