"""The models that S3 points to: polled, checked beside the one that serves, then swapped."""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from botocore.exceptions import ClientError

from lambdas.aws.errors import is_absent, is_unchanged
from lambdas.scoring.threads import Threads
from pricing import model
from pricing.manifest import CHAMPION_KEY, ContractMismatch, Pointer, manifest_key, model_key
from pricing.model import Model, TooSlow

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


# Seconds that a batch waits for another model, and for a first one. With a challenger, which may cost it LOOK_WAIT
# twice, that is less than the least time limit leaves beside the deadline's margin.
LOOK_WAIT, START_WAIT = 1.0, 10.0
POLL_SECONDS = 10.0  # between looks at a pointer
MOST_BYTES = 200 * 1024 * 1024  # of an object; a model that is fit to serve has a few


class _Look(NamedTuple):
    """What a look at a pointer found: a model that can serve, if any, and why what it names does not serve.

    `etag` is the pointer's where it is dealt with: it need not be looked at again before it moves. Anything else may be
    mended where it stands.
    """

    model: Model | None = None
    refused: str | None = None
    etag: str | None = None
    absent: bool = False  # there is no pointer
    failed: bool = False  # nobody knows what the pointer names


class PointedModel:
    """The model that a pointer in S3 names, as fresh as `poll_seconds`.

    `model` changes only after another one was loaded whole and proved itself; while anything about that one
    is wrong, or the pointer is gone, `model` stays and `refused` says why. The pointer is read, and what it names
    loaded, beside the batches that come, one look at a time: nobody waits for a look longer than `LOOK_WAIT`, or
    than `START_WAIT` where there is no model yet that somebody needs.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        key: str,
        *,
        poll_seconds: float,
        clock: Callable[[], float],
        pool: Executor,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._pool = pool
        self._settled = _Look(etag='"none yet"')
        self._looking: Future[_Look] | None = None
        self._polled_at = -math.inf
        self.model: Model | None = None
        self.refused: str | None = None
        self.absent = False
        self.failed = False

    def follow(self, *, needed: bool = False) -> None:
        """Look at the pointer, if it is time to, and take what was found; never raises.

        A model that is `needed` is looked for at once where there is none.
        """
        self._take(0)
        starting = needed and self.model is None
        since = self._clock() - self._polled_at
        begins = self._looking is None and (starting or not 0 <= since < self._poll_seconds)  # clocks are set back, too
        if begins:
            self._polled_at = self._clock()
            self._looking = self._pool.submit(self._look, self._settled, first=self.model is None)
        if begins or starting:
            self._take(START_WAIT if starting else LOOK_WAIT)

    def distrust(self) -> None:
        """Let no model serve until the pointer was looked at anew; what it named last need not be loaded again."""
        self.model, self._looking, self._polled_at = None, None, -math.inf

    def _take(self, wait: float) -> None:
        if self._looking is None:
            return
        try:
            error = self._looking.exception(timeout=wait)
        except TimeoutError:
            self.refused = f"what {self._key} names is still being loaded"
            return
        look = _Look(refused=_describe(error), failed=True) if error else self._looking.result()
        self._looking = None
        self.model = look.model or self.model
        self.refused, self.absent, self.failed = look.refused, look.absent, look.failed
        if look.etag:
            self._settled = look

    def _look(self, settled: _Look, *, first: bool) -> _Look:
        """Look at the pointer, and load what it names unless it still has the ETag of the look that settled it."""
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=self._key, IfNoneMatch=settled.etag or "")
        except ClientError as error:
            if is_unchanged(error):
                return settled
            return _Look(refused=_describe(error), absent=is_absent(error), failed=not is_absent(error))
        pointer = msgspec.json.decode(_content(self._key, reply), type=Pointer)
        try:
            return _Look(self._load(pointer.version, pointer.manifest_sha256), etag=reply["ETag"])
        except ContractMismatch as error:  # a start while the pointer names a broken version
            before = self._load(pointer.previous) if first and pointer.previous else None
            # A model that is too slow would be as slow at the next poll; where nothing else serves it is tried again.
            final = isinstance(error, TooSlow) and (before is not None or not first)
            return _Look(before, _describe(error), reply["ETag"] if final else None)

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
            if is_absent(error):
                raise ContractMismatch(f"{key} is missing") from error
            raise


def _content(key: str, reply: Mapping[str, Any]) -> bytes:
    if reply["ContentLength"] > MOST_BYTES:
        raise ContractMismatch(f"{key}: {reply['ContentLength']:,} bytes, at most {MOST_BYTES:,} are read")
    content: bytes = reply["Body"].read()
    return content


def _describe(error: BaseException) -> str:
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
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = time.time,  # runs on while Lambda has frozen the process
        pool: Executor | None = None,
    ) -> None:
        self._pointed = PointedModel(
            s3, bucket, CHAMPION_KEY, poll_seconds=poll_seconds, clock=clock, pool=pool or Threads()
        )
        self._where = f"s3://{bucket}/{CHAMPION_KEY}"

    def current(self) -> Model:
        """Return the model to price with; raises `NoChampion`."""
        self._pointed.follow(needed=True)
        if self._pointed.model is None:
            raise NoChampion(f"{self._where}: {self._pointed.refused}")
        return self._pointed.model

    def prepare(self) -> None:
        """Look for the model before anybody needs it; never raises, and waits no longer than `LOOK_WAIT`."""
        self._pointed.follow()

    def distrust(self) -> None:
        """Serve nothing before the pointer was read again: time has passed that nobody measured."""
        self._pointed.distrust()

    @property
    def refused(self) -> str | None:
        """Why the version that the pointer names does not serve; None where it does."""
        return self._pointed.refused
