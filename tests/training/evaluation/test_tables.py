from training.evaluation.reports.tables import cleaning_report


def test_the_report_is_a_table_of_rules_rows_and_reasons(data):
    text = cleaning_report(data)
    for rule in data.report.rules:
        assert f"| {rule.rule} | {rule.rows} | {'dropped' if rule.dropped else 'kept'} | {rule.why} |" in text
    assert data.sha256 in text
