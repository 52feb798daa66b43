"""The models bucket: versions that never change, and the pointer that says which one serves.

A version is written before the pointer that names it, so a reader of the pointer never sees half a version.
"""

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from lambdas.aws.objects import Objects
from pricing.answer.comparables import Comparables
from pricing.learnt_homes import LearntHomes
from pricing.manifest import (
    CHALLENGER_KEY,
    CHAMPION_KEY,
    ContractMismatch,
    Manifest,
    Pointer,
    comparables_key,
    encode,
    homes_key,
    manifest_key,
    model_key,
)
from terminal.errors import Failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ModelsBucket:
    """Conditional reads and writes of one bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._objects = Objects(s3, bucket)

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Return an object and its ETag, or None where there is none."""
        return self._objects.get(key)

    def free(self, version: str, model: bytes, manifest: bytes) -> bool:
        """Return whether `put_version` would take a version: nothing else stands under its number."""
        there = self.read(model_key(version)), self.read(manifest_key(version))
        return all(each is None or each[0] == ours for each, ours in zip(there, (model, manifest), strict=True))

    def put_version(
        self, version: str, model: bytes, manifest: bytes, beside: Mapping[str, bytes] = MappingProxyType({})
    ) -> None:
        """Write a version, and first what stands beside it, by key; the manifest last.

        What stands there already is left alone if it is the same. Raises `Failure` if it is not.
        """
        for key, body in {**beside, model_key(version): model, manifest_key(version): manifest}.items():
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

    def learnt_homes(self, version: str) -> LearntHomes | None:
        """Return the homes that a version has learnt, or None where nobody has said."""
        found = self.read(homes_key(version))
        return LearntHomes.decode(found[0]) if found else None

    def comparables(self, manifest: Manifest) -> Comparables | None:
        """Return a version's comparables, None where it keeps none.

        Raises `Failure` where they are missing or not what its manifest says.
        """
        if manifest.comparables_sha256 is None:
            return None
        found = self.read(comparables_key(manifest.version))
        if found is None:
            raise Failure(f"version {manifest.version}: its comparables are not in the bucket {self._bucket}")
        return open_comparables(found[0], manifest)

    def champion(self) -> tuple[Pointer, str] | None:
        """Return the pointer and its ETag, or None before the first promotion."""
        return self._pointer(CHAMPION_KEY)

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

    def challenger(self) -> tuple[Pointer, str] | None:
        """Return the pointer to what is scored in shadow and its ETag, or None where nothing is."""
        return self._pointer(CHALLENGER_KEY)

    def point_challenger(self, pointer: Pointer) -> None:
        """Have a version scored in shadow, in the place of any other; safe to repeat."""
        body = encode(pointer)
        while (standing := self.read(CHALLENGER_KEY)) is None or standing[0] != body:
            if self._put(CHALLENGER_KEY, body, **({"IfMatch": standing[1]} if standing else {"IfNoneMatch": "*"})):
                return

    def end_challenger(self, reviewed: Pointer) -> None:
        """Have this version no longer scored in shadow; one that came meanwhile stays."""
        standing = self.challenger()
        if standing is not None and standing[0] == reviewed:
            self._objects.delete(CHALLENGER_KEY, standing[1])

    def _pointer(self, key: str) -> tuple[Pointer, str] | None:
        found = self.read(key)
        return None if found is None else (msgspec.json.decode(found[0], type=Pointer), found[1])

    def _put(self, key: str, body: bytes, **condition: str) -> bool:
        return self._objects.put(key, body, ContentType=_content_type(key), **condition) is not None


def _content_type(key: str) -> str:
    return "application/json" if key.endswith(".json") else "application/octet-stream"


def open_comparables(content: bytes, manifest: Manifest) -> Comparables:
    """Return the comparables in a file; raises `Failure` where they are not what the manifest says."""
    try:
        return Comparables.of_version(content, manifest)
    except ContractMismatch as error:
        raise Failure(f"version {manifest.version}: {error}") from error


def sha256(manifest: bytes) -> str:
    """Return the hash by which a pointer knows a manifest."""
    return hashlib.sha256(manifest).hexdigest()


def parse(manifest: bytes) -> Manifest:
    """Return a manifest; raises `Failure` where it is none."""
    try:
        return msgspec.json.decode(manifest, type=Manifest)
    except msgspec.DecodeError as error:
        raise Failure(f"not a manifest: {error}") from error
