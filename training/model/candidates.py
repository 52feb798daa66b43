"""The models that compete, each a few lines: fitted with scikit-learn, written as one ONNX graph.

All learn the log price from inputs that are float32 from the start: a threshold found between doubles would
send some floats down the wrong branch in serving.
"""

from collections.abc import Callable

from sklearn.linear_model import ElasticNet
from threadpoolctl import threadpool_limits

from training.model.baseline import linear
from training.model.ensemble import Ensemble, Smooth, Trees
from training.model.features import COLUMNS
from training.model.kernel import LandmarkKernelRidge
from training.model.smoothing import fit_smoothing, smooth
from training.model.training_part import Pricer, TrainingPart
from training.model.trees import fit_boosting
from training.params import Params

# A room more at the same area makes a home dearer, if anything: of two columns one rises with it, and one falls.
MONOTONE = {"rooms": 1, "area_per_room": -1}

Candidate = Callable[[TrainingPart, Params], Pricer]


def elastic_net(part: TrainingPart, params: Params) -> Ensemble:
    """A linear model on everything the others read, logged and standardised."""
    return Ensemble(part.levels, (_fit_elastic_net(part, params),))


def boosting(part: TrainingPart, params: Params) -> Ensemble:
    """Gradient boosting on squared errors of the log price."""
    return Ensemble(part.levels, (_fit_boosting(part, params),))


def kernel(part: TrainingPart, params: Params) -> Ensemble:
    """Kernel ridge regression on landmarks."""
    return Ensemble(part.levels, (_fit_kernel(part, params),))


def averaged(part: TrainingPart, params: Params) -> Ensemble:
    """A weighted mean of the boosting and the kernel: steps and slopes err in different places."""
    share = params.trees_share
    return Ensemble(part.levels, (_fit_boosting(part, params), _fit_kernel(part, params)), (share, 1 - share))


def _fit_boosting(part: TrainingPart, params: Params) -> Trees:
    monotone = [MONOTONE.get(name, 0) for name in COLUMNS]
    monotone += [0] * (part.columns.shape[1] - len(COLUMNS))  # what a market's own columns do, nobody can say
    return Trees(fit_boosting(part.columns, part.log_price, params.boosting, part.seed, monotone))


def _fit_kernel(part: TrainingPart, params: Params) -> Smooth:
    knobs = params.kernel
    smoothing = fit_smoothing(part.columns)
    learner = LandmarkKernelRidge(knobs.landmarks, knobs.gamma, knobs.alpha, part.seed)
    return Smooth(smoothing, learner.fit(smooth(part.columns, smoothing), part.log_price))


def _fit_elastic_net(part: TrainingPart, params: Params) -> Smooth:
    knobs = params.elastic_net
    smoothing = fit_smoothing(part.columns)
    learner = ElasticNet(alpha=knobs.alpha, l1_ratio=knobs.l1_ratio, max_iter=20_000)
    return Smooth(smoothing, learner.fit(smooth(part.columns, smoothing), part.log_price))


CANDIDATES: dict[str, Candidate] = {
    "linear": linear,
    "elastic_net": elastic_net,
    "boosting": boosting,
    "kernel": kernel,
    "averaged": averaged,
}
BASELINE = "linear"
CHAMPION = "averaged"


def one_thread() -> threadpool_limits:
    """Keep the learners on one thread: sums then keep their order, and busy machines do not stall them."""
    return threadpool_limits(1)
