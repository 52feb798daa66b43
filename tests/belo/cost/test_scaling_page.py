"""The tables of docs/scaling.md are what `belo cost` prints.

`python -m tests.belo.cost.test_scaling_page` writes them anew.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from belo.cli import app

PAGE = Path(__file__).parents[3] / "docs/scaling.md"
RATES = (0, 10, 1_000, 100_000)
BUSY = RATES[1:]
MONTH = 730 * 3_600 / 1e6  # millions of seconds
WAYS = (
    ("as it is by default", ()),
    ("`--on-demand`", ("--on-demand",)),
    ("`--aggregate`", ("--aggregate",)),
    ("`--on-demand --aggregate`", ("--on-demand", "--aggregate")),
    ("`--fan-out`", ("--fan-out",)),
    ("`--own-key`", ("--own-key",)),
    ("`--network`", ("--network",)),
)


def asked(rate: float, *options: str) -> dict[str, Any]:
    """Return what `belo cost --json` prints."""
    ran = CliRunner().invoke(app, ["cost", "--rate", str(rate), *options, "--json"])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def usd(value: float) -> str:
    return f"{value:,.2f}" if value < 1_000 else f"{value:,.0f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def limits() -> str:
    found = [asked(rate)["limits"] for rate in BUSY]
    rows = []
    for each in zip(*found, strict=True):
        used = [f"**{number(one['used'])}**" if one["used"] > one["of"] else number(one["used"]) for one in each]
        rows.append([each[0]["limit"], *used, number(each[0]["of"]), each[0]["variable"]])
    return table(["limit", *(f"at {rate:,}" for rate in BUSY), "of", "what moves it"], rows)


def needs() -> str:
    found = [asked(rate)["sizing"] for rate in RATES]
    return table(["needs", *heads()], [[name, *(each[name] for each in found)] for name in found[0]])


def heads() -> list[str]:
    return ["idle", *(f"at {rate:,}" for rate in BUSY)]


def dollars() -> str:
    found = [asked(rate) for rate in RATES]
    idle, at_thousand = found[0]["usd_a_month"], found[2]["usd_a_month"]
    millions = 1_000 * MONTH
    rows = []
    for driver, unused in idle.items():
        each_month = (usd(each["usd_a_month"][driver]) for each in found)
        rows.append([driver, *each_month, f"{(at_thousand[driver] - unused) / millions:.4f}"])
    per = found[2]["usd_per_million"]
    rows.append(["**a month**", *(usd(each["total_usd"]) for each in found), f"{per['marginal']:.4f}"])
    for name, key in (("a million predictions, marginal", "marginal"), ("a million predictions, all in", "all_in")):
        rows.append([name, "", *(f"{each['usd_per_million'][key]:.3f}" for each in found[1:]), f"{per[key]:.4f}"])
    return table(["USD a month", *heads(), "a million, at 1,000"], rows)


def ways() -> str:
    rows = []
    for name, options in WAYS:
        found = [asked(rate, *options) for rate in RATES]
        rows.append(
            [name, *(usd(each["total_usd"]) for each in found), f"{found[2]['usd_per_million']['marginal']:.3f}"]
        )
    return table(["all in all, USD a month", *heads(), "a million, at 1,000"], rows)


def scoring_alone() -> str:
    found = [list(asked(rate)["scoring_alone"].items()) for rate in RATES]
    names = ["this function", "the course's function, a put_record each", "a SageMaker endpoint of ml.c5.xlarge"]
    return table(
        ["scoring alone, USD a month", *heads()],
        [[name, *(usd(each[place][1]) for each in found)] for place, name in enumerate(names)],
    )


def packing() -> str:
    found = [asked(rate, "--aggregate") for rate in BUSY]
    plain = [asked(rate) for rate in BUSY]
    rows = [
        ["listings in a record", *(f"{each['aggregation']['into_a_record_at_this_rate']:.1f}" for each in found)],
        [
            "records a second, instead of the rate",
            *(number(each["load"]["listings"]["records_a_second"]) for each in found),
        ],
        ["shards for listings, packed", *(str(each["load"]["listings"]["shards_needed"]) for each in found)],
        ["shards for listings, one by one", *(str(each["load"]["listings"]["shards_needed"]) for each in plain)],
        ["shards for predictions", *(str(each["load"]["predictions"]["shards_needed"]) for each in plain)],
        *(
            [
                f"PUT payload units, USD, {name}",
                *(usd(each["usd_a_month"]["streams: PUT payload units"]) for each in of),
            ]
            for name, of in (("packed", found), ("one by one", plain))
        ),
    ]
    return table(["aggregation", *heads()[1:]], rows)


TABLES = (limits, needs, dollars, ways, scoring_alone, packing)


@pytest.mark.parametrize("made", TABLES)
def test_a_table_of_the_page_is_what_the_command_prints(made):
    assert f"\n{made()}\n" in PAGE.read_text()


def test_the_page_counts_what_goes_into_an_aggregated_record_as_the_command_does():
    found, page = asked(1_000)["aggregation"], PAGE.read_text()
    for name in ("into_a_payload_unit", "into_a_megabyte", "into_a_full_record"):
        assert f"{found[name]:,} listings" in page


def test_people_are_told_which_limit_is_passed():
    ran = CliRunner().invoke(app, ["cost", "--rate", "1000"])
    assert ran.exit_code == 0
    assert "a month" in ran.stdout
    assert "monitor_window_hours" in ran.stderr


@pytest.mark.parametrize("rate", ["-1", "nan", "inf", "many"])
def test_a_rate_that_is_none_is_refused(rate):
    assert CliRunner().invoke(app, ["cost", f"--rate={rate}"]).exit_code == 2


def write_page() -> None:
    """Put each table in the place of the one with the same head."""
    made = {text.partition("\n")[0]: text for text in (each() for each in TABLES)}
    blocks = PAGE.read_text().split("\n\n")
    PAGE.write_text("\n\n".join(made.get(block.partition("\n")[0], block) for block in blocks).rstrip() + "\n")


if __name__ == "__main__":
    write_page()
