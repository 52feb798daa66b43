"""Calls of Kinesis that wait for what passes, and the service's clock as their answers tell it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from lambdas.aws.errors import AWS_ERRORS, code, complete, full_jitter, may_pass

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0  # seconds
PATIENCE = 300.0  # seconds of nothing but failures
EXPIRED_ITERATOR = "ExpiredIteratorException"
_PASSING = {EXPIRED_ITERATOR, "ResourceInUseException"}  # the latter while a stream is being made

_OPERATIONS = {  # of boto3's client; the service's own name, and what every answer has
    "describe_stream_summary": ("DescribeStreamSummary", "StreamDescriptionSummary"),
    "list_shards": ("ListShards", "Shards"),
    "get_shard_iterator": ("GetShardIterator", "ShardIterator"),
    "get_records": ("GetRecords", "Records"),
}


class Retries:
    """Failures on end of one thing, from the last success on."""

    def __init__(self) -> None:
        self._waits = full_jitter(FIRST_WAIT, LONGEST_WAIT)
        self._failing_since: float | None = None

    def succeeded(self) -> None:
        """Forget the failures."""
        if self._failing_since is not None:
            self._waits, self._failing_since = full_jitter(FIRST_WAIT, LONGEST_WAIT), None

    def wait(self, error: Exception, now: float, *, passes: bool | None = None) -> float:
        """Return for how many seconds to wait before trying again ("full jitter").

        Raises the error where trying again cannot help, or has not helped for five minutes. Whether it can, the error
        tells, unless `passes` does.
        """
        if self._failing_since is None:
            self._failing_since = now
        if passes is None:
            passes = may_pass(error) or code(error) in _PASSING
        if not passes or now - self._failing_since > PATIENCE:
            raise error
        return next(self._waits)


class KinesisCalls:
    """A Kinesis client's calls; `now` is the service's clock, whatever this machine's says."""

    def __init__(
        self,
        kinesis: "KinesisClient",
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._kinesis = kinesis
        self._clock = clock
        self._sleep = sleep
        self._told = (datetime.now(UTC), clock())  # the service's time, and when it was told
        self._answered = False

    def now(self) -> datetime:
        """Return the service's time (UTC), up to a second slow: the newest answer's, and what has passed since."""
        at, told = self._told
        return at + timedelta(seconds=self._clock() - told)

    def once(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401 - boto3's, by operation
        """Call once; raises `ClientError`, `CallFailed`, and botocore's own error where nobody answered so far."""
        name, member = _OPERATIONS[operation]
        try:
            reply = complete(name, getattr(self._kinesis, operation)(**arguments), member)
        except ClientError:
            raise
        except EndpointConnectionError:
            if not self._answered:
                raise  # nobody is there, as far as one can tell
            raise CallFailed(name, "nobody answers any more", passes=True) from None
        except AWS_ERRORS as error:
            raise CallFailed(name, str(error), passes=may_pass(error)) from error
        self._answered = True
        self._tell_time(reply)
        return reply

    def patiently(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401
        """Call until it succeeds; raises what cannot pass, or has not passed for five minutes."""
        retries = Retries()
        while True:
            try:
                return self.once(operation, **arguments)
            except (ClientError, CallFailed) as error:
                self._sleep(self.pause(retries, error))

    def stream_identity(self, stream: str) -> str:
        """Return what tells a stream from every other, one of its name that was deleted before it included.

        The same on every machine, whatever its time zone. Waits for what passes.
        """
        summary = self.patiently("describe_stream_summary", StreamName=stream)["StreamDescriptionSummary"]
        return f"{summary['StreamARN']} of {summary['StreamCreationTimestamp'].astimezone(UTC):%Y-%m-%dT%H:%M:%S%z}"

    def pause(self, retries: Retries, error: Exception, *, passes: bool | None = None) -> float:
        """Return the seconds before another try; raises as `Retries.wait` does."""
        if isinstance(error, CallFailed):
            passes = error.passes
        return retries.wait(error, self._clock(), passes=passes)

    def _tell_time(self, reply: Any) -> None:  # noqa: ANN401
        date = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self._told = (parsedate_to_datetime(date).astimezone(UTC), self._clock())


class CallFailed(BotoCoreError):
    """A call that had no answer, or none that can be read; the text names it. `passes`: the next may have one."""

    fmt = "{call}: {why}"

    def __init__(self, call: str, why: str, *, passes: bool) -> None:
        super().__init__(call=call, why=" ".join(why.split()))
        self.passes = passes
