"""Whether a challenger may replace the champion: on listings that neither was trained on, with reasons.

It must be better by a paired bootstrap, on no slice worse by more than a margin and beyond doubt, keep its interval's
promise, agree with scikit-learn, and stay within the budget of time and size. And prices as a whole must not move
further than a market does, neither between the models nor between the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambdas.drift.ratio_study import DRAWS, drawn_weights, vertical_equity
from pricing.answer.interval import Predicted
from pricing.market import Market
from training.arrays import Log, Mask
from training.evaluation.behaviour import behaviour
from training.evaluation.bootstrap import bootstrap_means
from training.evaluation.figures import Figures, interval_figures, point_figures, width_and_coverage
from training.evaluation.price_level import LevelMove, level_move
from training.params import Judging
from training.promotion.contenders import Contender, Evidence, SecondOpinion
from training.promotion.slices import FEW, NOWHERE, moved_nowhere, slice_masks

FAIR = ("prd", "mki")  # figures that are 1 where cheap and dear homes are priced alike


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of promotion, and what was found."""

    name: str
    passed: bool
    finding: str


@dataclass(frozen=True, slots=True)
class Slice:
    """Mean absolute log errors of both on some of the listings, and their other figures there by contender.

    The challenger's error may be larger by `margin`, a fraction; it is larger by `change_low` at least, beyond doubt.
    """

    name: str
    rows: int
    margin: float
    challenger: float
    champion: float
    change_low: float
    figures: dict[str, Figures]

    @property
    def change(self) -> float:
        """Return by which fraction the challenger's error is larger."""
        return self.challenger / self.champion - 1

    @property
    def suffers(self) -> bool:
        """Return whether the challenger is worse by more than the margin, and not by chance."""
        return self.change > self.margin and self.change_low > 0


