"""Objects of a bucket without a listing: the one that stands under a key, and the older versions behind it."""

import time
from collections.abc import Iterator
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from msgspec import Struct

from belo.forget.contents import Cut, Kind, Unreadable, cut
from belo.forget.listing_name import ListingName
from lambdas.archive_bucket.sales import REPORTED_AT
from lambdas.aws.errors import code, full_jitter, is_absent
from lambdas.aws.objects import Objects
from terminal.errors import Failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ObjectVersionTypeDef

TRIES = 8  # of an object that others write at the same time


class Found(Struct):
    """Traces found in what stands, objects that are written anew or deleted for it, old versions deleted."""

    traces: int = 0
    rewritten: int = 0
    deleted: int = 0
    old_versions: int = 0

    def add(self, other: "Found") -> None:
        """Add what was found elsewhere."""
        self.traces += other.traces
        self.rewritten += other.rewritten
        self.deleted += other.deleted
        self.old_versions += other.old_versions


class Stored:
    """Objects of one kind in a bucket. `dated`: their time of writing counts, and so is kept where they are rewritten.

    With `dry_run` everything is found and counted, and nothing changed. `unreadable` says which objects are not of
    their kind: they are left alone.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        kind: Kind,
        listing: ListingName,
        *,
        dated: bool = False,
        dry_run: bool = False,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._kind = kind
        self._listing = listing
        self._dated = dated
        self._dry_run = dry_run
        self.unreadable: list[str] = []

    def keys(self, prefix: str) -> Iterator[tuple[str, bool]]:
        """Yield the keys of a prefix, deleted ones too, and whether older versions stand under each."""
        for key, versions in groupby(self._versions(prefix), key=lambda each: each["Key"]):
            yield key, any(not each["IsLatest"] for each in versions)

    def forget(self, key: str, *, older: bool) -> Found:
        """Take the listing out of what stands under a key, and then out of what stood there: those versions go whole.

        What another process writes meanwhile stays: the writing is conditional, and begins again. Raises `Failure`
        where that never ends, and botocore's errors; whatever was done by then, doing it again finishes it.
        """
        found = self._standing(key)
        if older or found.traces:
            found.old_versions = self._old_versions(key)
        return found

    def _standing(self, key: str) -> Found:
        found = Found()
        for seconds in islice(full_jitter(0.1, 2.0), TRIES):
            reply = self._read(key)
            rest = self._cut(key, reply) if reply else None
            if reply is None or rest is None:
                return found  # with what an earlier try did: its answer may have been lost
            found = Found(rest.found, rewritten=int(rest.body is not None), deleted=int(rest.body is None))
            if self._dry_run or self._replace(key, reply, rest):
                return found
            time.sleep(seconds)
        raise Failure(f"{key} is being written by others all the time: run this again")

    def _old_versions(self, key: str) -> int:
        count = 0
        for version in self._versions(key):
            if version["Key"] != key or version["IsLatest"]:
                continue
            reply = self._read(key, VersionId=version["VersionId"])
            if reply and self._cut(f"{key} (version {version['VersionId']})", reply):
                count += 1
                if not self._dry_run:
                    self._s3.delete_object(Bucket=self._bucket, Key=key, VersionId=version["VersionId"])
        return count

    def _cut(self, name: str, reply: "GetObjectOutputTypeDef") -> Cut | None:
        try:
            return cut(self._kind, reply["Body"].read(), self._listing)
        except Unreadable as error:
            self.unreadable.append(f"{self._bucket}/{name}: {error}")
            return None

    def _replace(self, key: str, reply: "GetObjectOutputTypeDef", rest: Cut) -> bool:
        """Write what is left, or delete; return False where something else stands there by now."""
        objects = Objects(self._s3, self._bucket)
        if rest.body is None:
            return objects.delete(key, reply["ETag"])
        kept: dict[str, Any] = {name: reply[name] for name in ("ContentType", "ContentEncoding") if reply.get(name)}
        metadata = dict(reply["Metadata"])
        if self._dated:
            metadata.setdefault(REPORTED_AT, reply["LastModified"].isoformat())
        return objects.put(key, rest.body, IfMatch=reply["ETag"], Metadata=metadata, **kept) is not None

    def _read(self, key: str, **version: Any) -> "GetObjectOutputTypeDef | None":  # noqa: ANN401
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key, **version)
        except ClientError as error:
            if is_absent(error) or code(error) == "NoSuchVersion":
                return None
            raise

    def _versions(self, prefix: str) -> "Iterator[ObjectVersionTypeDef]":
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from page.get("Versions", [])
