"""Claims that end, and steps that are written once."""

import pytest

from training.retraining.journal import Held, Journal
from training.retraining.records import Record


def test_a_claim_is_worth_nothing_once_its_worker_was_silent_for_too_long(world):
    journal = Journal(world.s3, world.archive)
    first = journal.claim("r", "one", world.lease, lambda: world.at)
    with pytest.raises(Held):
        journal.claim("r", "two", world.lease, lambda: world.at)
    later = world.at + world.lease * 2
    second = journal.claim("r", "two", world.lease, lambda: later)
    assert second.claim.attempt == 2
    assert journal.renew("r", first, later + world.lease) is None


def test_a_claim_whose_answer_was_lost_and_that_was_written_twice_is_still_ours(world):
    class Twice:
        def __getattr__(self, name):
            return getattr(world.s3, name)

        def put_object(self, **arguments):
            world.s3.put_object(**arguments)
            return world.s3.put_object(**arguments)

    journal = Journal(Twice(), world.archive)
    lease = journal.claim("r", "one", world.lease, lambda: world.at)
    renewed = journal.renew("r", lease, world.at + 2 * world.lease)
    assert renewed is not None
    assert journal.renew("r", renewed, world.at) is not None


def test_what_stands_in_the_journal_is_never_written_again(world):
    world.market.sell(280)
    world.alarm()
    world.worker().one(wait_seconds=0)
    (record,) = world.records()
    journal = Journal(world.s3, world.archive)
    other = type(record)(**{name: getattr(record, name) for name in record.__struct_fields__} | {"why": "another"})
    assert journal.once(Record, other.request.id, lambda: other).why == record.why
    assert journal.records()[0].why == record.why
