"""As much of S3 and Kinesis as a function needs to start: a process of its own, whose CPU counts for nobody.

    python -m benchmarks.speed.references.loopback_bucket FOLDER

It serves the files of a folder as the objects of every bucket, takes what is put, and prints its port.
"""

import hashlib
import sys
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.speed.references.loopback import served

MISSING = b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"
TAKEN = b'{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000000"}]}'


def running(folder: Path) -> AbstractContextManager[str]:
    """Serve until the block ends; yields the URL."""
    return served("loopback_bucket", folder)


class Answers(BaseHTTPRequestHandler):
    """Answers to GetObject, PutObject and PutRecords with a record."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        path = self.folder / self.path.partition("?")[0].split("/", 2)[2]
        self._answer(200, path.read_bytes()) if path.is_file() else self._answer(404, MISSING)

    def do_PUT(self) -> None:
        self._read()
        self._answer(200, b"")

    def do_POST(self) -> None:
        self._read()
        self._answer(200, TAKEN)

    def _read(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("etag", f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Answers.folder = Path(sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
