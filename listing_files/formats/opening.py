"""A file's bytes as lines of UTF-8, whatever they were: compression and encoding are found, or refused by name."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from terminal.errors import Failure, UsageFailure

BLOCK = 1 << 16  # bytes that format, encoding and dialect are found from
_UTF_8 = "UTF-8"
_MARKS = ((codecs.BOM_UTF8, "UTF-8"), (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))
_ARCHIVES = {b"PK\x03\x04": "a zip archive", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "a 7-Zip archive"}
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
DAMAGED = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class Text:
    """A file of text: its lines as UTF-8, its first block decoded, in whole lines if possible, and what it was."""

    lines: Iterator[bytes]
    first: str
    encoding: str
    compression: str


@contextmanager
def open_text(path: Path | None, stdin: BinaryIO, encoding: str | None) -> Iterator[Text]:
    """Yield the text of a file, or of standard input; raises `Failure` where its encoding is not what it is taken for.

    A line that cannot be decoded comes as it stands, and is no UTF-8.
    """
    name = str(path) if path else "standard input"
    with path.open("rb", buffering=1 << 18) if path else _kept_open(stdin) as raw:
        try:
            unpacked, compression = _unpacked(raw, name)
            block = _first_block(unpacked)
            if kind := next((kind for magic, kind in _ARCHIVES.items() if block.startswith(magic)), None):
                raise Failure(f"{name}: {kind}, not a file of listings; unpack it, or compress with gzip or zstd")
            found = encoding_of(block, encoding, name, path if not compression else None)
            lines = _lines(unpacked, block, found)
            if found == _UTF_8 and block.isascii() and encoding is None:
                lines = _as_taken(lines, name)
            yield Text(lines, _whole_lines(_decoded(block, found)), found, compression)
        except DAMAGED as error:
            raise Failure(f"{name}: {getattr(error, 'strerror', None) or error or 'ends too early'}") from None


@contextmanager
def _kept_open(stream: BinaryIO) -> Iterator[BinaryIO]:
    yield stream


def _unpacked(raw: Any, name: str) -> tuple[IO[bytes], str]:  # noqa: ANN401 - any readable stream of bytes
    reader = raw if hasattr(raw, "peek") else io.BufferedReader(_Raw(raw))
    head = reader.peek(4)[:4]
    if head.startswith(_GZIP):
        return io.BufferedReader(gzip.GzipFile(fileobj=reader)), "gzip"
    if head.startswith(_ZSTD):
        return _zstd(reader, name), "zstd"
    return reader, ""


class _Raw(io.RawIOBase):
    """A stream of bytes that knows `read` alone."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def _zstd(reader: Any, name: str) -> IO[bytes]:  # noqa: ANN401 - a buffered reader
    try:
        import zstandard
    except ImportError:
        raise Failure(f"{name}: zstd; `pip install zstandard` reads it, or use gzip") from None
    stream = zstandard.ZstdDecompressor().stream_reader(reader, read_across_frames=True)
    return io.BufferedReader(_Zstd(stream, zstandard.ZstdError))


class _Zstd(io.RawIOBase):
    def __init__(self, stream: Any, damaged: type[Exception]) -> None:  # noqa: ANN401 - zstandard's
        self._stream, self._damaged = stream, damaged

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer
        try:
            return int(self._stream.readinto(buffer))
        except self._damaged as error:
            raise EOFError(f"damaged ({error})") from None


def _first_block(stream: Any) -> bytes:  # noqa: ANN401 - IO with read1
    """Return what comes first, at least one line of it: a pipe may have no more for a long time."""
    block: bytes = stream.read1(BLOCK)
    while block and b"\n" not in block and len(block) < 1 << 22:
        more = stream.read1(BLOCK)
        if not more:
            break
        block += more
    return block


def encoding_of(block: bytes, said: str | None, name: str, path: Path | None = None) -> str:
    """Return the encoding of a file that begins with a block; raises `Failure`, `UsageFailure`.

    A mark at the beginning says it. Else what is valid UTF-8 is UTF-8, and what has no character of UTF-8 but bytes
    beyond ASCII is Windows-1252, of which Latin-1 is a part. Where the block is ASCII alone, the rest of the file says.
    """
    marked = next((found for mark, found in _MARKS if block.startswith(mark)), None)
    if said is not None:
        return _checked(block, said, marked, name)
    if marked:
        return marked
    if wide := _wide(block):
        return wide
    if block.isascii() and path is not None:
        block = _beyond_ascii(path) or block
    valid, broken = _utf_8(block)
    if not broken:
        return _UTF_8
    if not valid:
        return "Windows-1252"
    if broken <= valid / 10 or broken == 1:
        return _UTF_8  # with lines that are refused
    raise Failure(f"{name}: neither UTF-8 nor Windows-1252, or both: say which with --encoding")


