"""The models that compete, each a few lines: fitted with scikit-learn, written as one ONNX graph.

All learn the log price from inputs that are float32 from the start: a threshold found between doubles would
send some floats down the wrong branch in serving.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.linear_model import ElasticNet
from threadpoolctl import threadpool_limits

from training.model.baseline import linear
from training.model.ensemble import Ensemble, Learner, Smooth, Trees
from training.model.features import COLUMNS
from training.model.kernel import LandmarkKernelRidge
from training.model.smoothing import fit_smoothing, smooth
from training.model.training_part import Pricer, TrainingPart
from training.model.trees import fit_boosting
from training.params import Boosting, ElasticNetParams, Kernel, Params

# A room more at the same area makes a home dearer, if anything: of two columns one rises with it, and one falls.
MONOTONE = {"rooms": 1, "area_per_room": -1}

Candidate = Callable[[TrainingPart, Params], Pricer]
Learn = Callable[[TrainingPart, Any], Learner]  # from a part, with a learner's own knobs


@dataclass(frozen=True, slots=True)
class Recipe:
    """A candidate that is the mean of learners, each of which can be fitted alone.

    `learners`: how each is fitted, those first that take longest, and what its knobs are called in `Params`.
    """

    learners: tuple[tuple[Learn, str], ...]
    shares: Callable[[Params], tuple[float, ...]] = lambda _: (1.0,)

    def __call__(self, part: TrainingPart, params: Params) -> Ensemble:
        """Fit all learners."""
        return self.of(part, [fit(part, getattr(params, knobs)) for fit, knobs in self.learners], params)

    def of(self, part: TrainingPart, fitted: Sequence[Learner], params: Params) -> Ensemble:
        """Return the model of learners that have been fitted on a part."""
        return Ensemble(part.levels, tuple(fitted), self.shares(params))


def fit_trees(part: TrainingPart, knobs: Boosting) -> Trees:
    """Fit a gradient boosting on squared errors of the log price."""
    monotone = [MONOTONE.get(name, 0) for name in COLUMNS]
    monotone += [0] * (part.columns.shape[1] - len(COLUMNS))  # what a market's own columns do, nobody can say
    return Trees(fit_boosting(part.columns, part.log_price, knobs, part.seed, monotone))


def fit_kernel(part: TrainingPart, knobs: Kernel) -> Smooth:
    """Fit a kernel ridge regression on landmarks."""
    smoothing = fit_smoothing(part.columns)
    learner = LandmarkKernelRidge(knobs.landmarks, knobs.gamma, knobs.alpha, part.seed)
    return Smooth(smoothing, learner.fit(smooth(part.columns, smoothing), part.log_price))


def fit_elastic_net(part: TrainingPart, knobs: ElasticNetParams) -> Smooth:
    """Fit a linear model on everything the others read, logged and standardised."""
    smoothing = fit_smoothing(part.columns)
    learner = ElasticNet(alpha=knobs.alpha, l1_ratio=knobs.l1_ratio, max_iter=20_000)
    return Smooth(smoothing, learner.fit(smooth(part.columns, smoothing), part.log_price))


def _shares(params: Params) -> tuple[float, float]:
    return params.trees_share, 1 - params.trees_share


elastic_net = Recipe(((fit_elastic_net, "elastic_net"),))
boosting = Recipe(((fit_trees, "boosting"),))
kernel = Recipe(((fit_kernel, "kernel"),))
# A weighted mean of the boosting and the kernel: steps and slopes err in different places.
averaged = Recipe(((fit_trees, "boosting"), (fit_kernel, "kernel")), _shares)

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
