"""moto as a server that stands for AWS whole, and keeps every request that it is sent."""

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request


@dataclass(frozen=True)
class Sent:
    """A request as it came over the wire."""

    service: str  # as the signature names it
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class MotoCloud:
    """A running moto: where it is, what it was sent, and what it answered that was no success."""

    endpoint: str
    sent: list[Sent] = field(default_factory=list)
    failed: list[tuple[Sent, int]] = field(default_factory=list)


@contextmanager
def running() -> Iterator[MotoCloud]:
    """Run a moto on a free port of 127.0.0.1 for as long as the context lasts."""
    application = DomainDispatcherApplication(create_backend_app)
    cloud = MotoCloud("")
    answers: dict[object, Any] = {}
    alone: dict[object, threading.Lock] = {}

    def recording(environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        body = request.get_data()
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        sent = Sent(
            _service(request.headers.get("Authorization", "")),
            request.method,
            environ.get("RAW_URI", request.path).partition("?")[0],
            {name: request.args.getlist(name) for name in request.args},
            dict(request.headers.items()),
            body,
        )
        cloud.sent.append(sent)

        # A client that lost an answer asks again under the same id, and must not be told that it exists already.
        attempt = request.headers.get("Amz-Sdk-Invocation-Id") or object()
        with alone.setdefault(attempt, threading.Lock()):
            if attempt not in answers:
                parts, status, headers = run_wsgi_app(application, environ)
                answers[attempt] = [b"".join(parts)], status, headers
        content, status, headers = answers[attempt]
        if int(status[:3]) >= 400:
            cloud.failed.append((sent, int(status[:3])))
        start_response(status, list(headers))
        return content

    server = make_server("127.0.0.1", 0, recording, threaded=True)
    cloud.endpoint = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        thread.join()


def _service(authorization: str) -> str:
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return scope[3] if len(scope) > 3 else ""
