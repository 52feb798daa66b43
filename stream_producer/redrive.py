"""Dead letters back onto the input stream.

An object leaves its place only after the stream has taken all that was chosen of it. A crash before that
leaves it where it is, and the next redrive sends the same events again, under the same ids: repeats, which
consumers drop.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, get_args

from botocore.exceptions import ClientError
from msgspec import Struct, field
from rich.console import Console
from rich.progress import track

from pricing.refusal import Reason
from stream_producer.dead_letters import (
    DEAD_LETTERS,
    PARKED,
    PARKED_REASON,
    Letter,
    Letters,
    UnreadableObject,
    read,
)
from stream_producer.publisher import FAST, Publisher
from terminal.errors import Failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from terminal.stack import Stack

REDRIVEN = "redriven/"
REASONS = (*get_args(Reason), PARKED_REASON)

_GONE = ("NoSuchKey", "404")
_CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "412", *_GONE)


class Choice(Struct, frozen=True, kw_only=True):
    """Which letters go: those of a reason (`parked` for Lambda's), those that arrived then or later."""

    reason: str | None = None
    since: datetime | None = None

    def takes(self, letter: Letter) -> bool:
        """Return whether a letter is chosen."""
        if self.reason is not None and letter.reason != self.reason:
            return False
        return self.since is None or letter.arrived_at >= self.since


class Redriven(Struct):
    """What came of it, in letters, and in objects that held some of them."""

    chosen: int = 0
    redriven: int = 0
    objects: int = 0
    unreadable: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def count(self, chosen: Iterable[Letter]) -> None:
        """Count the letters that were chosen of an object."""
        self.objects += 1
        for letter in chosen:
            self.chosen += 1
            self.reasons[letter.reason] = self.reasons.get(letter.reason, 0) + 1


class Redrive:
    """Sends letters of a bucket back to a stream; `tell` gets a line for what a person should look at."""

    def __init__(
        self, s3: "S3Client", bucket: str, publisher: Publisher, stream: str, tell: Callable[[str], object]
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._publisher = publisher
        self._stream = stream
        self._tell = tell

    def keys(self) -> list[str]:
        """Return the objects there are, dead letters first."""
        return [*self._listed(DEAD_LETTERS), *self._listed(PARKED)]

    def run(self, keys: Iterable[str], choice: Choice, *, dry_run: bool = False) -> Redriven:
        """Send the chosen letters of these objects, under their own keys, and move them to `redriven/`.

        A letter that stands in several of them goes and counts once. Safe to repeat, also at the same time: an
        object that is gone is passed over. One that cannot be read stays and is counted. Raises `Failure` where
        the stream does not take a letter.
        """
        result = Redriven()
        places: set[str] = set()
        for key in keys:
            self._object(key, choice, result, places, dry_run=dry_run)
        return result

    def _object(self, key: str, choice: Choice, result: Redriven, places: set[str], *, dry_run: bool) -> None:
        found = self._read(key, result)
        if found is None:
            return
        content, etag = found
        chosen = [index for index, letter in enumerate(content.letters) if choice.takes(letter)]
        if not chosen:
            return
        letters = [content.letters[index] for index in chosen]
        new = {letter.place: letter for letter in letters if letter.place not in places}
        places.update(new)
        result.count(new.values())
        if dry_run:
            return
        outcome = self._publisher.publish(letter.record for letter in new.values())
        if not outcome.complete:
            raise Failure(f"{key} stays: the stream refused {outcome.failed} letters ({outcome.error or 'stopped'})")
        result.redriven += len(new)
        self._move(key, etag, content, chosen)

    def _read(self, key: str, result: Redriven) -> tuple[Letters, str] | None:
        """Return the letters of an object and its ETag; None where it is gone, or cannot be read."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return None
        try:
            return read(key, answer["Body"].read(), self._stream), answer["ETag"]
        except UnreadableObject as error:
            result.unreadable += 1
            self._tell(f"cannot be read: {error}")
            return None

    def _move(self, key: str, etag: str, content: Letters, chosen: list[int]) -> None:
        """Write what was sent under `redriven/`, then take it from its place, unless that has changed."""
        sent = content.holding(chosen)
        left = [index for index in range(len(content.letters)) if index not in set(chosen)]
        self._s3.put_object(Bucket=self._bucket, Key=_redriven_key(key, sent), Body=sent)
        try:
            if left:
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=content.holding(left), IfMatch=etag)
            else:
                self._delete(key, etag)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _CHANGED:
                raise
            self._tell(f"{key} changed while it was redriven, and stays: run redrive again")

    def _delete(self, key: str, etag: str) -> None:
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotImplemented":
                raise
            # LocalStack knows no conditional delete; the condition is looked at just before instead.
            if self._s3.head_object(Bucket=self._bucket, Key=key)["ETag"] == etag:
                self._s3.delete_object(Bucket=self._bucket, Key=key)

    def _listed(self, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                yield found["Key"]


def _redriven_key(key: str, content: bytes) -> str:
    """Return where letters go; the content is in the name, for an object may be redriven in parts."""
    folder, _, name = key.rpartition("/")
    return f"{REDRIVEN}{folder}/{blake2b(content, digest_size=6).hexdigest()}-{name}"


def redrive_bucket(stack: "Stack", choice: Choice, console: Console, *, dry_run: bool) -> Redriven:
    """Redrive a stack's dead letters, showing progress on `console`."""
    publisher = Publisher(stack.client("kinesis", FAST), stack.listings_stream)
    redrive = Redrive(
        stack.client("s3"),
        stack.dead_letters_bucket,
        publisher,
        stack.listings_stream,
        lambda what: console.print(what, style="yellow", markup=False, highlight=False),
    )
    keys = track(redrive.keys(), "redriving", console=console, disable=not console.is_terminal)
    return redrive.run(keys, choice, dry_run=dry_run)
