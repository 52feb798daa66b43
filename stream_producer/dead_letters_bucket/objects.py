"""The dead-letters bucket: objects of letters, what has been redriven of them, and how often."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct

from lambdas.aws.objects import Objects
from pricing.dead_letter_layout import DEAD_LETTERS, PARKED
from stream_producer.dead_letters_bucket.letters import Letter, Letters, UnreadableObject, read, read_any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REDRIVEN = "redriven"  # what went, with how often at most in its metadata: attempts


class Stored(Struct, frozen=True):
    """An object as it was read."""

    key: str
    etag: str
    content: Letters


class LetterObjects:
    """Dead letters and parked batches; `stream` is the one whose parked batches are meant."""

    def __init__(self, s3: "S3Client", bucket: str, stream: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._objects = Objects(s3, bucket)
        self._stream = stream
        self._attempts: Counter[str] | None = None  # by digest of the record

    def keys(self) -> list[str]:
        """Return the objects there are."""
        return [*self._objects.keys(f"{DEAD_LETTERS}/"), *self._objects.keys(f"{PARKED}/")]

    def read(self, key: str) -> Stored | None:
        """Return an object, None where there is none; raises `UnreadableObject`."""
        found = self._objects.get(key)
        return None if found is None else Stored(key, found[1], read(key, found[0], self._stream))

    def attempts(self, letter: Letter) -> int:
        """Return how often a record with these bytes was redriven before, as far as `redriven/` tells."""
        if self._attempts is None:
            keys = self._objects.keys(f"{REDRIVEN}/")
            self._attempts = Counter()
            for digests in self._objects.read(keys, lambda found: self._digests(found.body)):
                self._attempts.update(digests)
        return self._attempts[letter.digest]

    def _digests(self, body: bytes) -> set[str]:
        try:
            return {letter.digest for letter in read_any(body, self._stream).letters}
        except UnreadableObject:
            return set()

    def move(self, stored: Stored, chosen: Sequence[int]) -> bool:
        """Write letters under `redriven/`, then take them from their place; return False where that has changed."""
        moved = stored.content.holding(chosen)
        times = 1 + max((self.attempts(stored.content.letters[number]) for number in chosen), default=0)
        left = [number for number in range(len(stored.content.letters)) if number not in set(chosen)]
        self._objects.put(_redriven_key(stored.key, moved), moved, Metadata={"attempts": str(times)})
        if left:
            return self._objects.put(stored.key, stored.content.holding(left), IfMatch=stored.etag) is not None
        return self._objects.delete(stored.key, stored.etag)


def _redriven_key(key: str, content: bytes) -> str:
    """Return where letters go; the content is in the name, for an object may be redriven in parts."""
    folder, _, name = key.rpartition("/")
    return f"{REDRIVEN}/{folder}/{blake2b(content, digest_size=6).hexdigest()}-{name}"
