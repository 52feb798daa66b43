"""The worker on its queue; what a kill does to it stands in test_retraining_killed.py."""

import threading
from datetime import timedelta

import pytest

from training.retraining.journal import Held, Journal
from training.retraining.records import Record


def test_what_is_no_request_is_left_for_the_dead_letter_queue(world):
    world.sqs.send_message(QueueUrl=world.url, MessageBody="hello")
    assert world.worker().one(wait_seconds=0)
    assert world.waiting() == 1
    assert world.records() == []


def test_an_empty_queue_is_no_work(world):
    assert not world.worker().one(wait_seconds=0)


def test_a_request_that_fails_stays_on_the_queue_and_can_be_taken_up_at_once(world):
    world.market.sell(280)
    world.alarm()

    def fail(*_):
        raise RuntimeError("no memory left")

    world.train = fail
    with pytest.raises(RuntimeError):
        world.worker("first").one(wait_seconds=0)
    assert world.waiting() == 1
    world.train = None
    world.worker("second").one(wait_seconds=0)
    assert len(world.records()) == 1
    assert world.waiting() == 0


def test_a_long_training_keeps_its_claim_and_its_message(world):
    world.lease = timedelta(milliseconds=150)
    world.market.sell(280)
    world.alarm()
    beats = threading.Semaphore(0)

    class Heard:
        def __getattr__(self, name):
            return getattr(world.sqs, name)

        def change_message_visibility(self, **arguments):
            world.sqs.change_message_visibility(**arguments)
            beats.release()

    def long(*_):
        assert beats.acquire(timeout=10)
        assert beats.acquire(timeout=10)
        with pytest.raises(Held):
            Journal(world.s3, world.archive).claim("drift-1", "other", world.lease, lambda: world.at)
        raise RuntimeError("enough")

    world.train = long
    with pytest.raises(RuntimeError, match="enough"):
        world.worker(sqs=Heard()).one(wait_seconds=0)


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
