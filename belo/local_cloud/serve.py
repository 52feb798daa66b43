"""Run MiniStack as an instance of ministack.py: on MiniStack's interpreter, which has nothing of this project.

With the argument "detached" it outlives its parent; without, it ends when the pipe on its standard input closes.
"""

import asyncio
import os
import shutil
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def answering_once(application: Application) -> Application:
    """Return an application that gives a request of Terraform's its first answer again when it is asked twice.

    A client that lost an answer (a busy machine, a closing connection) asks again under the same id; without this,
    what it made the first time "exists already", and the whole apply fails. Other clients see what AWS would do.
    """
    answers: dict[bytes, asyncio.Future[list[Message]]] = {}

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        attempt = headers.get(b"amz-sdk-invocation-id")
        if attempt is None or b"Terraform" not in headers.get(b"user-agent", b""):
            await application(scope, receive, send)
            return
        if attempt not in answers:
            answers[attempt] = asyncio.ensure_future(_recorded(application, scope, receive))
        messages = await asyncio.shield(answers[attempt])  # a client that hangs up stops nothing
        if messages[0]["status"] >= HTTPStatus.BAD_REQUEST:  # nothing was done: the next attempt is a new one
            answers.pop(attempt, None)
        for message in messages:
            await send(message)

    return answer


async def _recorded(application: Application, scope: Message, receive: Receive) -> list[Message]:
    sent: list[Message] = []

    async def record(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, record)
    return sent


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    import ministack.app as server

    if sys.argv[1:] != ["detached"]:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["ministack"]  # main() reads it
    server.app = answering_once(server.app)
    server.main()
