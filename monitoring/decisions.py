"""Sales that are not credible, and what a person decides of them: accepted, or withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from lambdas.archive_bucket.credibility import SetApart, divide
from lambdas.archive_bucket.reader import Archive, remembered
from lambdas.archive_bucket.sales import DECISIONS, Decided, Decision
from monitoring.sales_files import put_lines
from pricing.market import Market
from terminal.errors import Failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Doubtful(Struct, frozen=True, kw_only=True):
    """Sales set apart, the oldest report first, and how many others there are.

    `unmatched` are of homes that nobody had priced before; `unreadable` lines of the archive are no sale.
    """

    set_apart: list[SetApart]
    accepted: int
    withdrawn: int
    unmatched: int
    unreadable: int


def doubtful(s3: "S3Client", bucket: str, now: datetime, market: Market) -> Doubtful:
    """Return the sales of the last `REMEMBERED` that await a decision."""
    archive = Archive(s3, bucket)
    sales, found = remembered(archive, now)
    _, apart = divide(found, market)
    return Doubtful(
        set_apart=apart,
        accepted=sum(each.accepted for each in sales),
        withdrawn=archive.withdrawn,
        unmatched=len(sales) - len(found),
        unreadable=archive.unreadable,
    )


def decide(s3: "S3Client", bucket: str, now: datetime, accepted: Sequence[str], withdrawn: Sequence[str]) -> int:
    """Write what was decided of some listings' sales, all of it in one object; return of how many.

    Raises `Failure`, and writes nothing, where no sale of a listing was reported, or both is asked for one.
    """
    known = {each.listing_id for each in Archive(s3, bucket).sales()}
    if unknown := [each for each in (*accepted, *withdrawn) if each not in known]:
        raise Failure(f"no sale of {', '.join(unknown)} stands in the archive: nothing was decided")
    if both := sorted(set(accepted) & set(withdrawn)):
        raise Failure(f"{', '.join(both)}: accepted and withdrawn at once; nothing was decided")
    by_listing: dict[str, Decided] = dict.fromkeys(accepted, "accepted")
    by_listing |= dict.fromkeys(withdrawn, "withdrawn")
    put_lines(s3, bucket, now, [Decision(name, decision) for name, decision in by_listing.items()], DECISIONS)
    return len(by_listing)
