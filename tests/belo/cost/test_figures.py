"""The figures that the arithmetic starts from are those of the module, the functions and the sample."""

import ast
import re
from pathlib import Path
from statistics import mean

import pytest

from belo.cost import figures
from lambdas.aws.batch import Batch
from lambdas.aws.objects import READERS
from lambdas.score import WARNING_METRICS
from lambdas.scoring.champion import POLL_SECONDS
from lambdas.scoring.decode import decode_batch
from lambdas.scoring.encode import encode
from lambdas.scoring.predict import predict
from pricing.aggregation import join
from pricing.model import load
from stream_producer.listing_events import ListingEvents
from tests.champions import unsure
from tests.events import batch
from training.data.sample import write_sample

ROOT = Path(__file__).parents[3]
MODULE = ROOT / "infra/modules/stack"


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return list(ListingEvents(write_sample(tmp_path_factory.mktemp("sample") / "sample.csv", 600), "a" * 64))


def test_sizes_are_those_of_the_sample(records):
    assert mean(len(each.data) for each in records) == pytest.approx(figures.LISTING_BYTES, rel=0.02)
    assert mean(len(each.partition_key) for each in records) == pytest.approx(
        figures.KEY_BYTES, abs=1
    )  # rows have shorter numbers
    champion = unsure()
    model = load(champion.model, champion.manifest)
    arrived = Batch.of(batch(*(each.data for each in records), first=10**55))  # as long as Kinesis's numbers
    submitted, _ = decode_batch(arrived)
    submitted, priced, _ = predict(arrived, submitted, model)
    outgoing = encode(submitted, priced, model.manifest)
    assert mean(len(each.data) for each in outgoing) == pytest.approx(figures.PREDICTION_BYTES, rel=0.04)
    full = [(each.partition_key, each.data) for each in records[: figures.PACKED_LISTINGS]]
    assert len(join(full)) == pytest.approx(figures.PACKED_BYTES, rel=0.03)


def default(variable: str) -> str:
    text = (MODULE / "variables.tf").read_text()
    return re.search(rf'variable "{variable}" {{.*?default += (\S+)', text, re.DOTALL)[1]


def test_the_module_s_variables_have_these_defaults():
    known = {
        "shards": figures.SHARDS,
        "memory_mb": figures.MEMORY_MB,
        "batch_size": figures.BATCH,
        "archive_window_seconds": figures.ARCHIVE_WINDOW,
        "champion_poll_seconds": figures.POLL_SECONDS,
        "monitor_every_minutes": figures.HOURS * 60 // figures.LOOKS,
        "monitor_window_hours": figures.LOOK_HOURS,
        "log_retention_days": figures.LOG_DAYS,
        "retention_hours": 48,
        "batching_window_seconds": 0,
    }
    assert {name: default(name) for name in known} == {name: str(value) for name, value in known.items()}
    assert f"var.shards <= {figures.MOST_SHARDS}" in (MODULE / "variables.tf").read_text()
    assert (POLL_SECONDS, READERS) == (figures.POLL_SECONDS, figures.READERS)


def test_the_module_s_functions_worker_and_endpoints_are_these():
    archive, monitor, worker = (
        (MODULE / f"{name}.tf").read_text() for name in ("archive", "monitor", "retraining_worker")
    )
    assert re.search(r"memory_mb += (\d+)", archive)[1] == str(figures.ARCHIVE_MEMORY_MB)
    assert re.search(r"batch_size += (\d+)", archive)[1] == str(figures.ARCHIVE_BATCH)
    assert re.search(r"memory_mb += (\d+)", monitor)[1] == str(figures.MONITOR_MEMORY_MB)
    assert re.search(r"timeout_seconds += (\d+)", monitor)[1] == str(figures.LOOK_TIMEOUT)
    assert re.search(r"maximum_retry_attempts += (\d+)", monitor)[1] == str(figures.LOOK_TRIES - 1)
    assert f"cpu                      = {1024 * figures.SWEEP_VCPU}" in worker
    assert f"memory                   = {1024 * figures.SWEEP_GB}" in worker
    endpoints = re.search(r"endpoints += .*?: \[(.*?)\]", (MODULE / "vpc.tf").read_text())[1]
    assert 2 * len(endpoints.split(",")) == figures.ENDPOINTS


def test_every_metric_of_every_alarm_is_counted():
    text = (MODULE / "alarms.tf").read_text().partition('resource "aws_cloudwatch_metric_alarm"')[0]
    named = re.findall(r'namespace = "AWS/|merge\(local\.ours', text)
    assert len(named) == figures.ALARM_METRICS


def keys(path: str, function: str) -> int:
    """Return how many metrics a function names: the keys of its first dictionary; a spread one is the warnings'."""
    tree = ast.parse((ROOT / path).read_text())
    found = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    names = next(node for node in ast.walk(found) if isinstance(node, ast.Dict)).keys
    return sum(len(WARNING_METRICS) if name is None else 1 for name in names)


def test_every_custom_metric_is_counted():
    flow = keys("lambdas/score.py", "_report") + keys("lambdas/archive.py", "__call__")
    assert flow == figures.FLOW_METRICS
    assert keys("lambdas/monitor.py", "report") == figures.WATCH_METRICS


def test_every_price_and_limit_says_where_it_is_from():
    for each in (*figures.prices().values(), *figures.limits().values()):
        assert each.page
        assert each.seen
    assert [name for name, price in figures.prices().items() if not price.confirmed] == ["instance_hour"]
