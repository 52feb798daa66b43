"""The champion under watch, and what its training part looked like: the `reference` of its manifest."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from lambdas.aws.objects import Objects
from pricing.learnt_homes import LearntHomes
from pricing.manifest import CHAMPION_KEY, ContractMismatch, Manifest, Pointer, homes_key, manifest_key, model_key
from pricing.reference import Reference

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from pricing.model import Model


class NothingPromoted(ContractMismatch):
    """No champion was promoted yet: there is nothing to look at, and nothing is wrong."""


class WatchedChampion(Struct, frozen=True):
    """The version that serves, since when, and what it is held against."""

    version: str
    promoted_at: datetime
    price_edges: list[float]  # of log price: the bands of its interval
    reference: Reference
    learnt: LearntHomes | None  # None where nobody has said
    manifest: Manifest


def watched_champion(s3: "S3Client", bucket: str) -> WatchedChampion:
    """Return the champion in the models bucket.

    Raises `NothingPromoted` where there is none, `ContractMismatch` where pointer and manifest do not agree or the
    manifest has no usable reference, and botocore's `ClientError` where it cannot be read.
    """
    found = Objects(s3, bucket).get(CHAMPION_KEY)
    if found is None:
        raise NothingPromoted(f"s3://{bucket}/{CHAMPION_KEY}: no champion was promoted yet")
    pointer = msgspec.json.decode(found[0], type=Pointer)
    document = _read(s3, bucket, manifest_key(pointer.version))
    digest = hashlib.sha256(document).hexdigest()
    if digest != pointer.manifest_sha256:
        raise ContractMismatch(f"manifest.json: expected sha256 {pointer.manifest_sha256}, got {digest}")
    try:
        manifest = msgspec.json.decode(document, type=Manifest)
        reference = msgspec.convert(manifest.reference, Reference)
    except msgspec.ValidationError as error:
        raise ContractMismatch(f"manifest.json of version {pointer.version}: {error}") from error
    homes = Objects(s3, bucket).get(homes_key(pointer.version))
    return WatchedChampion(
        pointer.version,
        datetime.fromisoformat(pointer.promoted_at),
        manifest.interval.edges,
        reference,
        LearntHomes.decode(homes[0]) if homes else None,
        manifest,
    )


def serving_model(s3: "S3Client", bucket: str, version: str) -> "Model":
    """Return a version as it serves; raises `ContractMismatch` or botocore's `ClientError` where it does not load."""
    from pricing.model import load  # the runtime is heavy, and needed after a promotion only

    return load(*(_read(s3, bucket, key) for key in (model_key(version), manifest_key(version))))


def _read(s3: "S3Client", bucket: str, key: str) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
