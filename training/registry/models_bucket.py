"""The models bucket: versions that never change, and the pointer that says which one serves.

A version is written before the pointer that names it, so a reader of the pointer never sees half a version.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from pricing.manifest import CHAMPION_KEY, Manifest, Pointer, encode, manifest_key, model_key
from terminal.errors import Failure

REFUSED = {"PreconditionFailed", "412"}
BUSY = {"ConditionalRequestConflict", "409"}  # another conditional write of the key is under way
ABSENT = {"NoSuchKey", "404"}


class ModelsBucket:
    """Conditional reads and writes of one bucket, through a boto3 S3 client."""

    def __init__(self, s3: Any, bucket: str) -> None:  # noqa: ANN401 - a boto3 client, or a test's fake
        self._s3 = s3
        self._bucket = bucket

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Return an object and its ETag, or None where there is none."""
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _code(error) in ABSENT:
                return None
            raise
        return reply["Body"].read(), reply["ETag"]

    def free(self, version: str, model: bytes, manifest: bytes) -> bool:
        """Return whether `put_version` would take a version: nothing else stands under its number."""
        there = self.read(model_key(version)), self.read(manifest_key(version))
        return all(each is None or each[0] == ours for each, ours in zip(there, (model, manifest), strict=True))

    def put_version(self, version: str, model: bytes, manifest: bytes) -> None:
        """Write a version, the manifest last; what stands there already is left alone if it is the same.

        Raises `Failure` if it is not.
        """
        for key, body in ((model_key(version), model), (manifest_key(version), manifest)):
            if self._put(key, body, IfNoneMatch="*"):
                continue
            standing = self.read(key)
            if standing is None or standing[0] != body:
                raise Failure(
                    f"version {version} already stands in {self._bucket} and is not this one ({key}); versions never "
                    "change: promote from the registry that made it, or train again"
                )

    def get_version(self, version: str) -> tuple[bytes, bytes]:
        """Return a version's ONNX file and manifest; raises `Failure` where they are not there."""
        model, manifest = self.read(model_key(version)), self.read(manifest_key(version))
        if model is None or manifest is None:
            raise Failure(f"version {version} is not in the bucket {self._bucket}")
        return model[0], manifest[0]

    def champion(self) -> tuple[Pointer, str] | None:
        """Return the pointer and its ETag, or None before the first promotion."""
        found = self.read(CHAMPION_KEY)
        return None if found is None else (msgspec.json.decode(found[0], type=Pointer), found[1])

    def champions(self) -> list[Pointer]:
        """Return every pointer that ever stood, the oldest first, as far as the bucket keeps versions."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=CHAMPION_KEY)
        ids = [each["VersionId"] for page in pages for each in page.get("Versions", []) if each["Key"] == CHAMPION_KEY]
        bodies = [self._s3.get_object(Bucket=self._bucket, Key=CHAMPION_KEY, VersionId=each)["Body"] for each in ids]
        return [msgspec.json.decode(body.read(), type=Pointer) for body in reversed(bodies)]

    def trained_at(self, versions: Iterable[str]) -> dict[str, str]:
        """Return when each of these versions was trained (ISO 8601, UTC), as far as their manifests stand."""
        found = {version: self.read(manifest_key(version)) for version in set(versions)}
        return {version: parse(each[0]).created_at for version, each in found.items() if each}

    def move_champion(self, pointer: Pointer, seen: str | None) -> None:
        """Point to another version, provided that the pointer is still the one with the ETag `seen`.

        Raises `Failure`, and changes nothing, where somebody else was faster.
        """
        body = encode(pointer)
        if self._put(CHAMPION_KEY, body, **({"IfMatch": seen} if seen else {"IfNoneMatch": "*"})):
            return
        standing = self.read(CHAMPION_KEY)
        if standing is not None and standing[0] == body:
            return  # an attempt of our own arrived although its reply did not
        now = msgspec.json.decode(standing[0], type=Pointer).version if standing else "none"
        raise Failure(f"the champion was changed meanwhile (it is version {now} now); this promotion did nothing")

    def _put(self, key: str, body: bytes, **condition: str) -> bool:
        def attempt() -> bool:
            try:
                self._s3.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentType=_content_type(key), **condition
                )
            except ClientError as error:
                if _code(error) in REFUSED | ABSENT:  # If-Match on an object that is gone
                    return False
                raise
            return True

        return _unless_busy(attempt)


def _unless_busy(attempt: Callable[[], bool], attempts: int = 5) -> bool:
    for left in range(attempts - 1, -1, -1):
        try:
            return attempt()
        except ClientError as error:
            if _code(error) not in BUSY or not left:
                raise
    raise AssertionError("unreachable")


def _content_type(key: str) -> str:
    return "application/json" if key.endswith(".json") else "application/octet-stream"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def sha256(manifest: bytes) -> str:
    """Return the hash by which a pointer knows a manifest."""
    return hashlib.sha256(manifest).hexdigest()


def parse(manifest: bytes) -> Manifest:
    """Return a manifest; raises `Failure` where it is none."""
    try:
        return msgspec.json.decode(manifest, type=Manifest)
    except msgspec.DecodeError as error:
        raise Failure(f"not a manifest: {error}") from error
