"""`belo forget`."""

from typing import TYPE_CHECKING, Annotated

import typer

from terminal.errors import Failure, UsageFailure

if TYPE_CHECKING:
    from belo.forget.places import Forgotten
    from terminal.stack import Stack

NOT_REACHED = (
    "not reached: the streams (until they have dropped the listing's records, after 48 h unless the stack says "
    "otherwise, these may be archived again: then run this again), the retraining queue, reference/, what models have "
    "learnt, MLflow, your own files, and what consumers have read: see docs/privacy.md"
)


def forget(
    listing_id: Annotated[
        str, typer.Argument(help="As its events spell it.", metavar="LISTING_ID", show_default=False)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take every trace of a listing out of the stack's buckets, old versions of objects too.

    Reads every object of the archive and of the dead letters. May be interrupted and repeated: the next run does what
    is left.
    """
    import os

    from botocore.config import Config

    from belo.forget.listing_name import ListingName
    from belo.forget.places import forget as forget_listing
    from lambdas.aws.objects import READERS
    from terminal.display import doing, print_json, say, warn
    from terminal.signals import ended_by_signals
    from terminal.stack import Stack

    listing = ListingName(listing_id)
    stack = Stack.find(os.environ)
    if not (dry_run or yes):
        _ask(listing_id, stack)
    buckets = {"archive": stack.archive_bucket, "dead letters": stack.dead_letters_bucket}
    s3 = stack.client("s3", Config(max_pool_connections=READERS))
    with ended_by_signals("belo forget"), doing("Looking through the buckets") as progress:
        found = forget_listing(s3, buckets, listing, dry_run=dry_run, progress=progress)
    if not dry_run:
        say(f"removed from {stack.place(' and '.join(buckets.values()))}", "dim")
    if json:
        print_json(found)
    else:
        _show(found)
    for each in found.unreadable:
        warn(f"cannot be read: {each}")
    say(NOT_REACHED)
    if found.unreadable:
        raise Failure(f"{len(found.unreadable)} objects could not be read, and may hold the listing")


def _ask(listing_id: str, stack: "Stack") -> None:
    import sys

    if not sys.stdin.isatty():
        raise UsageFailure("forget: there is no terminal to ask on: add --yes, or --dry-run to see what would go")
    place = stack.place(f"{stack.archive_bucket} and {stack.dead_letters_bucket}")
    if not typer.confirm(f"Take every trace of {listing_id} out of {place}? It cannot be had back.", err=True):
        raise Failure("nothing was changed")


def _show(found: "Forgotten") -> None:
    """Print what was found, a line a place."""
    verb = "would be" if found.dry_run else "were"
    for name, each in found.places.items():
        if each.traces or each.old_versions:
            print(
                f"{name}: {each.traces} traces; {each.rewritten} objects {verb} rewritten, {each.deleted} deleted, "
                f"{each.old_versions} old versions deleted"
            )
    total = found.total
    if total.traces or total.old_versions:
        print(f"{found.listing_id}: {total.traces} traces and {total.old_versions} old versions {verb} removed")
    else:
        print(f"{found.listing_id}: nothing was found")
