"""The worker: one request of the queue after the other; each is deleted when its record stands, and not before."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from lambdas.aws.errors import AWS_ERRORS
from terminal.errors import Failure
from training.retraining.journal import Held, Journal, Lease
from training.retraining.records import Clock, Record, now
from training.retraining.requests import InvalidRequest, Request, decode

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

WAIT_SECONDS = 20  # of a receive: the longest that SQS allows


class Retrain(Protocol):
    """What a worker works with."""

    def resolve(self, asked: Request) -> Request | None:
        """Return what a request amounts to, or None for nothing to do."""
        ...

    def run(self, request: Request) -> Record:
        """Do it; return the record."""
        ...


def worker_name() -> str:
    """Return a name for this worker: machine and process."""
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker on a queue. `lease` is the queue's visibility timeout: how long a worker may be silent."""

    sqs: "SQSClient"
    queue_url: str
    journal: Journal
    retrain: Retrain
    lease: timedelta
    say: Callable[[str], None]
    name: str = worker_name()
    clock: Clock = now

    def one(self, wait_seconds: int = WAIT_SECONDS) -> bool:
        """Take up one request, if one comes; return whether one came.

        Raises whatever stopped the retraining: the request then comes again, in the end to the dead-letter queue.
        """
        message = self._receive(wait_seconds)
        if message:
            self._take_up(*message)
        return message is not None

    def work(self, at_most: int | None = None) -> None:
        """Take up so many requests, or requests for ever; one that fails is told, and comes again as of `one`."""
        taken = 0
        while at_most is None or taken < at_most:
            message = self._receive(WAIT_SECONDS)
            if message is None:
                continue
            taken += 1
            try:
                self._take_up(*message)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next request may do without
                self.say(f"failed: {type(error).__name__}: {error}")

    def _receive(self, wait_seconds: int) -> tuple[str, str] | None:
        """Return the body of a request and its receipt, if one comes."""
        reply = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=1, WaitTimeSeconds=wait_seconds)
        return next(((each["Body"], each["ReceiptHandle"]) for each in reply.get("Messages", [])), None)

    def _take_up(self, body: str, receipt: str) -> None:
        try:
            request = decode(body)
        except InvalidRequest as error:
            self.say(f"left for the dead-letter queue: {error}")
            return
        self.say(f"request {request.id} ({request.kind}): {request.reason}")
        resolved = self.retrain.resolve(request)
        if resolved is None:
            self.say("nothing to do")
        elif not self._done(resolved, receipt):
            return  # it comes again when the visibility timeout ends
        self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=receipt)

    def _done(self, resolved: Request, receipt: str) -> bool:
        """Do what is to be done, unless another worker is at it."""
        try:
            lease = self.journal.claim(resolved.id, self.name, self.lease, self.clock)
        except Held as held:
            self.say(f"{resolved.id}: {held}; left alone")
            return False
        with self._heartbeat(resolved.id, lease, receipt):
            record = self.retrain.run(resolved)
        self.say(f"{record.outcome}: {record.why}")
        return True

    @contextmanager
    def _heartbeat(self, request_id: str, lease: Lease, receipt: str) -> Iterator[None]:
        """Keep claim and message ours, from a thread, for as long as this process lives and works."""
        over = threading.Event()
        held: list[Lease] = [lease]

        def beat() -> None:
            while not over.wait(self.lease.total_seconds() / 3):
                try:
                    renewed = self.journal.renew(request_id, held[-1], self.clock() + self.lease)
                    if renewed is None:
                        return  # another has it; what we still write changes nothing
                    held[:] = [renewed]
                    self.sqs.change_message_visibility(
                        QueueUrl=self.queue_url,
                        ReceiptHandle=receipt,
                        VisibilityTimeout=round(self.lease.total_seconds()),
                    )
                except AWS_ERRORS as error:
                    self.say(f"heartbeat: {error}")  # the next one may get through

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.journal.renew(request_id, held[-1], self.clock())  # what failed may be taken up at once


def visibility(sqs: "SQSClient", queue_url: str) -> timedelta:
    """Return how long the queue hides a request from others."""
    reply = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["VisibilityTimeout"])
    return timedelta(seconds=int(reply["Attributes"]["VisibilityTimeout"]))


def url_of(sqs: "SQSClient", queue: str) -> str:
    """Return a queue's address; raises `Failure` where there is none."""
    try:
        return str(sqs.get_queue_url(QueueName=queue)["QueueUrl"])
    except ClientError as error:
        raise Failure(f"queue {queue}: {error.response['Error'].get('Message') or error}") from error
