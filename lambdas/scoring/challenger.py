"""The challenger, scored in shadow: whatever it does, the champion's predictions do not suffer."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from onnxruntime import RunOptions

from lambdas.scoring.champion import LOOK_WAIT, POLL_SECONDS, PointedModel
from lambdas.scoring.threads import Threads
from pricing.listing import Features
from pricing.manifest import CHALLENGER_KEY
from pricing.model import Model
from pricing.prediction import Shadow

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Challenger:
    """The model that the challenger pointer names, if any.

    A challenger that does not load, that fails or that takes longer than a second over a batch is dropped, and what it
    is at is ended: `dropped` says why, and predictions go out without a shadow until the pointer names another version.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        *,
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = time.time,  # runs on while Lambda has frozen the process
        pool: Executor | None = None,
    ) -> None:
        self._pool = pool or Threads()
        self._pointed = PointedModel(
            s3, bucket, CHALLENGER_KEY, poll_seconds=poll_seconds, clock=clock, pool=self._pool
        )
        self._failed: tuple[Model, str] | None = None  # and why
        self.dropped: str | None = None

    def shadows(self, features: Sequence[Features]) -> list[Shadow | None]:
        """Return what the challenger would say of each listing; never raises."""
        nothing: list[Shadow | None] = [None] * len(features)
        model = self._current()
        if model is None or not features:
            return nothing
        options = RunOptions()
        try:
            prices = self._pool.submit(model.predict, features, options).result(timeout=LOOK_WAIT).price.tolist()
        except Exception as error:  # noqa: BLE001 - nothing about a challenger may stop the champion
            options.terminate = True  # else it would go on, on the champion's time
            self.dropped = f"version {model.manifest.version}: {type(error).__name__}: {error}"
            self._failed = model, self.dropped
            return nothing
        version = model.manifest.version
        return [None if math.isnan(price) else Shadow(version, price) for price in prices]

    def _current(self) -> Model | None:
        self._pointed.follow()
        model, refused = self._pointed.model, self._pointed.refused
        if self._pointed.failed and model is not None:
            refused = None  # S3 did not say: what was healthy goes on
        if refused or model is None:
            self.dropped = None if self._pointed.absent else refused
            return None
        if self._failed and model is self._failed[0]:
            self.dropped = self._failed[1]
            return None
        self.dropped = None
        return model
