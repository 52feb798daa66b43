"""What is written down of a retraining: the evidence, the verdict and the record."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from lambdas.archive_bucket.credibility import SetApart
from pricing.manifest import Pointer
from training.retraining.requests import Request
from training.sales_contest.contest import Contest
from training.sales_contest.sold_homes import Sold

Clock = Callable[[], datetime]

RetrainingOutcome = Literal["promoted", "in shadow", "awaiting a person", "kept", "undecided", "dropped", "overtaken"]


class Claim(Struct, frozen=True):
    """A worker's word that it works on a request; worth nothing after `until`."""

    worker: str
    until: datetime
    attempt: int


class Evidence(Struct, frozen=True, kw_only=True):
    """What a request is decided on, as it stood when it was first taken up.

    All sales of homes that were priced before they were reported as sold, in the order of their reports: also those
    outside the population, which an alarm may name. Those that are not credible are `set_apart`.
    """

    request: Request
    gathered_at: datetime
    champion: Pointer
    challenger: Pointer | None
    sales: list[Sold]
    set_apart: list[SetApart] = []


class RetrainingVerdict(Struct, frozen=True, kw_only=True):
    """What became of the contest; `version` is registered where the judge found a winner."""

    outcome: RetrainingOutcome  # what is to be done, by the policy
    why: str
    contests: list[Contest]
    version: str | None = None
    trained: str | None = None  # the winner's name
    fresh: int = 0  # as in `Record`


class Record(Struct, frozen=True, kw_only=True):
    """A request that is done with; `fresh` counts the sales that had come since prices moved, if a contest was held."""

    request: Request
    finished_at: datetime
    outcome: RetrainingOutcome
    why: str
    champion_before: str
    reign_since: str
    champion_after: str
    promoted_by: str | None
    sales: int
    contests: list[Contest]
    trained: str | None
    version: str | None
    fresh: int = 0


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)
