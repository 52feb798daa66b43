from tests.training.promotion.small_market import KNOBS, contender, evidence
from training.promotion.judge import judge
from training.promotion.verdict_report import verdict_report


def test_the_report_tells_every_figure_by_slice():
    text = verdict_report(judge(contender("2"), contender("1", base=9.15), evidence(), KNOBS))
    head = "| slice | listings | log error | rmse | mae | median_ape | bias | coverage | relative_width |"
    assert head in text
    assert "| price: lowest third | 200 | " in text
