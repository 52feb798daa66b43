"""The models that S3 points to: polled, checked beside the one that serves, then swapped."""

import hashlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from botocore.exceptions import ClientError

from lambdas.scoring.threads import Threads
from pricing import model
from pricing.manifest import CHAMPION_KEY, ContractMismatch, Pointer, manifest_key, model_key
from pricing.model import Model, TooSlow

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


# Seconds that a batch waits for another model, and for a first one. With a challenger, which may cost it PATIENCE
# twice, that is less than the least time limit leaves beside the deadline's margin.
PATIENCE, START = 1.0, 10.0
MOST_BYTES = 200 * 1024 * 1024  # of an object; a model that is fit to serve has a few


class _Found(NamedTuple):
    """What a pointer was found to name: a model that can serve, if any, and what is wrong with the one it names."""

    etag: str
    model: Model | None
    problem: ContractMismatch | None


class PointedModel:
    """The model that a pointer in S3 names, as fresh as `poll_seconds`.

    `model` changes only after another one was loaded whole and proved itself; while anything about that one
    is wrong, or the pointer is gone, `model` stays and `refused` says why. The pointer is read, and what it names
    loaded, beside the batches that come, one look at a time: nobody waits for a look longer than `PATIENCE`, or
    than `START` where there is no model yet that somebody needs.
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
        self._looking: Future[_Found | None] | None = None
        self._next_poll = clock()
        self.model: Model | None = None
        self.refused: str | None = None

    def follow(self, *, needed: bool = False) -> None:
        """Look at the pointer, if it is time to, and take what was found; never raises.

        A model that is `needed` is looked for at once where there is none.
        """
        self._take(0)
        starting = needed and self.model is None
        begins = self._looking is None and (starting or self._clock() >= self._next_poll)
        if begins:
            self._next_poll = self._clock() + self._poll_seconds
            self._looking = self._pool.submit(self._look, self._etag, first=self.model is None)
        if begins or starting:
            self._take(START if starting else PATIENCE)

    def _take(self, patience: float) -> None:
        if self._looking is None:
            return
        try:
            self._looking.exception(timeout=patience)
        except TimeoutError:
            self.refused = f"what {self._key} names is still being loaded"
            return
        looked, self._looking = self._looking, None
        try:
            self._serve(looked.result())
        except Exception as error:  # noqa: BLE001 - nothing about another model may stop the one that serves
            self.refused = _told(error)

    def _serve(self, found: _Found | None) -> None:
        if found is not None:
            self.model = found.model or self.model
            if found.problem and not isinstance(found.problem, TooSlow):
                raise found.problem
            self._etag = found.etag  # also of a model that is too slow: it would be as slow at the next poll
            self._verdict = _told(found.problem) if found.problem else None
        self.refused = self._verdict

    def _look(self, etag: str, *, first: bool) -> _Found | None:
        """Return what the pointer names, unless it still has this ETag."""
        changed = self._changed_pointer(etag)
        if changed is None:
            return None
        etag, pointer = changed
        try:
            return _Found(etag, self._load(pointer.version, pointer.manifest_sha256), None)
        except ContractMismatch as error:  # a start while the pointer names a broken version
            before = self._load(pointer.previous) if first and pointer.previous else None
            return _Found(etag, before, error)

    def _changed_pointer(self, etag: str) -> tuple[str, Pointer] | None:
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=self._key, IfNoneMatch=etag)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"304", "NotModified"}:
                return None
            raise
        return reply["ETag"], msgspec.json.decode(_content(self._key, reply), type=Pointer)

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
            return _content(key, self._s3.get_object(Bucket=self._bucket, Key=key))
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise ContractMismatch(f"{key} is missing") from error
            raise


def _content(key: str, reply: Mapping[str, Any]) -> bytes:
    if reply["ContentLength"] > MOST_BYTES:
        raise ContractMismatch(f"{key}: {reply['ContentLength']:,} bytes, at most {MOST_BYTES:,} are read")
    content: bytes = reply["Body"].read()
    return content


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


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
        self._pointed.follow(needed=True)
        if self._pointed.model is None:
            raise NoChampion(f"{self._where}: {self._pointed.refused}")
        return self._pointed.model

    @property
    def refused(self) -> str | None:
        """Why the version that the pointer names does not serve; None where it does."""
        return self._pointed.refused