@dataclass(frozen=True, slots=True)
class PromotionVerdict:
    """What the judge found; `promote` is true where every check passed."""

    challenger: str
    champion: str | None
    rows: int
    checks: tuple[Condition, ...]
    slices: tuple[Slice, ...]
    figures: dict[str, Figures]

    @property
    def promote(self) -> bool:
        """Tell whether the challenger passed everything."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        """Return what speaks against the challenger."""
        return [f"{check.name}: {check.finding}" for check in self.checks if not check.passed]


def judge(
    challenger: Contender,
    champion: Contender | None,
    evidence: Evidence,
    knobs: Judging,
    opinion: SecondOpinion | None = None,
) -> PromotionVerdict:
    """Return the verdict; without a champion the challenger has only to keep its own promises.

    On too few listings nothing else is looked at.
    """
    enough, champion_version = _enough(evidence, knobs), champion.version if champion else None
    if not enough.passed:
        return PromotionVerdict(challenger.version, champion_version, len(evidence.log_price), (enough,), (), {})
    contenders = {"challenger": challenger} | ({"champion": champion} if champion else {})
    said = {name: each.model.predicted(evidence.features) for name, each in contenders.items()}
    predicted, actual = {name: each.log_price for name, each in said.items()}, evidence.log_price
    figures = {
        name: point_figures(actual, each.log_price) | interval_figures(actual, each) for name, each in said.items()
    }
    slices, checks = _compare(contenders, said, evidence, knobs) if champion else ([], [])
    levels = _levels(predicted, actual, champion.model.manifest.market, knobs) if champion else []
    opinions = _second_opinion(contenders, opinion, knobs) if champion and opinion else []
    checks = [
        enough,
        *checks,
        *levels,
        *opinions,
        *_intervals(figures["challenger"], knobs),
        behaves(challenger, evidence, knobs),
        _parity(challenger, knobs),
        *_budget(challenger, knobs),
    ]
    return PromotionVerdict(challenger.version, champion_version, len(actual), tuple(checks), tuple(slices), figures)


def _compare(
    contenders: Mapping[str, Contender], said: Mapping[str, Predicted], evidence: Evidence, knobs: Judging
) -> tuple[list[Slice], list[Condition]]:
    """Return champion and challenger side by side, slice by slice, and what to make of it."""
    predicted = {name: each.log_price for name, each in said.items()}
    errors = {name: np.abs(evidence.log_price - each) for name, each in predicted.items()}
    manifest = contenders["challenger"].model.manifest
    masks = slice_masks(np.mean([*predicted.values()], axis=0), evidence, manifest)
    nowhere = moved_nowhere(evidence.features)
    said_nowhere = {name: each.model.predicted(nowhere) for name, each in contenders.items()}
    compared = [(name, mask, said, knobs.slice_margin) for name, mask in masks.items()]
    compared.append((NOWHERE, masks[FEW], said_nowhere, knobs.nowhere_margin))
    level = (1 - knobs.confidence) / len(compared)
    slices = [
        _slice(name, mask, margin, evidence, each, level, knobs) for name, mask, each, margin in compared if mask.any()
    ]
    fair = no_less_fair(predicted, evidence, knobs)
    return slices, [_better(errors, evidence.groups, knobs), no_slice_suffers(slices, knobs), fair]


def _enough(evidence: Evidence, knobs: Judging) -> Condition:
    rows = len(evidence.log_price)
    return Condition("enough unseen listings", rows >= knobs.min_rows, f"{rows} of at least {knobs.min_rows}")


def _better(errors: dict[str, Log], groups: NDArray[np.str_], knobs: Judging) -> Condition:
    """Compare mean absolute log errors; groups are drawn, since their listings may be one home."""
    gain = errors["champion"] - errors["challenger"]
    low = float(np.quantile(bootstrap_means(gain, groups, knobs.draws, knobs.seed), 1 - knobs.confidence))
    scale = float(errors["champion"].mean())
    finding = (
        f"mean absolute log error {errors['challenger'].mean():.4f} against {scale:.4f}: {gain.mean() / scale:+.1%}, "
        f"at least {low / scale:+.1%} with {knobs.confidence:.0%} confidence"
    )
    return Condition("better than the champion", low > 0, finding)


def no_less_fair(predicted: Mapping[str, Log], evidence: Evidence, knobs: Judging) -> Condition:
    """Hold PRD and MKI of both against 1: a challenger may not favour cheap or dear homes more, beyond noise."""
    actual, prices = np.exp(evidence.log_price), {name: np.exp(each) for name, each in predicted.items()}
    once = np.ones((1, len(actual)), dtype=np.int64)
    weights = np.concatenate([once, drawn_weights(evidence.groups, DRAWS, knobs.seed)])
    unfair = {who: np.abs(vertical_equity(actual, each, weights) - 1) for who, each in prices.items()}
    change = unfair["challenger"] - unfair["champion"]
    low = np.quantile(change[1:], 1 - knobs.confidence, axis=0)
    worse = (change[0] > knobs.fairness_margin) & (low > 0)
    finding = ", ".join(
        f"{name.upper()} {unfair['challenger'][0, at]:.3f} from 1 against {unfair['champion'][0, at]:.3f}"
        for at, name in enumerate(FAIR)
    )
    return Condition("no less fair", not worse.any(), f"{finding} (margin {knobs.fairness_margin:.2f})")


def _levels(predicted: Mapping[str, Log], actual: Log, market: Market | None, knobs: Judging) -> list[Condition]:
    """Hold prices as a whole against the champion: the challenger's, and those of the listings that it is judged by."""
    ours = level_move(
        predicted["challenger"] - predicted["champion"], knobs.level_limit, "the champion's prices", market
    )
    theirs = level_move(
        actual - predicted["champion"], knobs.level_limit, "the champion's prices of these listings", market
    )
    return [_credible("price level", ours), _credible("credible evidence", theirs)]


def _credible(name: str, move: LevelMove) -> Condition:
    return Condition(name, move.credible, move.finding + ("" if move.credible else "; a person has to decide"))


def _second_opinion(contenders: Mapping[str, Contender], opinion: SecondOpinion, knobs: Judging) -> list[Condition]:
    """Compare the two where the challenger's file has no say, and the two files where they state the same homes."""
    found = []
    market = contenders["champion"].model.manifest.market
    if len(opinion.same_homes) >= knobs.min_slice:
        against = f"what the champion's file states for the same {len(opinion.same_homes)} homes"
        found.append(_credible("same homes", level_move(opinion.same_homes, knobs.level_limit, against, market)))
    own = opinion.own
    if len(own.log_price) < knobs.min_rows:
        return found
    predicted = {name: each.model.log_prices(own.features) for name, each in contenders.items()}
    against = "the champion's on its own test part"
    move = level_move(predicted["challenger"] - predicted["champion"], knobs.level_limit, against, market)
    residuals = {name: own.log_price - each for name, each in predicted.items()}
    errors = {name: np.abs(each - np.median(each)) for name, each in residuals.items()}  # a market may have moved since
    low = _change_low(errors["challenger"], errors["champion"], own.groups, 1 - knobs.confidence, knobs)
    change = float(errors["challenger"].mean() / errors["champion"].mean()) - 1
    finding = f"error about its median {change:+.1%} on {len(own.log_price)} listings, at least {low:+.1%}"
    worse = change > knobs.slice_margin and low > 0
    return [
        *found,
        _credible("price level on the champion's test part", move),
        Condition("no worse on the champion's test part", not worse, finding),
    ]


