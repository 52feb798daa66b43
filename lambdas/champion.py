"""The models that S3 points to: polled, checked beside the one that serves, then swapped."""

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from pricing import model
from pricing.manifest import CHAMPION_KEY, Pointer, manifest_key, model_key
from pricing.model import ContractMismatch, Model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class PointedModel:
    """The model that a pointer in S3 names, as fresh as `poll_seconds`.

    `model` changes only after another one was loaded whole and proved itself; while anything about that one
    is wrong, or the pointer is gone, `model` stays and `refused` says why.
    """

    def __init__(
        self, s3: "S3Client", bucket: str, key: str, *, poll_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._etag = '"none yet"'
        self._next_poll = clock()
        self.model: Model | None = None
        self.refused: str | None = None

    def follow(self, *, at_once: bool = False) -> None:
        """Look at the pointer, if it is time to, or at once."""
        if not at_once and self._clock() < self._next_poll:
            return
        try:
            found = self._changed_pointer()
            if found is not None:
                etag, pointer = found
                self._swap(pointer)
                self._etag = etag
            self.refused = None
        except (BotoCoreError, ClientError, ContractMismatch, msgspec.DecodeError) as error:
            self.refused = f"{type(error).__name__}: {error}"
        self._next_poll = self._clock() + self._poll_seconds

    def _swap(self, pointer: Pointer) -> None:
        try:
            self.model = self._load(pointer.version, pointer.manifest_sha256)
        except ContractMismatch:
            if self.model is None and pointer.previous:  # a start while the pointer names a broken version
                self.model = self._load(pointer.previous)
            raise

    def _changed_pointer(self) -> tuple[str, Pointer] | None:
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=self._key, IfNoneMatch=self._etag)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"304", "NotModified"}:
                return None
            raise
        return reply["ETag"], msgspec.json.decode(reply["Body"].read(), type=Pointer)

    def _load(self, version: str, manifest_sha256: str | None = None) -> Model:
        manifest = self._read(manifest_key(version))
        found = hashlib.sha256(manifest).hexdigest()
        if manifest_sha256 not in {None, found}:
            raise ContractMismatch(f"manifest.json: expected sha256 {manifest_sha256}, got {found}")
        loaded = model.load(self._read(model_key(version)), manifest)
        if loaded.manifest.version != version:
            raise ContractMismatch(f"manifest.json: expected version {version}, got {loaded.manifest.version}")
        return loaded

    def _read(self, key: str) -> bytes:
        try:
            body: Any = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise ContractMismatch(f"{key} is missing") from error
            raise
        content: bytes = body.read()
        return content


class NoChampion(Exception):
    """There is no model to price with; the batch must stay in the stream."""


class Champion:
    """The model that prices. A new one serves at the next poll; whatever is wrong with it, the old one goes on."""

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        *,
        poll_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pointed = PointedModel(s3, bucket, CHAMPION_KEY, poll_seconds=poll_seconds, clock=clock)
        self._where = f"s3://{bucket}/{CHAMPION_KEY}"

    def current(self) -> Model:
        """Return the model to price with; raises `NoChampion`."""
        self._pointed.follow(at_once=self._pointed.model is None)
        if self._pointed.model is None:
            raise NoChampion(f"{self._where}: {self._pointed.refused}")
        return self._pointed.model

    @property
    def refused(self) -> str | None:
        """Why the version that the pointer names does not serve; None where it does."""
        return self._pointed.refused
