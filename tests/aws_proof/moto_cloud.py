"""moto as a server that stands for AWS whole, and keeps every request that it is sent."""

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
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

        def answered(status: str, *arguments: Any) -> Any:
            if int(status[:3]) >= 400:
                cloud.failed.append((sent, int(status[:3])))
            return start_response(status, *arguments)

        return application(environ, answered)

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
