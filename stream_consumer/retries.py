"""How long to try again after a failure, and when to give up."""

import random

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own name
    HTTPClientError,
)

FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0  # seconds
PATIENCE = 300.0  # seconds of nothing but failures

_TRANSIENT = (
    "Throttl",
    "ThroughputExceeded",
    "LimitExceeded",
    "RequestTimeout",
    "KMSThrottl",
    "ExpiredIterator",
)


class Patience:
    """Failures on end of one thing, from the last success on."""

    def __init__(self) -> None:
        self._failures = 0
        self._since = 0.0

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0

    def wait(self, error: ClientError | BotoCoreError, now: float) -> float:
        """Return for how many seconds to wait before trying again ("full jitter").

        Raises the error where trying again cannot help, or has not helped for five minutes.
        """
        if not _may_pass(error) or (self._failures and now - self._since > PATIENCE):
            raise error
        if not self._failures:
            self._since = now
        longest = min(FIRST_WAIT * 2**self._failures, LONGEST_WAIT)
        self._failures += 1
        return random.uniform(0, longest)  # noqa: S311 - spreads load, guards nothing


def code(error: Exception) -> str:
    """Return the code of an error that the service answered, "" for any other."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""


def _may_pass(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, (ConnectionError, HTTPClientError))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status >= 500 or any(word in code(error) for word in _TRANSIENT)
