"""The S3 client of a simulated account: objects with ETags, conditional requests, and faults."""

import hashlib
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.response import StreamingBody

from tests.simulator.client import Answer, FakeClient
from tests.simulator.clock import SimulatedClock
from tests.simulator.faults import ChangeObject, Fault, Faults, TearBody, no_faults, service_error

KEYS_A_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Object:
    """A stored object; `etag` is quoted, as S3 writes it."""

    body: bytes
    etag: str
    modified: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


class FakeS3(FakeClient):
    """Speaks as boto3's client does: `get_object`, `head_object`, `put_object`, `delete_object`, and lists keys.

    docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: If-None-Match with the current ETag is
    answered 304, If-Match with another 412. API_PutObject: If-None-Match "*" on an existing key, or
    If-Match with another ETag, is answered 412 PreconditionFailed (404 where If-Match finds nothing). Reads
    follow writes at once ("strong read-after-write consistency", user guide, "What is Amazon S3"). Bodies
    are botocore's own `StreamingBody`, so that a torn one fails as it does in life.
    """

    service = "s3"

    def __init__(
        self,
        clock: SimulatedClock,
        *,
        faults: Faults = no_faults,
        latency: float = 0.02,
        read_timeout: float = math.inf,
    ) -> None:
        super().__init__(clock, faults=faults, latency=latency, read_timeout=read_timeout)
        self.objects: dict[tuple[str, str], Object] = {}

    def get_object(self, *, Bucket: str, Key: str, IfNoneMatch: str = "", IfMatch: str = "") -> Answer:  # noqa: N803
        """The object, its `Body` to be read. ClientError: NoSuchKey 404, 304, PreconditionFailed 412."""

        def read(fault: Fault | None) -> Answer:
            if isinstance(fault, ChangeObject):
                self.store(Bucket, Key, fault.body)
            found = self.objects.get((Bucket, Key))
            if found is None:
                raise service_error("GetObject", "NoSuchKey", 404, "The specified key does not exist.")
            if IfMatch and not _same(IfMatch, found.etag):
                raise service_error("GetObject", "PreconditionFailed", 412)
            if IfNoneMatch and _same(IfNoneMatch, found.etag):
                raise service_error("GetObject", "304", 304, "Not Modified")
            share = fault.share if isinstance(fault, TearBody) else 1.0
            raw = io.BytesIO(found.body[: int(len(found.body) * share)])
            body = StreamingBody(raw, content_length=len(found.body))
            return {
                "Body": body,
                "ETag": found.etag,
                "ContentLength": len(found.body),
                "LastModified": found.modified,
                "Metadata": dict(found.metadata),
            }

        return self._call("GetObject", f"{Bucket}/{Key}", read)

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
        IfMatch: str = "",  # noqa: N803
        Metadata: Mapping[str, str] | None = None,  # noqa: N803
        **_: str,
    ) -> Answer:
        """Store an object whole: it is never seen half written. ClientError: PreconditionFailed 412,
        NoSuchKey 404."""

        def write(_: Fault | None) -> Answer:
            found = self.objects.get((Bucket, Key))
            if IfMatch and found is None:
                raise service_error("PutObject", "NoSuchKey", 404)
            if found and (IfNoneMatch == "*" or (IfMatch and not _same(IfMatch, found.etag))):
                raise service_error("PutObject", "PreconditionFailed", 412)
            return {"ETag": self.store(Bucket, Key, bytes(Body), Metadata or {})}

        return self._call("PutObject", f"{Bucket}/{Key}", write)

    def head_object(self, *, Bucket: str, Key: str) -> Answer:  # noqa: N803
        """The object without its body. ClientError: 404."""

        def head(_: Fault | None) -> Answer:
            found = self.objects.get((Bucket, Key))
            if found is None:
                raise service_error("HeadObject", "404", 404)
            return {"ETag": found.etag, "ContentLength": len(found.body), "Metadata": dict(found.metadata)}

        return self._call("HeadObject", f"{Bucket}/{Key}", head)

    def delete_object(self, *, Bucket: str, Key: str, IfMatch: str = "") -> Answer:  # noqa: N803
        """Forget an object; one that is not there is no error (API_DeleteObject). ClientError: 412."""

        def delete(_: Fault | None) -> Answer:
            found = self.objects.get((Bucket, Key))
            if IfMatch and found and not _same(IfMatch, found.etag):
                raise service_error("DeleteObject", "PreconditionFailed", 412)
            self.objects.pop((Bucket, Key), None)
            return {}

        return self._call("DeleteObject", f"{Bucket}/{Key}", delete)

    def get_paginator(self, operation: str) -> "FakeS3":
        """The paginator of ListObjectsV2, which is the client itself."""
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str = "", Delimiter: str = "") -> Iterator[Answer]:  # noqa: N803
        """The keys under a prefix, a page of one call at a time; with a delimiter those below it are one prefix."""
        held = self.keys(Bucket, Prefix)
        for start in range(0, max(1, len(held)), KEYS_A_PAGE):
            page = held[start : start + KEYS_A_PAGE]
            yield self._call(
                "ListObjectsV2", f"{Bucket}/{Prefix}", lambda _, page=page: self._page(Bucket, page, Prefix, Delimiter)
            )

    def _page(self, bucket: str, keys: list[str], prefix: str, delimiter: str) -> Answer:
        below = {key: key[len(prefix) :].partition(delimiter)[0] + delimiter for key in keys if delimiter}
        found: list[dict[str, Any]] = [
            {"Key": key, "LastModified": self.objects[bucket, key].modified}
            for key in keys
            if (bucket, key) in self.objects
            if not delimiter or delimiter not in key[len(prefix) :]
        ]
        prefixes = dict.fromkeys(prefix + below[key] for key in keys if delimiter and delimiter in key[len(prefix) :])
        return {"Contents": found, "CommonPrefixes": [{"Prefix": each} for each in prefixes]}

    def store(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> str:
        """Put an object behind the client's back: no latency, no faults, no conditions. Returns the ETag."""
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        self.objects[bucket, key] = Object(body, etag, self._clock.now(), metadata or {})
        return etag

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys of a bucket that begin with `prefix`, in S3's order."""
        return sorted(key for held, key in self.objects if held == bucket and key.startswith(prefix))


def _same(one: str, other: str) -> bool:
    return one.strip('"') == other.strip('"')
