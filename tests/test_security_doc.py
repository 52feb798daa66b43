"""The threat model is held against the code: each threat has a test that exists, or is said not to be stopped."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text()
STACK = ROOT / "infra/modules/stack"
THREATS = [
    "A hostile publisher",
    "A hostile record",
    "A model file",
    "A hostile consumer",
    "A dependency",
    "An operator",
    "A caller of POST /price",
    "A reporter of sales",
]
NOT_STOPPED = "not stopped"


def threats() -> dict[str, list[list[str]]]:
    """Return the rows of each threat's table: what is tried, what stops it, what shows it."""
    found = {}
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
        found[heading] = [[cell.strip() for cell in row] for row in rows[1:]]
    return found


ROWS = [(heading, *row) for heading, rows in threats().items() for row in rows]


def named(cell: str) -> list[str]:
    return re.findall(r"`([\w./-]+::\w+)`", cell)


def names_of_tests(path: Path) -> set[str]:
    """Return the names of a file's tests, in Python or in Terraform."""
    text = path.read_text()
    if path.suffix == ".hcl":
        return set(re.findall(r'^run "(\w+)"', text, re.MULTILINE))
    return {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}


def test_every_threat_is_there():
    assert list(threats()) == THREATS


@pytest.mark.parametrize(("heading", "tried", "stops", "shown"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_what_is_tried_is_stopped_and_shown_or_said_not_to_be(heading, tried, stops, shown):
    assert stops
    assert named(shown) or stops.startswith(NOT_STOPPED)
    assert len(named(shown)) == shown.count("`") / 2
    for path, _, name in (each.partition("::") for each in named(shown)):
        assert name in names_of_tests(ROOT / path), f"{path} has no test {name}"
        assert name.startswith("test_") or path.endswith(".hcl")


@pytest.mark.parametrize("heading", THREATS)
def test_every_threat_has_something_that_stops_it(heading):
    assert [row for row in threats()[heading] if not row[1].startswith(NOT_STOPPED)]


def test_it_says_how_to_report_and_which_versions_are_supported():
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == [
        "Reporting a vulnerability",
        "Supported versions",
        "Threat model",
    ]


# --- what nothing else shows ------------------------------------------------------------------


def may(who: str) -> dict[str, str]:
    """Return what a policy of policies.tf allows: actions, and on what."""
    text = (STACK / "policies.tf").read_text()
    block = re.search(rf"^    {who} = \[\n(.*?)^    \]", text, re.MULTILINE | re.DOTALL)
    statements = re.findall(r"actions = (\[.*?\]|local\.\w+), resources = (.*) \},$", block[1], re.MULTILINE)
    assert len(statements) == block[1].count("sid = ") > 0
    return {
        action: resources
        for actions, resources in statements
        for action in re.findall(r'"([^"]+)"', _resolved(actions, text))
    }


def _resolved(actions: str, text: str) -> str:
    if not actions.startswith("local."):
        return actions
    return re.search(rf"^  {actions.removeprefix('local.')} += (\[.*\])$", text, re.MULTILINE)[1]


def test_whoever_publishes_reads_nothing():
    assert set(may("publisher")) == {
        *("kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:PutRecord", "kinesis:PutRecords"),
        "s3:PutObject",
    }


def test_whoever_consumes_reads_predictions_alone():
    assert set(may("consumer").values()) == {"[local.predictions_arn]"}
    assert not [action for action in may("consumer") if ":Put" in action]


def test_whoever_operates_publishes_no_code():
    assert {action for action in may("operator") if action.startswith("lambda:")} & {
        *("lambda:*", "lambda:CreateFunction", "lambda:PublishVersion"),
        *("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
    } == set()
    policies = (STACK / "policies.tf").read_text()
    assert re.findall(r'"s3:PutObject"\], resources = \["\$\{module\.models\.arn\}([^"]*)"', policies) == [
        "/house-price/*"
    ]


def test_the_price_api_writes_nowhere():
    policy = block("price_api.tf", 'data "aws_iam_policy_document" "price_api"')
    assert set(re.findall(r'"(\w+:\w+)"', policy)) == {"s3:GetObject", "s3:ListBucket"}


def test_a_stack_is_locked_unless_somebody_says_otherwise():
    assert re.search(r"default += true", block("variables.tf", 'variable "protected"'))
    assert re.search(r"prevent_destroy = true", block("names.tf", 'resource "terraform_data" "lock"'))
    assert "protected" not in (ROOT / "infra/environments/prod/main.tf").read_text()
    assert "module.stack.terraform_data.lock[0]" in (ROOT / "docs/runbook.md").read_text()


def block(file: str, beginning: str) -> str:
    text = (STACK / file).read_text()
    return text[text.index(f"{beginning} {{\n") :].partition("\n}\n")[0]
