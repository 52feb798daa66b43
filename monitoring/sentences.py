"""The same sentences and rows for the terminal and for the page."""

from lambdas.drift.error_drift import ErrorCheck
from lambdas.drift.figures import Figures
from lambdas.drift.listing_drift import DistributionCheck
from lambdas.drift.price_drift import LEARNING, SEGMENTS, Shift
from lambdas.drift.ratio_study import outside
from lambdas.drift.watch import DriftVerdict

NAMES = {
    "area_m2": "area, m²",
    "rooms": "rooms",
    "garage_places": "garage places",
    "adm_fees": "monthly fees",
    "latitude": "latitude",
    "longitude": "longitude",
    "neighborhood": "neighbourhood",
    "street": "street",
    "log_price": "predicted price",
    "records": "records",
}
KINDS = {"performance": "sale prices", "listings": "listings"}


def percent(share: float) -> str:
    """Return a share in words of a hundred."""
    return f"{100 * share:.1f} %"


def verdict_sentence(verdict: DriftVerdict) -> str:
    """Return the verdict in one sentence."""
    what = " and ".join(KINDS[kind] for kind in verdict.drifted)
    since = f"Champion {verdict.champion}, since {verdict.promoted_at:%Y-%m-%d %H:%M} UTC"
    window = verdict.window
    parked = f" {window.parked_batches:,} batches were parked: see belo redrive." if window.parked_batches else ""
    return (
        f"{since}: {f'DRIFT of {what}' if what else 'no drift'}. {window.predictions:,} predictions and "
        f"{window.dead_letters:,} dead letters since {window.since:%Y-%m-%d %H:%M}, "
        f"{verdict.performance.sales:,} sales.{parked}"
    )


def prices_sentence(shift: Shift) -> str:
    """Return where sale prices stand."""
    if shift.statistic is None or shift.before is None or shift.now is None:
        return f"Sale prices: {shift.sales} sales of predicted homes so far; the first look is taken at {SEGMENTS[0]}."
    learning = shift.sales < LEARNING + SEGMENTS[0]
    still = f" What is usual is still being learnt, up to sale {LEARNING + SEGMENTS[0]}." if learning else ""
    moment = f" It rang at sale {shift.rang_after_sales}." if shift.rang else ""
    return (
        f"Sale prices: mean of log(actual / predicted) {shift.now:+.3f}, against {shift.before:+.3f} of {shift.against}"
        f"; statistic {shift.statistic:+.2f}, limit {shift.limit:.2f}.{moment}{still}"
    )


def warnings_sentence(verdict: DriftVerdict) -> str:
    """Return how many of the window's prices mean little, by their warnings; "" where none does."""
    kinds = ", ".join(f"{name} {percent(share)}" for name, share in verdict.warnings.items() if share)
    return f"Prices with a warning: {percent(verdict.warned)} ({kinds})." if kinds else ""


def ratios_sentence(verdict: DriftVerdict) -> str:
    """Return how alike and how fair prices are to the newest sales; "" where there are too few."""
    found = verdict.ratios
    if found is None:
        return ""
    beyond = ", ".join(name.upper().replace("_", " ") for name in outside(found))
    return (
        f"Ratio study of the newest {found.n} sales: median ratio {found.median_ratio:.3f}, COD {found.cod:.1f}, PRD "
        f"{found.prd:.3f}, PRB {found.prb:+.3f}, MKI {found.mki:.3f}"
        + (f"; outside the IAAO's limits: {beyond}." if beyond else ".")
    )


def loss_sentence(verdict: DriftVerdict) -> str:
    """Return which errors the champion expects of what it prices, beside the realised one; "" where it does not say."""
    found = verdict.loss
    if found is None:
        return ""
    learnt = "" if found.expected_of_learnt is None else f" ({percent(found.expected_of_learnt)} of what it has learnt)"
    realised = "" if found.realised is None else f"; on the newest {found.sales} sales it was {percent(found.realised)}"
    return (
        f"The champion expects a mean error of {percent(found.expected)} of the homes it prices{learnt}{realised}. "
        "What it expects shows a change of mix, never one of prices."
    )


def sales_sentence(verdict: DriftVerdict) -> str:
    """Return what became of the sales."""
    seen = verdict.sales
    learnt = " Which homes it has learnt, it does not say."
    if seen.learnt is not None:
        known = verdict.figures_learnt
        error = f"; the median error there is {percent(known[0].median_ape)}" if known else ""
        learnt = f" {seen.learnt:,} are of homes that it has learnt, and left out of the figures below{error}."
    apart = f", {seen.set_apart:,} set apart as not credible (belo sales lists them)" if seen.set_apart else ""
    return (
        f"{seen.compared:,} sales since the promotion are compared, {seen.priced_again:,} of them priced again by this "
        f"champion.{learnt} Not compared: {seen.unmatched + seen.unpriced:,} of homes without a price, "
        f"{seen.before_reign:,} from before the promotion, {seen.withdrawn:,} withdrawn{apart}."
    )


def error_row(each: ErrorCheck) -> tuple[str, ...]:
    """Return a watch over errors, under `ERRORS`."""
    names = {"coverage": "outside the interval", "spread": "size of errors", "place": each.place or ""}
    found = [percent(value) if each.test == "coverage" else f"{value:.2f}" for value in (each.value, each.reference)]
    newest, statistic = f"{each.segment} up to number {each.at}", f"{each.statistic:.1f} of {each.limit:.1f}"
    return names[each.test], newest, *found, statistic, "drifted" if each.rang else ""


ERRORS = ("what", "newest sales", "found", "usual", "statistic and limit", "")
FIGURES = ("band of price", "sales", "RMSE", "MAE", "median error", "in the interval", "95 % bounds")
CHECKS = ("what", "compared by", "window", "reference", "limit", "")


def figures_row(each: Figures) -> tuple[str, ...]:
    """Return the errors of a band of sales, under `FIGURES`."""
    return (
        "all" if each.band is None else f"{each.band + 1}" + " (cheapest)" * (each.band == 0),
        f"{each.sales}",
        f"{each.rmse:,.0f}",
        f"{each.mae:,.0f}",
        percent(each.median_ape),
        percent(each.coverage),
        f"{percent(each.coverage_low)} to {percent(each.coverage_high)}",
    )


def check_row(each: DistributionCheck) -> tuple[str, ...]:
    """Return a comparison of listings, under `CHECKS`."""
    name, rang = NAMES.get(each.name, each.name), "drifted" if each.rang else ""
    if each.limit is not None:
        return name, "distribution (PSI)", f"{each.value:.3f}", "", f"{each.limit:.3f}", rang
    return name, f"share {each.test}", percent(each.value), percent(each.reference), f"p {each.p:.2g}", rang
