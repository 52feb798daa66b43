"""Asking the stack's `POST /price`: signed as its callers are known, an answer or a clear failure."""

import os
from collections.abc import Mapping
from typing import Any

import boto3
import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from pricing.answer.answer import Answer
from terminal.errors import Failure, UsageFailure
from terminal.stack import Stack

KEY = "BELO_PRICE_KEY"  # where callers are known by a key
TIMEOUT = 35  # seconds; API Gateway waits for 29


def _credentials(stack: Stack) -> Credentials:
    if keys := stack.credentials:
        return Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    found = boto3.Session().get_credentials()
    if found is None:
        raise Failure(f"no AWS credentials to sign with, and {KEY} is not set")
    return found


class _Problem(msgspec.Struct):
    detail: str = ""
    message: str = ""  # API Gateway's own


def ask(stack: Stack, url: str, fields: Mapping[str, Any], *, explain: bool) -> Answer:
    """Return the price of one listing, given by its known fields; raises `Failure`, or `UsageFailure` for a field."""
    known = {name: value for name, value in fields.items() if value is not None}
    request = AWSRequest("POST", f"{url}?explain={int(explain)}", {"content-type": "application/json"})
    request.data = msgspec.json.encode(known)
    if key := os.environ.get(KEY):
        request.headers["x-api-key"] = key
    else:
        SigV4Auth(_credentials(stack), "execute-api", stack.region).add_auth(request)
    try:
        reply = URLLib3Session(timeout=TIMEOUT).send(request.prepare())
    except HTTPClientError as error:
        raise Failure(f"{url} does not answer: {error}") from None
    if reply.status_code == 200:
        return msgspec.json.decode(reply.content, type=Answer)
    try:
        problem = msgspec.json.decode(reply.content, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    said = problem.detail or problem.message or "it does not say why"
    if reply.status_code == 422:
        raise UsageFailure(said)
    raise Failure(f"{url}: {reply.status_code}, {said}")