def _change_low(challenger: Log, champion: Log, groups: NDArray[np.str_], level: float, knobs: Judging) -> float:
    """Return by which fraction the challenger's mean error is larger at least, at a one-sided level."""
    drawn = [bootstrap_means(each, groups, knobs.draws, knobs.seed) for each in (challenger, champion)]
    return float(np.quantile(drawn[0] / np.maximum(drawn[1], 1e-12), level)) - 1


def _slice(
    name: str,
    mask: Mask,
    margin: float,
    evidence: Evidence,
    said: Mapping[str, Predicted],
    level: float,
    knobs: Judging,
) -> Slice:
    actual, here = evidence.log_price[mask], {who: each.take(mask) for who, each in said.items()}
    figures = {
        who: point_figures(actual, each.log_price) | width_and_coverage(actual, each) for who, each in here.items()
    }
    errors = {who: np.abs(actual - each.log_price) for who, each in here.items()}
    low = _change_low(errors["challenger"], errors["champion"], evidence.groups[mask], level, knobs)
    means = {who: float(each.mean()) for who, each in errors.items()}
    return Slice(name, int(mask.sum()), margin, means["challenger"], means["champion"], low, figures)


def no_slice_suffers(slices: list[Slice], knobs: Judging) -> Condition:
    """Return whether the challenger is worse by more than the margin, and beyond doubt, on no slice.

    Slices that are too small to judge are named.
    """
    judged = [each for each in slices if each.rows >= knobs.min_slice]
    small = ", ".join(f"{each.name} ({each.rows})" for each in slices if each not in judged)
    skipped = f"; too small to judge: {small}" if small else ""
    if not judged:
        return Condition("no slice suffers", passed=True, finding=f"no slice of {knobs.min_slice} listings{skipped}")
    worst = max(judged, key=lambda each: (each.suffers, each.change - each.margin))
    finding = (
        f"{worst.name}: error {worst.change:+.1%} on {worst.rows} listings, at least {worst.change_low:+.1%} "
        f"(margin {worst.margin:+.0%})"
    )
    return Condition("no slice suffers", not worst.suffers, finding + skipped)


def _intervals(figures: Figures, knobs: Judging) -> list[Condition]:
    low, high = knobs.coverage
    thirds = figures["coverage_by_price_tercile"]
    return [
        Condition("coverage", low <= figures["coverage"] <= high, f"{figures['coverage']:.3f}, wanted {low} to {high}"),
        Condition(
            "coverage in each third of prices",
            min(thirds) >= knobs.tercile_coverage,
            f"{', '.join(f'{each:.3f}' for each in thirds)}, wanted at least {knobs.tercile_coverage}",
        ),
    ]


def behaves(challenger: Contender, evidence: Evidence, knobs: Judging) -> Condition:
    """Ask for more of the same homes, a little more, and in other spelling: prices have to follow.

    Of how many homes more may lower the price by over 2 %, and a hundredth more area move it by over 5 %, `knobs` say;
    how a name is spelt may never matter.
    """
    found, limits = behaviour(challenger.model.log_prices, evidence.features), knobs.behaviour
    shares = {name: found[name]["lowered"] for name in ("more_area", "more_rooms", "more_garage")}
    shares["small_step"] = found["small_step"]["above"]
    if challenger.model.manifest.names.by == "key":  # else it knows names as they were written
        shares["spelling"] = found["spelling"]["changed"]
    passed = all(share <= limits.get(name, 0.0) for name, share in shares.items())
    said = ", ".join(
        f"{name.replace('_', ' ')} {each:.1%} (≤ {limits.get(name, 0):.0%})" for name, each in shares.items()
    )
    return Condition("behaves", passed, f"of homes, {said}")


def _parity(challenger: Contender, knobs: Judging) -> Condition:
    if challenger.parity is None:
        return Condition("parity with scikit-learn", passed=False, finding="not measured")
    finding = f"{challenger.parity:.1e} of the price, at most {knobs.parity:.0e}"
    return Condition("parity with scikit-learn", challenger.parity <= knobs.parity, finding)


def _budget(challenger: Contender, knobs: Judging) -> list[Condition]:
    took, size = challenger.microseconds, challenger.size / 1e6
    return [
        Condition("time", took <= knobs.microseconds, f"{took:.1f} µs a listing, at most {knobs.microseconds:.0f}"),
        Condition("size", size <= knobs.megabytes, f"{size:.2f} MB, at most {knobs.megabytes:.0f}"),
    ]
