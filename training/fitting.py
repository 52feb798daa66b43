"""A candidate fitted on the training part, calibrated, exported and measured; before it has a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from pricing.manifest import Offsets
from training.candidates import CANDIDATES
from training.conformal import calibrate, inner_parts, out_of_fold
from training.data import Dataset
from training.evaluate import figures, rows_of
from training.export import Parity, check_parity, run_onnx
from training.groups import split
from training.params import Params
from training.parts import Part, Pricer, Rows, prepare
from training.search import Inner


@dataclass(frozen=True, slots=True)
class Workbench:
    """A file, split and encoded once for all that is tried on it."""

    data: Dataset
    training: Rows
    test: Rows
    whole: Part
    inner: Inner


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model whose ONNX file agrees with scikit-learn on every row of its file."""

    pricer: Pricer
    model: bytes
    offsets: Offsets
    figures: Mapping[str, Any]
    parity: Parity


def one_thread() -> threadpool_limits:
    """Keep the learners on one thread: sums then keep their order, and busy machines do not stall them."""
    return threadpool_limits(1)


def lay_out(data: Dataset, params: Params) -> Workbench:
    """Split a file by group and encode its training part, whole and by fold."""
    rows = rows_of(data)
    held = split(data.groups, params.seed, params.split.test_share)
    training = rows.take(~held)
    return Workbench(
        data,
        training,
        rows.take(held),
        prepare(training, params, params.seed),
        inner_parts(training, params, params.seed),
    )


def fit(bench: Workbench, params: Params, candidate: str) -> Fitted:
    """Fit a candidate; raises `Failure` where ONNX and scikit-learn differ on any row of the file."""
    recipe = CANDIDATES[candidate]
    said = out_of_fold(recipe, bench.training, bench.inner, params)
    offsets = calibrate(said, bench.training.log_price, params)
    pricer = recipe(bench.whole, params)
    model = pricer.onnx()
    parity = check_parity(pricer, model, bench.data.frame, params.export.parity)
    return Fitted(pricer, model, offsets, figures(run_onnx(model, bench.test.frame), offsets, bench.test), parity)
