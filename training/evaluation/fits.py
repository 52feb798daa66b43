"""Fits side by side, each made once: what one candidate's learners have learnt, the next need not learn again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

from training.model.candidates import Candidate, Learn, Recipe
from training.model.cores import ALONE, Cores
from training.model.ensemble import Learner
from training.model.training_part import Pricer, TrainingPart
from training.params import Params

Asked = tuple[Candidate, TrainingPart, Params]


@dataclass(frozen=True, slots=True)
class Step:
    """A learner, what it learns from, and its knobs; called, it is fitted."""

    fit: Learn
    part: TrainingPart
    knobs: Any

    def __call__(self) -> Learner:
        """Fit the learner."""
        return self.fit(self.part, self.knobs)


class Fits:
    """Fits candidates on some cores; a learner with the same knobs is fitted to the same part once."""

    def __init__(self, cores: Cores = ALONE) -> None:
        """Fit on these cores."""
        self.cores = cores
        self._made: dict[Step, Learner] = {}

    def pricers(self, asked: Sequence[Asked], *, keep: bool = True) -> list[Pricer]:
        """Return a pricer for each candidate, part and knobs asked for; `keep` the learners for those who ask next.

        A candidate that is no `Recipe` is fitted whenever it is asked for.
        """
        steps = [_steps(*each) for each in asked]
        in_turn = (step for row in zip_longest(*steps) for step in row if step)  # those first that take longest
        new = [step for step in dict.fromkeys(in_turn) if step not in self._made]
        works: list[Callable[[], Any]] = list(new)
        works += [partial(fit, part, params) for fit, part, params in asked if not isinstance(fit, Recipe)]
        done = self.cores.run(works)
        made, others = self._made | dict(zip(new, done, strict=False)), iter(done[len(new) :])
        if keep:
            self._made = made
        return [
            candidate.of(part, [made[step] for step in its], params) if isinstance(candidate, Recipe) else next(others)
            for (candidate, part, params), its in zip(asked, steps, strict=True)
        ]


def _steps(candidate: Candidate, part: TrainingPart, params: Params) -> list[Step]:
    learners = candidate.learners if isinstance(candidate, Recipe) else ()
    return [Step(fit, part, getattr(params, knobs)) for fit, knobs in learners]
