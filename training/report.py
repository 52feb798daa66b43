"""What a training says of itself, for people: tables in Markdown."""

from training.data import Dataset


def cleaning_table(data: Dataset) -> str:
    """Return the cleaning report: each rule, the rows it touched, what became of them, and why."""
    report = data.report
    lines = [
        f"# Cleaning of {data.name}",
        "",
        f"{report.rows_in} rows in, {report.rows_out} rows out, in {len(set(data.groups))} groups; sha256 {data.sha256}.",
        "",
        "| rule | rows | what happens | why |",
        "|---|---|---|---|",
        *(
            f"| {rule.rule} | {rule.rows} | {'dropped' if rule.dropped else 'kept'} | {rule.why} |"
            for rule in report.rules
        ),
        "",
    ]
    return "\n".join(lines)
