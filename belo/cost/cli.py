"""`belo cost`: a rate of listings in, what the stack needs and costs out."""

from typing import Annotated

import typer
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from belo.cost import figures
from belo.cost.bill import PerMillion, bill, compared, per_million, put_units
from belo.cost.figures import Limit, Price
from belo.cost.load import Choice, Load, Use, load, packed_listings, uses
from terminal.display import print_json, say, warn

RATE = typer.Option(help="Listings a second, day and night; 0 is an idle stack.", min=0, max=10_000_000)
CPU = typer.Option(
    help="CPU of the scoring function for a listing, in microseconds, on one vCPU.", min=0, max=1_000_000
)


def cost(
    rate: Annotated[float, RATE],
    on_demand: Annotated[bool, typer.Option("--on-demand", help="Streams without shards of your own.")] = False,
    aggregate: Annotated[bool, typer.Option("--aggregate", help="Publishers pack many listings in a record.")] = False,
    fan_out: Annotated[bool, typer.Option("--fan-out", help="A connection of its own for the function.")] = False,
    own_key: Annotated[bool, typer.Option("--own-key", help="A KMS key of the stack's own.")] = False,
    network: Annotated[bool, typer.Option("--network", help="A VPC of the stack's own, with endpoints.")] = False,
    cpu_us: Annotated[float, CPU] = figures.CPU_MICROSECONDS,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with every price and its source.")] = False,
) -> None:
    """Say what the stack needs and costs a month at a rate of listings, on paper.

    Asks nobody: list prices of us-east-1, the defaults of the Terraform module, and sizes and CPU that were measured.
    """
    choice = Choice(on_demand, aggregate, fan_out, own_key, network, cpu_us)
    found = estimate(rate, choice)
    if json:
        print_json(found)
    else:
        _show(found)
    for each in found.limits:
        if each.used > each.of:
            warn(f"{each.limit}: {each.used:,.0f} of {each.of:,.0f}; what moves it: {each.variable}")


class Packing(Struct, frozen=True):
    """How many listings aggregation puts together: at most, and at this rate."""

    into_a_payload_unit: int
    into_a_megabyte: int
    into_a_full_record: int
    into_a_record_at_this_rate: float


class Estimate(Struct, frozen=True):
    """The answer of `belo cost`; `sizing` is for people, `load` has the same for programs."""

    rate: float
    choice: Choice
    sizing: dict[str, str]
    load: Load
    limits: list[Use]
    usd_a_month: dict[str, float]
    total_usd: float
    usd_per_million: PerMillion | None
    scoring_alone: dict[str, float]
    aggregation: Packing
    event_bytes: dict[str, float]
    notes: list[str]
    prices: dict[str, Price]
    aws_limits: dict[str, Limit]
    region: str = figures.REGION
    prices_read: str = figures.READ


def estimate(rate: float, choice: Choice) -> Estimate:
    """Return what a rate of listings needs and costs."""
    asked = load(rate, choice)
    billed, other = bill(asked, choice), compared(asked)
    instances = other.sagemaker_instances
    return Estimate(
        rate=rate,
        choice=choice,
        sizing=_sizing(asked, choice),
        load=asked,
        limits=uses(asked, choice),
        usd_a_month=billed.drivers,
        total_usd=billed.total,
        usd_per_million=per_million(rate, choice),
        scoring_alone={
            "scoring alone: this function": other.score_function,
            "scoring alone: the course's function, a put_record each": other.course_function,
            f"scoring alone: SageMaker endpoint, {instances} of ml.c5.xlarge": other.sagemaker_endpoint,
        },
        aggregation=packing(rate),
        event_bytes={"listing": figures.LISTING_BYTES, "prediction": figures.PREDICTION_BYTES},
        notes=_notes(choice),
        prices=figures.prices(),
        aws_limits=figures.limits(),
    )


def packing(rate: float) -> Packing:
    """Return how many listings go into an aggregated record, and into what Kinesis counts by."""
    each = figures.PACKED_BYTES / figures.PACKED_LISTINGS
    return Packing(
        into_a_payload_unit=int(figures.PAYLOAD_UNIT_BYTES // each),
        into_a_megabyte=int(figures.SHARD_BYTES.value // each),
        into_a_full_record=figures.PACKED_LISTINGS,
        into_a_record_at_this_rate=packed_listings(rate),
    )


def _sizing(asked: Load, choice: Choice) -> dict[str, str]:
    shards = "shards of each stream, as AWS keeps them" if choice.on_demand else "shards of each stream"
    listings, predictions = asked.listings, asked.predictions
    both = (listings, predictions)
    look = "" if asked.look.fits else ": does not end"
    packed = {"listings in a record": f"{packed_listings(asked.rate):,.1f}"} if choice.aggregate else {}
    return packed | {
        shards: f"{asked.shards:,}",
        "needed for listings, for predictions": f"{listings.shards_needed:,}, {predictions.shards_needed:,}",
        "PUT payload units a second": f"{sum(map(put_units, both)):,.1f}",
        "memory of the scoring function": f"{asked.score.memory_mb:,} MB",
        "its invocations a second": f"{asked.score.a_second:,.2f}",
        "an invocation": f"{1000 * asked.score.seconds:,.1f} ms",
        "its invocations at once: on average, at most": (
            f"{asked.score.at_once:,.2f}, {asked.shards * asked.parallelization:,}"
        ),
        "objects into the archive a second": f"{asked.archive.a_second:,.3f}",
        "a look of the monitor": f"{asked.look.seconds:,.0f} s of {figures.LOOK_TIMEOUT} s{look}",
    }


def _notes(choice: Choice) -> list[str]:
    unsure = [name for name, price in figures.prices().items() if not price.confirmed]
    return [
        f"List prices of {figures.REGION}, read {figures.READ}, without free tiers and taxes; --json has the source of "
        f"each. Not confirmed: {', '.join(unsure)}.",
        f"A listing has {figures.LISTING_BYTES:g} bytes and a prediction {figures.PREDICTION_BYTES:g}, as measured on "
        f"the generated sample; a listing takes {choice.cpu_microseconds:g} µs of a vCPU. Shards are filled to "
        f"{figures.MARGIN:.0%}.",
        "Left out: POST /price, trainings that find something to do, dead letters, reading logs, your own consumers.",
    ]


def _show(found: Estimate) -> None:
    table = Table("what", "how much", title=f"{found.rate:,g} listings a second", title_justify="left")
    table.columns[1].justify = "right"
    for what, amount in found.sizing.items():
        table.add_row(what, amount)
    table.add_section()
    for driver, usd in found.usd_a_month.items():
        table.add_row(driver, f"${usd:,.2f}")
    table.add_section()
    table.add_row("a month", f"${found.total_usd:,.2f}")
    if found.usd_per_million:
        table.add_row("a million predictions, beyond the idle stack", f"${found.usd_per_million.marginal:,.3f}")
        table.add_row("a million predictions, all in", f"${found.usd_per_million.all_in:,.3f}")
    table.add_section()
    for other, usd in found.scoring_alone.items():
        table.add_row(other, f"${usd:,.2f}")
    Console().print(table)
    for note in found.notes:
        say(note, "dim")
