"""A worker put together: the stack it works for, the reference file it trains on, and whom it tells."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from botocore.config import Config

from lambdas.archive_bucket.reader import Archive
from lambdas.aws.errors import AWS_ERRORS
from lambdas.aws.objects import READERS, Objects
from listing_files.rejects import Reading
from pricing.market import Market
from terminal.errors import Failure, UsageFailure
from terminal.stack import Stack
from training.data.listings import Dataset, read_listings
from training.data.load import load_data
from training.model.cores import ALONE, Cores
from training.params import choose_params
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket
from training.retraining.journal import Journal
from training.retraining.promoter import Promoter
from training.retraining.records import Record
from training.retraining.retrain import Policy, Retraining
from training.retraining.worker import Worker, url_of, visibility
from training.sales_contest.challengers import Served, challengers

LISTINGS_KEY = "reference/listings.csv"  # in the archive bucket


def open_worker(stack: Stack, environ: Mapping[str, str], say: Callable[[str], None], cores: Cores = ALONE) -> Worker:
    """Return a worker for a stack, which trains on these cores.

    Raises `Failure` where the stack has no queue or a setting is wrong.

    BELO_PROMOTION_POLICY: auto (default), shadow-first or manual. BELO_PRICE_LEVEL_LIMIT: by which fraction prices as a
    whole may move without a person. DATA: the reference file.
    """
    if not stack.retraining_queue:
        raise Failure("this stack has no queue of retraining requests: BELO_RETRAINING_QUEUE is not set")
    policy = _policy(environ)
    s3 = stack.client("s3", Config(max_pool_connections=READERS))
    sqs = stack.client("sqs", Config(read_timeout=40))  # a receive waits for 20 s
    journal = Journal(s3, stack.archive_bucket)
    bucket, registry = ModelsBucket(s3, stack.models_bucket), Registry.open(environ)
    params = choose_params(environ={**stack.environment(), **environ})
    retraining = Retraining(
        journal=journal,
        archive=Archive(s3, stack.archive_bucket),
        bucket=bucket,
        registry=registry,
        promoter=Promoter(bucket, registry),
        listings=ReferenceFile(Objects(s3, stack.archive_bucket), environ.get("DATA") or None, params.market, say),
        train=partial(challengers, cores=cores),
        params=params,
        policy=policy,
        announce=announcer(stack, say),
    )
    url = url_of(sqs, stack.retraining_queue)
    return Worker(sqs=sqs, queue_url=url, journal=journal, retrain=retraining, lease=visibility(sqs, url), say=say)


def _policy(environ: Mapping[str, str]) -> Policy:
    policy_name = environ.get("BELO_PROMOTION_POLICY") or "auto"
    for policy in get_args(Policy):
        if policy_name == policy:
            return policy  # type: ignore[no-any-return]
    raise UsageFailure(f"BELO_PROMOTION_POLICY: expected auto, shadow-first or manual, got {policy_name}")


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """Where the listings with asking prices come from: DATA, else the archive bucket, else the generated sample.

    The sample serves only a champion that was trained on generated data, too.
    """

    archive: Objects
    data: str | None
    market: Market
    say: Callable[[str], None]

    def __call__(self, champion: Served) -> Dataset | None:
        """Return the listings, or None where there are none that go with the champion."""
        generated = champion.manifest.generated_data
        reading = Reading(self.market, warn=self.say)
        if self.data:
            return read_listings(Path(self.data), reading, generated=generated)
        found = self.archive.get(LISTINGS_KEY)
        if found is None:
            if generated:
                return load_data(None, reading)
            self.say(
                f"no reference file (DATA, or {LISTINGS_KEY} in the archive bucket): the champion is only rescaled"
            )
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, Path(LISTINGS_KEY).name)
            path.write_bytes(found[0])
            return read_listings(path, reading, generated=generated)


def announcer(stack: Stack, say: Callable[[str], None]) -> Callable[[Record], None]:
    """Return what publishes a record on the stack's topic; nobody being told is no reason to retrain again."""
    if not stack.topic:
        return lambda _: None
    sns, topic = stack.client("sns"), stack.topic

    def announce(record: Record) -> None:
        subject = f"Retraining: {record.outcome}, champion {record.champion_after}"
        text = f"{record.request.reason}\n\n{record.outcome}: {record.why}\n\nrequest {record.request.id}"
        try:
            sns.publish(TopicArn=topic, Subject=subject[:100], Message=text)
        except AWS_ERRORS as error:
            say(f"nobody was told: {error}")

    return announce
