"""What a training and a judge say of themselves, for people: Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.data.listings import Dataset
from training.evaluation.figures import Figures


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def cleaning_report(data: Dataset) -> str:
    """Return each rule, the rows it touched, what became of them, and why."""
    report = data.report
    rows = [(rule.rule, rule.rows, "dropped" if rule.dropped else "kept", rule.why) for rule in report.rules]
    return (
        f"# Cleaning of {data.name}\n\n"
        f"{report.rows_in} rows in, {report.rows_out} rows out, in {len(set(data.groups))} groups of listings that may "
        f"be the same home; sha256 {data.sha256}.\n\n{table(('rule', 'rows', 'what happens', 'why'), rows)}\n"
    )


def figures_table(columns: Mapping[str, Figures]) -> str:
    """Return figures side by side."""
    names = list(next(iter(columns.values())))
    return table(
        ("figure", *columns), [(name, *(number(column[name]) for column in columns.values())) for name in names]
    )


def number(value: Any) -> str:  # noqa: ANN401 - a figure is a number or a list of numbers
    """Return a figure as text: amounts without decimals, fractions with three."""
    if isinstance(value, list):
        return ", ".join(map(number, value))
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1_000 else f"{value:.3f}"
