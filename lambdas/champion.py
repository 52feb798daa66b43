"""The champion: polled, checked beside the one that serves, then swapped."""

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


class NoChampion(Exception):
    """There is no model to price with; the batch must stay in the stream."""


class Champion:
    """The model that the champion pointer in S3 names, as fresh as `poll_seconds`.

    A new champion serves only after it was loaded whole and proved itself; until then, and whenever
    anything about it is wrong, the last good one goes on serving and `refused` says why.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        *,
        poll_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._model: Model | None = None
        self._etag = '"none yet"'
        self._next_poll = clock()
        self.refused: str | None = None  # why the pointed-to version does not serve

    def current(self) -> Model:
        """Return the model to price with; raises `NoChampion`."""
        if self._model is None or self._clock() >= self._next_poll:
            self._poll()
            self._next_poll = self._clock() + self._poll_seconds
        if self._model is None:
            raise NoChampion(f"s3://{self._bucket}/{CHAMPION_KEY}: {self.refused}")
        return self._model

    def _poll(self) -> None:
        try:
            found = self._changed_pointer()
            if found is not None:
                etag, pointer = found
                self._model = self._load(pointer)
                self._etag = etag
            self.refused = None
        except (BotoCoreError, ClientError, ContractMismatch, msgspec.DecodeError) as error:
            self.refused = f"{type(error).__name__}: {error}"

    def _changed_pointer(self) -> tuple[str, Pointer] | None:
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=CHAMPION_KEY, IfNoneMatch=self._etag)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"304", "NotModified"}:
                return None
            raise
        return reply["ETag"], msgspec.json.decode(reply["Body"].read(), type=Pointer)

    def _load(self, pointer: Pointer) -> Model:
        manifest = self._read(manifest_key(pointer.version))
        found = hashlib.sha256(manifest).hexdigest()
        if found != pointer.manifest_sha256:
            raise ContractMismatch(f"manifest.json: expected sha256 {pointer.manifest_sha256}, got {found}")
        loaded = model.load(self._read(model_key(pointer.version)), manifest)
        if loaded.manifest.version != pointer.version:
            raise ContractMismatch(
                f"manifest.json: expected version {pointer.version}, got {loaded.manifest.version}"
            )
        return loaded

    def _read(self, key: str) -> bytes:
        body: Any = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
        content: bytes = body.read()
        return content
