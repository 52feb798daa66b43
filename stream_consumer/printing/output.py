"""Predictions on their way out, written so that a checkpoint may follow."""

import os
import select
import stat
from contextlib import suppress
from typing import IO, BinaryIO, Protocol

from pricing.market import Market
from stream_consumer.consumer import Arrived
from stream_consumer.printing.formats import Format, encoder, header


class Sink(Protocol):
    """What takes predictions."""

    def write(self, batch: list[Arrived]) -> None:
        """Take predictions; raises `OSError` where not all of them were taken."""

    def close(self) -> None:
        """Take nothing more."""

    @property
    def is_durable(self) -> bool:
        """Whether what `write` took is safe when it returns, and not only after `close`."""


class Output:
    """Standard output, or a file: lines of a format."""

    is_durable = True

    def __init__(self, stream: BinaryIO | IO[bytes], form: Format, market: Market | None = None) -> None:
        self._stream = stream
        self._encode = encoder(form, market)
        self._is_file = _is_file(stream)
        continued = self._is_file and self._stands_in_it()
        if not (continued and form is Format.CSV):
            write_all(self._stream, header(form).encode())

    def write(self, batch: list[Arrived]) -> None:
        """Write predictions; when it returns the reader, or the disk for a file, has them all.

        Raises `OSError` where it took a part of them only.
        """
        write_all(self._stream, self._encode(batch).encode())
        if self._is_file:
            os.fsync(self._stream.fileno())

    def close(self) -> None:
        """As `Sink` says; the stream is its owner's to close."""

    def _stands_in_it(self) -> bool:
        """Return whether the file holds something; if so, a line that a killed writer left torn is ended."""
        size = os.fstat(self._stream.fileno()).st_size
        if size:
            with suppress(OSError), open(f"/dev/fd/{self._stream.fileno()}", "rb") as written:  # noqa: PTH123
                written.seek(size - 1)
                if written.read(1) != b"\n":
                    write_all(self._stream, b"\n")
        return size > 0


def write_all(stream: BinaryIO | IO[bytes], content: bytes) -> None:
    """Write until everything is taken: an unbuffered stream takes a part, a non-blocking one sometimes nothing."""
    left = memoryview(content)
    while left:
        try:
            taken = stream.write(left)
        except BlockingIOError as full:
            taken = full.characters_written
        if taken:
            left = left[taken:]
        else:
            select.select([], [stream], [])
    stream.flush()


def _is_file(stream: BinaryIO | IO[bytes]) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # not a file of the operating system at all
        return False
