"""A Kinesis that fails on purpose, in front of one that does not.

Emulators take every record. This passes requests on to one, but a sick stream decides over PutRecords.
"""

import json
import threading
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.scenarios import DENIED, Denied, SickStream

PASSED_ON = ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date")


@contextmanager
def standing_before(endpoint: str, sick: SickStream) -> Iterator[str]:
    """Yield the address of a Kinesis that fails as `sick` says."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            put = self.headers.get("X-Amz-Target", "").endswith("PutRecords")
            try:
                self._answer(200, self._put(json.loads(body)) if put else self._forward(body))
            except Denied:
                self._answer(400, json.dumps({"__type": DENIED, "message": "denied on purpose"}).encode())

        def _put(self, request: dict[str, Any]) -> bytes:
            def forward(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
                return json.loads(self._forward(json.dumps(request | {"Records": entries}).encode()))["Records"]

            payloads = [b64decode(entry["Data"]) for entry in request["Records"]]
            return json.dumps(sick.put(request["Records"], payloads, forward)).encode()

        def _forward(self, body: bytes) -> bytes:
            headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            request = urllib.request.Request(endpoint, body, headers)
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.read()

        def _answer(self, status: int, answer: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
