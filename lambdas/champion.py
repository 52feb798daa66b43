"""The models that S3 points to: polled, checked beside the one that serves, then swapped."""

import hashlib
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.threads import Threads
from pricing import model
from pricing.manifest import CHAMPION_KEY, Pointer, manifest_key, model_key
from pricing.model import ContractMismatch, Model, TooSlow

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


PATIENCE = 1.0  # seconds that a batch waits for another model
# What is not JSON, or nested beyond reason, comes as one of the last two.
_REFUSALS = (BotoCoreError, ClientError, ContractMismatch, ValueError, RecursionError)


class _Loading(NamedTuple):
    etag: str
    version: str
    outcome: "Future[tuple[Model, ContractMismatch | None]]"


class PointedModel:
    """The model that a pointer in S3 names, as fresh as `poll_seconds`.

    `model` changes only after another one was loaded whole and proved itself; while anything about that one
    is wrong, or the pointer is gone, `model` stays and `refused` says why. Where there is a model already,
    nobody waits for another one longer than `PATIENCE`: it is loaded beside the batches that come.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        key: str,
        *,
        poll_seconds: float,
        clock: Callable[[], float],
        pool: Executor | None = None,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._pool = pool or Threads()
        self._etag = '"none yet"'  # of the pointer that was dealt with
        self._verdict: str | None = None  # on it
        self._loading: _Loading | None = None
        self._next_poll = clock()
        self.model: Model | None = None
        self.refused: str | None = None

    def follow(self, *, at_once: bool = False, wait: bool = False) -> None:
        """Look at the pointer, if it is time to, or at once; `wait` for what it names, however long that takes."""
        try:
            if at_once or self._clock() >= self._next_poll:
                self._poll()
                self._adopt(None if wait else PATIENCE)
            else:
                self._adopt(0)
        except _REFUSALS as error:
            self.refused = f"{type(error).__name__}: {error}"

    def _poll(self) -> None:
        try:
            found = self._changed_pointer(self._loading.etag if self._loading else self._etag)
        finally:
            self._next_poll = self._clock() + self._poll_seconds
        if found is None:
            self.refused = self._verdict
            return
        etag, pointer = found
        self._loading = _Loading(etag, pointer.version, self._pool.submit(self._follow, pointer, first=not self.model))

    def _adopt(self, patience: float | None) -> None:
        if self._loading is None:
            return
        loading = self._loading
        done, _ = futures.wait([loading.outcome], timeout=patience)
        if not done:
            self.refused = f"version {loading.version} is still being loaded"
            return
        self._loading = None
        try:
            self.model, problem = loading.outcome.result()
            if problem:
                raise problem
            self._verdict = None
        except TooSlow as error:  # it would be as slow at the next poll
            self._verdict = f"{type(error).__name__}: {error}"
        self._etag, self.refused = loading.etag, self._verdict

    def _follow(self, pointer: Pointer, *, first: bool) -> tuple[Model, ContractMismatch | None]:
        try:
            return self._load(pointer.version, pointer.manifest_sha256), None
        except ContractMismatch as error:
            if not (first and pointer.previous):
                raise
            return self._load(pointer.previous), error  # a start while the pointer names a broken version

    def _changed_pointer(self, etag: str) -> tuple[str, Pointer] | None:
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=self._key, IfNoneMatch=etag)
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
        pool: Executor | None = None,
    ) -> None:
        self._pointed = PointedModel(s3, bucket, CHAMPION_KEY, poll_seconds=poll_seconds, clock=clock, pool=pool)
        self._where = f"s3://{bucket}/{CHAMPION_KEY}"

    def current(self) -> Model:
        """Return the model to price with; raises `NoChampion`."""
        nothing = self._pointed.model is None
        self._pointed.follow(at_once=nothing, wait=nothing)
        if self._pointed.model is None:
            raise NoChampion(f"{self._where}: {self._pointed.refused}")
        return self._pointed.model

    @property
    def refused(self) -> str | None:
        """Why the version that the pointer names does not serve; None where it does."""
        return self._pointed.refused
