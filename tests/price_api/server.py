"""`POST /price` on 127.0.0.1: HTTP turned into API Gateway's proxy events (REST) for the very handler, and back.

Bodies in UTF-8 come as text, which is how the stack's gateway passes all of them: it declares no binary media types.
Other bytes, which no text can hold, come in base64, as they would where it declared application/json one.
"""

import base64
import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Event = dict[str, Any]
Api = Callable[[Event], Event]
UNKNOWN = {"statusCode": 403, "headers": {"content-type": "application/json"}}  # what the gateway says of other routes
NO_ROUTE = UNKNOWN | {"body": json.dumps({"message": "Missing Authentication Token"})}


def proxy_event(body: bytes, headers: dict[str, str], query: dict[str, str] | None) -> Event:
    """Return the event that API Gateway makes of a request."""
    try:
        text, encoded = body.decode(), False
    except UnicodeDecodeError:
        text, encoded = base64.b64encode(body).decode(), True
    return {
        "httpMethod": "POST",
        "path": "/price",
        "headers": headers or None,
        "queryStringParameters": query or None,
        "body": text or None,
        "isBase64Encoded": encoded,
    }


@contextlib.contextmanager
def serving(api: Api) -> Iterator[str]:
    """Serve a handler on a free port while the context lasts; yield the address."""
    one_at_a_time = threading.Lock()  # as in an environment of Lambda

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = urlsplit(self.path)
            if url.path != "/price":
                return self._reply(NO_ROUTE)
            query = dict(parse_qsl(url.query, keep_blank_values=True))  # of a name that comes twice, the last
            try:
                with one_at_a_time:
                    reply = api(proxy_event(body, dict(self.headers.items()), query))
            except Exception as error:  # noqa: BLE001 - what the gateway says where the function fails
                failed = {"message": "Internal server error", "error": f"{type(error).__name__}: {error}"}
                reply = UNKNOWN | {"statusCode": 502, "body": json.dumps(failed)}
            return self._reply(reply)

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self._reply(NO_ROUTE)

        do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_HEAD = do_QUERY = do_GET  # noqa: N815 - their names

        def _reply(self, reply: Event) -> None:
            content = reply["body"].encode()
            self.send_response(reply["statusCode"])
            for name, value in reply["headers"].items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if self.command != "HEAD" else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):  # metrics
            yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
