"""The commands that retrain: ask for it, do it, and see what came of it; `belo.cli` registers them."""

from contextlib import suppress
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def retrain(
    *,
    reason: Annotated[str, typer.Option(help="Why; it stands in the history.")] = "by hand",
    json: Json = False,
) -> None:
    """Ask for a retraining: a request on the queue, which `belo train-worker` takes up."""
    import os

    from terminal.display import say
    from terminal.stack import Stack
    from training.retraining import printing as retraining_printing
    from training.retraining.requests import ask

    stack = Stack.find(os.environ)
    say(f"asking the workers of {stack.place(stack.archive_bucket)}", "dim")
    bus = os.environ.get("BELO_EVENT_BUS", "default")
    request_id = ask(stack.client("events"), bus, stack.archive_bucket, reason)
    retraining_printing.show_asked(request_id, as_json=json)


def train_worker(
    *,
    once: Annotated[bool, typer.Option("--once", help="At most one request; do not wait if there is none.")] = False,
    max_requests: Annotated[int | None, typer.Option("--max", min=1, help="End after so many requests.")] = None,
) -> None:
    """Take up requests for retraining, one at a time, until stopped."""
    import os

    from terminal.display import say
    from terminal.stack import Stack
    from training.model.cores import cores_of_machine

    stack = Stack.find(os.environ)
    say(f"writing to {stack.place(stack.models_bucket)}", "dim")
    with cores_of_machine() as cores:  # first, so that all processes import what they need at once
        from training.retraining.assembly import open_worker

        worker = open_worker(stack, os.environ, say, cores)
        if once:
            if not worker.one(wait_seconds=1):
                say("no request waits")
            return
        with suppress(KeyboardInterrupt):  # a request that was under way comes again
            worker.work(max_requests)


def history(*, json: Json = False) -> None:
    """Show every retraining and promotion: when, what drifted, what was trained, the verdict, and who promoted."""
    import os

    from terminal.stack import Stack
    from training.registry.models_bucket import ModelsBucket
    from training.retraining import printing as retraining_printing
    from training.retraining.history import history as entries
    from training.retraining.journal import Journal

    stack = Stack.find(os.environ)
    s3 = stack.client("s3")
    bucket = ModelsBucket(s3, stack.models_bucket)
    pointers = bucket.champions()
    trained_at = bucket.trained_at(each.version for each in pointers)
    found = entries(Journal(s3, stack.archive_bucket).records(), pointers, trained_at)
    retraining_printing.show_history(found, as_json=json)
