"""The worker on its queue; what a kill does to it stands in test_retrain_killed.py."""

import threading
from datetime import timedelta

import pytest

from training.retraining.journal import Held, Journal


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
