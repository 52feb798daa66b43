"""What an AWS error means for the caller: it may pass, nothing is there, a condition does not hold."""

import random
from collections.abc import Iterator, Mapping
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own name
    HTTPClientError,
)
from botocore.parsers import ResponseParserError

AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError)  # whatever a call may raise
Reply = TypeVar("Reply", bound=Mapping[str, object])

_THROTTLED = ("Throttl", "ThroughputExceeded", "LimitExceeded", "RequestTimeout", "SlowDown", "ResourceInUse")
# S3's codes; a HEAD request has no body, so its answer has the status for a code.
_ABSENT = frozenset({"NoSuchKey", "404"})
_UNCHANGED = frozenset({"NotModified", "304"})
_CONDITION_FAILED = frozenset({"PreconditionFailed", "412"})
_CONDITION_CONFLICT = frozenset({"ConditionalRequestConflict", "409"})


def code(error: Exception) -> str:
    """Return the code of an error that a service answered, "" for any other error."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def may_pass(error: Exception) -> bool:
    """Return whether the same request may succeed later.

    So it is after throttling, a fault of the service, a broken connection, and an answer that is none (a proxy's page).
    """
    if not isinstance(error, ClientError):
        return isinstance(error, (ConnectionError, HTTPClientError, ResponseParserError, UnreadableReply))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status >= 500 or any(word in code(error) for word in _THROTTLED)


def is_absent(error: Exception) -> bool:
    """Return whether S3 says that no object stands under the key."""
    return code(error) in _ABSENT


def is_unchanged(error: Exception) -> bool:
    """Return whether S3 says that the object still has the ETag of If-None-Match."""
    return code(error) in _UNCHANGED


def is_condition_failed(error: Exception) -> bool:
    """Return whether S3 refused a conditional write for good: another object stands there, or another version of it."""
    return code(error) in _CONDITION_FAILED


def is_condition_conflict(error: Exception) -> bool:
    """Return whether S3 refused a conditional write because of another one under way; the same may succeed at once."""
    return code(error) in _CONDITION_CONFLICT


def full_jitter(first: float, longest: float) -> Iterator[float]:
    """Yield seconds to wait between tries: evenly random up to a limit that doubles each time, up to `longest`.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    limit = first
    while True:
        yield random.uniform(0, limit)  # noqa: S311 - spreads load, guards nothing
        limit = min(2 * limit, longest)


class UnreadableReply(BotoCoreError):
    """A success that lacks what the operation answers with: a page of a proxy, say."""

    fmt = "{operation}: an answer without {member}"


def complete(operation: str, reply: Reply, member: str) -> Reply:
    """Return a reply; raises `UnreadableReply` where it lacks a member that every answer of the operation has."""
    if member not in reply:
        raise UnreadableReply(operation=operation, member=member)
    return reply
