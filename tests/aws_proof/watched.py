"""Alarms and widgets held against what is measured: a metric that nobody writes never rings."""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

OURS = "belo-horizonte-pricing"
LAMBDAS = Path(__file__).resolve().parents[2] / "lambdas"

# Metrics and dimensions of AWS that are watched. Sources: "Types of metrics for Lambda functions", "Monitoring the
# Amazon Kinesis Data Streams Service", "Available CloudWatch metrics for Amazon SQS", "Amazon API Gateway dimensions
# and metrics".
AWS = {
    "AWS/Lambda": {
        "Errors": {"FunctionName"},
        "Invocations": {"FunctionName"},
        "IteratorAge": {"FunctionName"},
        "Throttles": {"FunctionName"},
        "OnFailureDestinationDeliveredEventCount": {"EventSourceMappingUUID"},
    },
    "AWS/Kinesis": {"IncomingRecords": {"StreamName"}},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible": {"QueueName"}, "ApproximateAgeOfOldestMessage": {"QueueName"}},
    "AWS/ApiGateway": {"5XXError": {"ApiName", "Stage"}},
}

Metric = tuple[str, str, dict[str, str]]  # namespace, name, dimensions


def complaints(alarms: list[dict[str, Any]], dashboard: str, stack: str) -> list[str]:
    """Return what is wrong with what alarms (as CloudWatch describes them) and a dashboard's body look at."""
    found = [f"alarm {alarm['AlarmName']}: {each}" for alarm in alarms for each in _wrong(_of_alarm(alarm), stack)]
    for widget in json.loads(dashboard)["widgets"]:
        title = widget["properties"].get("title")
        found += [f"widget {title}: {each}" for each in _wrong(_of_widget(widget), stack)]
    return found


def _of_alarm(alarm: dict[str, Any]) -> Iterator[Metric]:
    queries = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    for metric in queries or [alarm]:
        dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
        yield metric["Namespace"], metric["MetricName"], dimensions


def _of_widget(widget: dict[str, Any]) -> Iterator[Metric]:
    for row in widget["properties"].get("metrics", []):
        namespace, name, *rest = [each for each in row if isinstance(each, str)]
        yield namespace, name, dict(zip(rest[::2], rest[1::2], strict=True))


def _wrong(metrics: Iterator[Metric], stack: str) -> Iterator[str]:
    for namespace, name, dimensions in metrics:
        if namespace != OURS:
            if AWS.get(namespace, {}).get(name) != set(dimensions):
                yield f"{namespace} {name} by {', '.join(dimensions)} is no metric of AWS"
        elif set(dimensions) != {"stack", "function"} or dimensions["stack"] != stack:
            yield f"{name}: expected the dimensions stack ({stack}) and function, got {dimensions}"
        elif name not in written(dimensions["function"]):
            yield f"{name} is not written by {dimensions['function']}"


@cache
def written(function: str) -> frozenset[str]:
    """Return the names that a function's module can hand to `emit`: its literals."""
    path = LAMBDAS / f"{function}.py"
    if not path.exists():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
