"""Objects of a bucket that stand under days: listed, and read several at once.

<folder>/dt=YYYY-MM-DD/<name>
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError
from msgspec import Struct

from lambdas.aws.errors import code, is_absent, is_condition_conflict, is_condition_failed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

READERS = 8  # objects fetched at once; the client must hold as many connections
DAY = timedelta(days=1)

_AHEAD = 64  # objects whose contents may wait to be taken
_CONFLICTS = 5  # conditional writes of one key that may collide before it is an error

Found = TypeVar("Found")


class Object(Struct, frozen=True):
    """An object as it was read."""

    body: bytes
    metadata: dict[str, str]
    modified_at: datetime


class Objects:
    """The objects of a bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def days(self, folder: str, since: datetime, until: datetime) -> list[str]:
        """Return the days of a folder whose objects may hold what arrived in [since, until), in order.

        A batch stands under the day of its first record and may hold some of the next one's, so that the day before
        `since` is among them.
        """
        first, last = day_of(since - DAY), day_of(until)
        head = f"{folder}/dt="
        found = [each["Prefix"] for page in self._pages(head, "/") for each in page.get("CommonPrefixes", [])]
        days = [name.removeprefix(head).removesuffix("/") for name in found]
        return [day for day in days if first <= day <= last]

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with a prefix, in S3's order."""
        return [key for key, _ in self.written(prefix)]

    def keys_of(self, folder: str, day: str) -> list[str]:
        """Return the keys of a folder's day."""
        return self.keys(f"{folder}/dt={day}/")

    def written(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Yield the keys that begin with a prefix, and when each object was written."""
        for page in self._pages(prefix):
            yield from ((each["Key"], each["LastModified"]) for each in page.get("Contents", []))

    def read(self, keys: Sequence[str], convert: Callable[[Object], Found]) -> Iterator[Found]:
        """Yield what `convert` makes of each object, in the order of the keys; it is called by several threads."""
        with ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(keys), _AHEAD):
                yield from pool.map(lambda key: convert(self._object(key)), keys[start : start + _AHEAD])

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Return an object and its ETag, or None where there is none."""
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return reply["Body"].read(), reply["ETag"]

    def exists(self, key: str) -> bool:
        """Return whether an object stands under the key."""
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if is_absent(error):
                return False
            raise
        return True

    def put(self, key: str, body: bytes, **arguments: Any) -> str | None:  # noqa: ANN401 - boto3's arguments
        """Write an object; return its ETag, or None where the condition among the arguments does not hold.

        That is IfMatch or IfNoneMatch; an IfMatch does not hold where the object is gone. A write that collides with
        another one of the key is tried again.
        """
        for left in range(_CONFLICTS - 1, -1, -1):
            try:
                return self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, **arguments)["ETag"]
            except ClientError as error:
                if is_condition_failed(error) or is_absent(error):
                    return None
                if not (is_condition_conflict(error) and left):
                    raise
        raise AssertionError("unreachable")

    def delete(self, key: str, etag: str) -> bool:
        """Delete an object that still has an ETag; return whether it was: another one that came meanwhile stays."""
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if is_condition_failed(error) or is_condition_conflict(error) or is_absent(error):
                return False
            if code(error) != "NotImplemented":
                raise
            # LocalStack knows no conditional delete; the condition is looked at just before instead.
            if self._s3.head_object(Bucket=self._bucket, Key=key)["ETag"] != etag:
                return False
            self._s3.delete_object(Bucket=self._bucket, Key=key)
        return True

    def add(self, key: str, body: bytes) -> None:
        """Write an object unless one stands there; whoever may only read does without it."""
        try:
            self.put(key, body, IfNoneMatch="*")
        except ClientError as error:
            if code(error) != "AccessDenied" and not is_condition_conflict(error):
                raise

    def _object(self, key: str) -> Object:
        reply = self._s3.get_object(Bucket=self._bucket, Key=key)
        return Object(reply["Body"].read(), reply["Metadata"], reply["LastModified"])

    def _pages(self, prefix: str, delimiter: str = "") -> "Iterator[ListObjectsV2OutputTypeDef]":
        pages = self._s3.get_paginator("list_objects_v2")
        yield from pages.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter=delimiter)


def day_of(moment: datetime) -> str:
    """Return the day that a moment falls on in UTC, YYYY-MM-DD."""
    return moment.astimezone(UTC).date().isoformat()
