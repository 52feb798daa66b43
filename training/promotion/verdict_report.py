"""A judge's verdict for people: Markdown."""

from training.evaluation.reports.tables import figures_table, number, table
from training.promotion.judge import PromotionVerdict


def verdict_report(verdict: PromotionVerdict) -> str:
    """Return a judge's verdict with its reasons."""
    opponent = f"champion {verdict.champion}" if verdict.champion else "no champion yet"
    word = "promote" if verdict.promote else "do not promote"
    checks = [(check.name, "passed" if check.passed else "**failed**", check.finding) for check in verdict.checks]
    sections = [
        f"# Challenger {verdict.challenger} against {opponent}: {word}",
        f"Measured on {verdict.rows} listings that neither was trained on.",
        table(("check", "", "finding"), checks),
    ]
    if verdict.figures:
        sections += ["## Figures", figures_table(verdict.figures)]
    if verdict.slices:
        sections += [
            "## By slice",
            "Mean absolute log error, and other figures as challenger / champion.",
            _slices(verdict),
        ]
    return "\n\n".join(sections) + "\n"


def _slices(verdict: PromotionVerdict) -> str:
    names = ("rmse", "mae", "median_ape", "bias", "coverage", "relative_width")
    rows = [
        (
            each.name,
            each.rows,
            f"{each.challenger:.4f} / {each.champion:.4f}",
            *(" / ".join(number(each.figures[who][name]) for who in ("challenger", "champion")) for name in names),
        )
        for each in verdict.slices
    ]
    return table(("slice", "listings", "log error", *names), rows)