def _checked(block: bytes, said: str, marked: str | None, name: str) -> str:
    try:
        known = codecs.lookup(said).name
    except LookupError:
        raise UsageFailure(f"--encoding {said}: no such encoding; utf-8, windows-1252 and utf-16 are usual") from None
    if marked and codecs.lookup(marked).name not in (known, f"{known}-le", f"{known}-be") and known != "utf-8-sig":
        raise Failure(f"{name}: not {said}, as --encoding has it: its first bytes say {marked}")
    if known not in ("utf-8", "utf-8-sig") and not known.startswith("utf-16") and not block.isascii():
        valid, broken = _utf_8(block)
        if valid and not broken:
            raise Failure(f"{name}: not {said}, as --encoding has it: it is valid UTF-8")
    return _UTF_8 if known in ("utf-8", "utf-8-sig") else said


def _wide(block: bytes) -> str | None:
    """Return UTF-16 where every other byte of a text without a mark is NUL."""
    pairs = block[: len(block) // 2 * 2]
    even, odd = pairs[0::2].count(0), pairs[1::2].count(0)
    most = 0.4 * len(pairs) / 2
    if len(pairs) < 8 or (even <= most and odd <= most):
        return None
    return "UTF-16LE" if odd > even else "UTF-16BE"


def _beyond_ascii(path: Path) -> bytes:
    """Return the first block of a file that is not ASCII alone, b"" where there is none."""
    with path.open("rb") as content:
        while block := content.read(BLOCK):
            if not block.isascii():
                place = next(at for at, byte in enumerate(block) if byte > 127)
                return block[place:] + content.read(BLOCK)
    return b""


def _utf_8(block: bytes) -> tuple[int, int]:
    """Return how many characters beyond ASCII a block has in UTF-8, and how many bytes that are in none."""
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(block, False)  # noqa: FBT003 - positional in C
    broken = text.count("\ufffd") - block.count("\ufffd".encode())
    return len(text) - len(text.encode("ascii", "ignore")) - broken, broken


def _decoded(block: bytes, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == _UTF_8 else encoding)("replace")
    return decoder.decode(block).removeprefix("\ufeff")


def _whole_lines(text: str) -> str:
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text[: end + 1] if end >= 0 else text


def _lines(stream: IO[bytes], block: bytes, encoding: str) -> Iterator[bytes]:
    """Yield lines as UTF-8, a byte order mark left out."""
    chained = io.BufferedReader(_After(block, stream), 1 << 16)
    if encoding == _UTF_8:
        lone = b"\r" in block and b"\n" not in block
        lines: Iterator[bytes] = _split_at_returns(chained) if lone else iter(chained)
        first = next(lines, b"").removeprefix(codecs.BOM_UTF8)
        yield first
        yield from lines
    elif encoding.upper().startswith("UTF-16"):
        yield from (line.encode() for line in io.TextIOWrapper(chained, encoding, "replace", newline=""))
    else:
        for line in chained:
            try:
                yield line.decode(encoding).encode()
            except UnicodeDecodeError:
                yield line


def _as_taken(lines: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield lines of a stream that began in ASCII; raises `Failure` where the first others are no UTF-8."""
    for line in lines:
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError as error:
                found = f"byte 0x{line[error.start]:02x}"
                raise Failure(
                    f"{name}: taken for UTF-8, and it is not ({found}): say --encoding windows-1252"
                ) from None
            yield line
            break
        yield line
    yield from lines


def _split_at_returns(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(BLOCK):
        *lines, rest = (rest + block).split(b"\r")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


class _After(io.RawIOBase):
    """A stream again from its beginning, of which a block has been read."""

    def __init__(self, block: bytes, stream: IO[bytes]) -> None:
        self._block = memoryview(block)
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer
        if self._block:
            count = min(len(buffer), len(self._block))
            buffer[:count], self._block = self._block[:count], self._block[count:]
            return count
        content = self._stream.read1(len(buffer))  # type: ignore[attr-defined] # what has come, and no wait for more
        buffer[: len(content)] = content
        return len(content)
