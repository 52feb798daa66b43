"""Standard output, written so that a checkpoint may follow."""

import os
import stat
from contextlib import suppress
from typing import BinaryIO

from stream_consumer.consumer import Arrived
from stream_consumer.formats import Format, encoder, header


class Output:
    """Predictions on their way out."""

    def __init__(self, stream: BinaryIO, form: Format) -> None:
        self._stream = stream
        self._encode = encoder(form)
        self._is_file = _is_file(stream)
        continued = self._is_file and self._stands_in_it()
        if not (continued and form is Format.CSV):
            self._stream.write(header(form).encode())

    def write(self, batch: list[Arrived]) -> None:
        """Write predictions; when it returns the reader, or the disk for a file, has them."""
        self._stream.write(self._encode(batch).encode())
        self._stream.flush()
        if self._is_file:
            os.fsync(self._stream.fileno())

    def _stands_in_it(self) -> bool:
        """Return whether the file holds something; if so, a line that a killed writer left torn is ended."""
        size = os.fstat(self._stream.fileno()).st_size
        if size:
            with suppress(OSError), open(f"/dev/fd/{self._stream.fileno()}", "rb") as written:  # noqa: PTH123
                written.seek(size - 1)
                if written.read(1) != b"\n":
                    self._stream.write(b"\n")
        return size > 0


def _is_file(stream: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # not a file of the operating system at all
        return False
