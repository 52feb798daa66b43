"""The model: an ONNX graph that turns columns of features into log prices, and its manifest.

`load` proves that a model is the one its manifest speaks of and that it still says what it said
when it was exported; `Model.predict` prices a batch in one run.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from threading import Event, Thread, get_ident
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pricing.answer.columns import Columns, columns_of
from pricing.answer.interval import CLASSES, Intervals, Predicted
from pricing.answer.warnings import Warnings
from pricing.listing import Decode, Features, Listing, decoder, features, listing_type
from pricing.manifest import ContractMismatch, Manifest, Offsets
from pricing.prediction import Confidence

GOLDEN_TOLERANCE = 1e-5  # of a log price: about 1e-5 of the price

GOLDEN_BATCH = 1_000  # listings at least: what runs on a few rows may fail, or take for ever, on a batch
GOLDEN_SECONDS = 1.0  # of CPU; a model that is fit to serve needs milliseconds

_ONNX_TYPES = {"string": "tensor(string)", "float32": "tensor(float)"}


class TooSlow(ContractMismatch):
    """A model that would hold up the stream."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a batch, float64 of shape (N,), rounded to cents; all NaN where not scorable.

    `confidence`: a class of `CLASSES` for each, None where the model does not say.
    """

    price: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: Sequence[Confidence | None]

    def __iter__(self) -> Iterator[tuple[float, float, float, Confidence | None]]:
        """Yield price, low, high and confidence of one listing after the other."""
        amounts = (column.tolist() for column in (self.price, self.low, self.high))
        return zip(*amounts, self.confidence, strict=True)


@dataclass(frozen=True, slots=True)
class Priced:
    """N listings in their order: what the model knows of them, their prices, and what to warn of (() for nothing).

    The warnings are those of `pricing.answer.warnings`.
    """

    homes: list[Features]
    prices: Prices
    warnings: list[tuple[str, ...]]

    def take(self, rows: list[int]) -> "Priced":
        """Return those of some of the rows."""
        said = self.prices
        confidence = [said.confidence[row] for row in rows]
        prices = Prices(said.price[rows], said.low[rows], said.high[rows], confidence)
        return Priced([self.homes[row] for row in rows], prices, [self.warnings[row] for row in rows])


class Model:
    """A verified model, ready to predict; safe to share between threads."""

    def __init__(self, session: onnxruntime.InferenceSession, manifest: Manifest) -> None:
        self.manifest = manifest
        self._session = session
        self._numbers = [column.name for column in manifest.inputs if column.type == "float32"]
        texts = [column.name for column in manifest.inputs if column.type == "string"]
        self._keys = {name: manifest.names.key(name) for name in texts}
        own = manifest.market.columns if manifest.market else {}
        self._own = frozenset(own)
        self.decode: Decode = decoder(own)
        self.listing_type = listing_type(own)  # of the market's listings
        self._warnings = Warnings(manifest)
        self._intervals = Intervals(manifest.interval)

    def price(self, listings: Sequence[Listing]) -> Priced:
        """Price listings as they come, in one run of the model, and say what to warn of."""
        columns = columns_of(map(features, listings, repeat(self.manifest.market)))
        prices = self._prices(self._predicted(columns))
        return Priced(columns.homes, prices, self._warnings.of(listings, columns, prices.price))

    def predict(self, homes: Sequence[Features], options: onnxruntime.RunOptions | None = None) -> Prices:
        """Price a batch in one run of the model. Setting `options.terminate` ends the run with an error."""
        return self._prices(self.predicted(homes, options))

    def _prices(self, found: Predicted) -> Prices:
        with np.errstate(over="ignore"):
            prices = np.exp([found.log_price, found.low, found.high]).round(2)
        usable = ((prices > 0) & (prices < np.inf)).all(axis=0)
        price, low, high = np.where(usable, prices, np.nan)
        return Prices(price, low, high, self._intervals.classes(found))

    def predicted(self, homes: Sequence[Features], options: onnxruntime.RunOptions | None = None) -> Predicted:
        """Return the log prices of a batch with their intervals, in one run as `predict` does."""
        return self._predicted(columns_of(homes), options)

    def log_prices(
        self, homes: Sequence[Features], options: onnxruntime.RunOptions | None = None
    ) -> NDArray[np.float64]:
        """Return the log prices of a batch, shape (N,), in one run as `predict` does."""
        return self.predicted(homes, options).log_price

    def _predicted(self, columns: Columns, options: onnxruntime.RunOptions | None = None) -> Predicted:
        homes = columns.homes
        if not homes:
            return self._intervals.around(np.empty(0))
        fed: dict[str, Any] = {}
        for name, key in self._keys.items():
            written = _own_texts(name, homes) if name in self._own else columns.texts[name]
            fed[name] = np.array(list(map(key, written)), dtype=np.object_)[:, None]
        for name in self._numbers:
            numbers = _own_numbers(name, homes) if name in self._own else columns.numbers[name]
            fed[name] = numbers.astype(np.float32)[:, None]
        said = [each.astype(np.float64).reshape(len(homes)) for each in self._session.run(None, fed, options)]
        return self._intervals.around(*said)


def _own_texts(name: str, homes: Sequence[Features]) -> list[str]:
    return [str((each.more or {}).get(name, "")) for each in homes]


def _own_numbers(name: str, homes: Sequence[Features]) -> NDArray[np.float64]:
    return np.array([(each.more or {}).get(name, np.nan) for each in homes], dtype=np.float64)


def load(model: bytes, manifest: bytes) -> Model:
    """Return the model if its hash, its inputs and its golden rows are what the manifest says.

    The golden rows are priced alone and in a batch of a thousand. Raises `ContractMismatch` otherwise: `TooSlow`
    where that takes more than a second of CPU, after which it is ended.
    """
    try:
        contract = msgspec.json.decode(manifest, type=Manifest)
    except (ValueError, RecursionError) as error:  # msgspec's, and those of text that is not UTF-8 or nested too deep
        raise ContractMismatch(f"manifest: {error}") from error
    found = hashlib.sha256(model).hexdigest()
    if found != contract.sha256:
        raise ContractMismatch(f"model.onnx: expected sha256 {contract.sha256}, got {found}")
    try:
        session = onnxruntime.InferenceSession(model, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class but this
        raise ContractMismatch(f"model.onnx: {error}") from error
    _check_signature(session, contract)
    _check_interval(contract.interval)
    ready = Model(session, contract)
    _check_golden_rows(ready)
    return ready


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a function has one core, and sums keep their order
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # its errors come as exceptions; they need not be printed as well
    return options


def _check_signature(session: onnxruntime.InferenceSession, contract: Manifest) -> None:
    known = {*Features.__struct_fields__, *(contract.market.columns if contract.market else {})} - {"more"}
    for column in contract.inputs:
        if column.name not in known:
            raise ContractMismatch(f"input {column.name}: no feature of a listing")
    graph = {node.name: node.type for node in session.get_inputs()}
    declared = {column.name: _ONNX_TYPES[column.type] for column in contract.inputs}
    if graph != declared:
        raise ContractMismatch(f"inputs: manifest says {declared}, model.onnx says {graph}")
    outputs = [node.type for node in session.get_outputs()]
    expected = ["log prices", "expected errors"] if contract.interval.classes else ["log prices"]
    if outputs != ["tensor(float)"] * len(expected):
        raise ContractMismatch(f"outputs: expected {' and '.join(expected)} as tensor(float), got {outputs}")


def _check_interval(interval: Offsets) -> None:
    bands = len(interval.edges) + 1
    if len(interval.low) != bands or len(interval.high) != bands:
        raise ContractMismatch(f"interval: expected {bands} offsets low and high, one for each band")
    if not 0 < interval.coverage < 1:
        raise ContractMismatch(f"interval: expected a coverage between 0 and 1, got {interval.coverage}")
    if interval.edges != sorted(interval.edges):
        raise ContractMismatch(f"interval: expected edges in ascending order, got {interval.edges}")
    if interval.classes and (len(interval.classes) != len(CLASSES) - 1 or interval.classes != sorted(interval.classes)):
        raise ContractMismatch(f"interval: expected {len(CLASSES) - 1} edges of classes, got {interval.classes}")
    for low, high in zip(interval.low, interval.high, strict=True):
        if low > high:
            raise ContractMismatch(f"interval: expected low <= high, got {low} and {high}")


def _check_golden_rows(model: Model) -> None:
    golden = model.manifest.golden
    if not golden:
        raise ContractMismatch("golden: no rows to check the model by")
    one, many = golden[:1], golden * -(-GOLDEN_BATCH // len(golden))
    rows = one + many
    with _cpu_limit(GOLDEN_SECONDS) as options:
        try:
            said = [model.predicted([row.features for row in batch], options) for batch in (one, many)]
        except Exception as error:  # as above
            raise ContractMismatch(f"golden rows do not run: {error}") from error
    sizes = {"expected_error": "error size"} if model.manifest.interval.classes else {}
    for name, what in ({"log_price": "log price"} | sizes).items():
        predicted = np.concatenate([getattr(each, name) for each in said])
        expected = np.array([getattr(row, name) for row in rows], dtype=np.float64)
        wrong = np.flatnonzero(~(np.abs(predicted - expected) <= GOLDEN_TOLERANCE))  # a NaN is wrong, too
        if wrong.size:
            first = int(wrong[0])
            row = golden.index(rows[first])
            raise ContractMismatch(f"golden row {row}: expected {what} {expected[first]}, got {predicted[first]}")


@contextmanager
def _cpu_limit(seconds: float) -> Iterator[onnxruntime.RunOptions]:
    """Yield options that end runs once this thread has had some seconds of CPU; then raise `TooSlow`."""
    options = onnxruntime.RunOptions()
    clock = time.pthread_getcpuclockid(get_ident())  # other threads may be pricing batches meanwhile
    until = time.clock_gettime(clock) + seconds
    over = Event()

    def watch() -> None:
        while not over.wait(0.05):
            options.terminate = time.clock_gettime(clock) > until

    watching = Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield options
    finally:
        over.set()
        watching.join()
        if options.terminate:
            raise TooSlow(f"golden rows: {GOLDEN_BATCH:,} listings take more than {seconds:g} s of CPU")
