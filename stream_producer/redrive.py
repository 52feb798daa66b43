"""Dead letters back onto the input stream.

An object leaves its place only after the stream has taken all that was chosen of it. A crash before that
leaves it where it is, and the next redrive sends the same events again, under the same ids: repeats, which
consumers drop.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, get_args

from botocore.exceptions import ClientError
from msgspec import Struct, field
from rich.progress import track

from lambdas.aws.errors import code, is_absent, is_condition_conflict, is_condition_failed
from lambdas.aws.objects import Objects
from pricing.dead_letter_layout import DEAD_LETTERS, PARKED
from pricing.refusal import Reason
from stream_producer.dead_letters import (
    PARKED_REASON,
    Letter,
    Letters,
    UnreadableObject,
    read,
)
from stream_producer.publisher import FAST, Publisher
from terminal.display import stderr, warn
from terminal.errors import Failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from terminal.stack import Stack

REDRIVEN = "redriven/"
REASONS = (*get_args(Reason), PARKED_REASON)


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
    """Sends letters of a bucket back to a stream; `warn` gets a line for what a person should look at."""

    def __init__(
        self, s3: "S3Client", bucket: str, publisher: Publisher, stream: str, warn: Callable[[str], object]
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._objects = Objects(s3, bucket)
        self._publisher = publisher
        self._stream = stream
        self._warn = warn

    def keys(self) -> list[str]:
        """Return the objects there are, dead letters first."""
        return [*self._objects.keys(f"{DEAD_LETTERS}/"), *self._objects.keys(f"{PARKED}/")]

    def run(self, keys: Iterable[str], choice: Choice, *, dry_run: bool = False) -> Redriven:
        """Send the chosen letters of these objects, under their own keys, and move them to `redriven/`.

        A letter that stands in several of them goes and counts once. Safe to repeat, also at the same time: an
        object that is gone is passed over. One that cannot be read stays and is counted. Raises `Failure` where
        the stream does not take a letter.
        """
        result = Redriven()
        sent: set[str] = set()  # positions on the stream
        for key in keys:
            stored = self._read(key, choice, result)
            if stored is None or not stored.chosen:
                continue
            new = {letter.place: letter for letter in stored.chosen_letters if letter.place not in sent}
            sent.update(new)
            result.count(new.values())
            if not dry_run:
                self._send(key, new.values())
                result.redriven += len(new)
                self._move(stored)
        return result

    def _read(self, key: str, choice: Choice, result: Redriven) -> "_Stored | None":
        """Return an object with its chosen letters; None where it is gone, or cannot be read."""
        found = self._objects.get(key)
        if found is None:
            return None
        body, etag = found
        try:
            content = read(key, body, self._stream)
        except UnreadableObject as error:
            result.unreadable += 1
            self._warn(f"cannot be read: {error}")
            return None
        return _Stored(key, etag, content, [i for i, letter in enumerate(content.letters) if choice.takes(letter)])

    def _send(self, key: str, letters: Iterable[Letter]) -> None:
        outcome = self._publisher.publish(letter.record for letter in letters)
        if not outcome.complete:
            raise Failure(f"{key} stays: the stream refused {outcome.failed} letters ({outcome.error or 'stopped'})")

    def _move(self, stored: "_Stored") -> None:
        """Write what was sent under `redriven/`, then take it from its place, unless that has changed."""
        sent = stored.content.holding(stored.chosen)
        self._objects.put(_redriven_key(stored.key, sent), sent)
        if stored.left:
            moved = self._objects.put(stored.key, stored.content.holding(stored.left), IfMatch=stored.etag) is not None
        else:
            moved = self._delete(stored)
        if not moved:
            self._warn(f"{stored.key} changed while it was redriven, and stays: run redrive again")

    def _delete(self, stored: "_Stored") -> bool:
        """Delete an object unless it has changed or is gone; return whether it was deleted."""
        bucket, key = self._bucket, stored.key
        try:
            self._s3.delete_object(Bucket=bucket, Key=key, IfMatch=stored.etag)
        except ClientError as error:
            if is_condition_failed(error) or is_condition_conflict(error) or is_absent(error):
                return False
            if code(error) != "NotImplemented":
                raise
            # LocalStack knows no conditional delete; the condition is looked at just before instead.
            if self._s3.head_object(Bucket=bucket, Key=key)["ETag"] == stored.etag:
                self._s3.delete_object(Bucket=bucket, Key=key)
        return True


class _Stored(Struct, frozen=True):
    """An object as it was read, and the places in it of the letters that were chosen."""

    key: str
    etag: str
    content: Letters
    chosen: list[int]

    @property
    def chosen_letters(self) -> list[Letter]:
        return [self.content.letters[place] for place in self.chosen]

    @property
    def left(self) -> list[int]:
        return [place for place in range(len(self.content.letters)) if place not in set(self.chosen)]


def _redriven_key(key: str, content: bytes) -> str:
    """Return where letters go; the content is in the name, for an object may be redriven in parts."""
    folder, _, name = key.rpartition("/")
    return f"{REDRIVEN}{folder}/{blake2b(content, digest_size=6).hexdigest()}-{name}"


def redrive_bucket(stack: "Stack", choice: Choice, *, dry_run: bool) -> Redriven:
    """Redrive a stack's dead letters, showing progress."""
    publisher = Publisher(stack.client("kinesis", FAST), stack.listings_stream)
    redrive = Redrive(stack.client("s3"), stack.dead_letters_bucket, publisher, stack.listings_stream, warn)
    keys = track(redrive.keys(), "redriving", console=stderr, disable=not stderr.is_terminal)
    return redrive.run(keys, choice, dry_run=dry_run)
