"""A Kinesis that fails on purpose, in front of one that does not.

Emulators take every record. This passes requests on to one, but refuses chosen entries of PutRecords, as
Kinesis does when a shard is full.
"""

import json
import threading
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUSED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "refused on purpose"}
PASSED_ON = ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date")


@contextmanager
def refusing(endpoint: str, refuse: Callable[[bytes], bool]) -> Iterator[str]:
    """Yield the address of a Kinesis that refuses the entries whose data `refuse` picks."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            put = self.headers.get("X-Amz-Target", "").endswith("PutRecords")
            answer = self._put(json.loads(body)) if put else self._forward(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _put(self, request: dict) -> bytes:
            chosen = [refuse(b64decode(entry["Data"])) for entry in request["Records"]]
            request["Records"] = [
                entry for entry, out in zip(request["Records"], chosen, strict=True) if not out
            ]
            taken = iter(())
            if request["Records"]:
                taken = iter(json.loads(self._forward(json.dumps(request).encode()))["Records"])
            records = [REFUSED if out else next(taken) for out in chosen]
            return json.dumps({"FailedRecordCount": sum(chosen), "Records": records}).encode()

        def _forward(self, body: bytes) -> bytes:
            headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            request = urllib.request.Request(endpoint, body, headers)
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.read()

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
