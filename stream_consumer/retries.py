"""How long to try again after a failure, and when to give up."""

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.aws.errors import code, full_jitter, may_pass

FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0  # seconds
PATIENCE = 300.0  # seconds of nothing but failures
EXPIRED_ITERATOR = "ExpiredIteratorException"


class Retries:
    """Failures on end of one thing, from the last success on."""

    def __init__(self) -> None:
        self._waits = full_jitter(FIRST_WAIT, LONGEST_WAIT)
        self._failing_since: float | None = None

    def succeeded(self) -> None:
        """Forget the failures."""
        if self._failing_since is not None:
            self._waits, self._failing_since = full_jitter(FIRST_WAIT, LONGEST_WAIT), None

    def wait(self, error: ClientError | BotoCoreError, now: float) -> float:
        """Return for how many seconds to wait before trying again ("full jitter").

        Raises the error where trying again cannot help, or has not helped for five minutes.
        """
        passes = may_pass(error) or code(error) == EXPIRED_ITERATOR
        if self._failing_since is None:
            self._failing_since = now
        if not passes or now - self._failing_since > PATIENCE:
            raise error
        return next(self._waits)
