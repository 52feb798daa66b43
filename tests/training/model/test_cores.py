import os
import signal
from functools import partial

import pytest
from joblib import cpu_count

from terminal.errors import Failure
from training.model.cores import MOST, Cores, cores_of_machine


def square(number):
    return number * number, os.getpid()


def refuse(number):
    if number % 2:
        raise Failure(f"{number} is odd")
    return number


def end_this_process():
    os.kill(os.getpid(), signal.SIGKILL)


def answer_here(parent):
    """End a helper; in the process that asked, say so."""
    if os.getpid() != parent:
        end_this_process()
    return "done here"


@pytest.fixture(scope="module")
def two():
    cores = Cores(2)
    wait_until_ready(cores)
    yield cores
    cores.end()


@pytest.fixture
def mortal():
    cores = Cores(2)
    wait_until_ready(cores)
    yield cores
    cores.end()


def helpers(cores):
    return [each._process for each in cores._helpers]


def wait_until_ready(cores):
    for each in cores._helpers:
        while not each.ready():
            pass


def test_results_come_in_the_order_of_the_work_whoever_did_it(two):
    found = two.run([partial(square, number) for number in range(200)])
    assert [each for each, _ in found] == [number * number for number in range(200)]
    assert {process for _, process in found} == {os.getpid(), *(each.pid for each in helpers(two))}


def test_the_first_that_fails_raises_its_error_and_the_next_work_is_done(two):
    for _ in range(20):
        with pytest.raises(Failure, match=r"^3 is odd\b"):
            two.run([partial(refuse, number) for number in (0, 2, 3, 5, 7, 8)])
    assert two.run([partial(refuse, number) for number in (2, 4)]) == [2, 4]


def test_an_error_in_a_helper_says_where_it_was(two):
    with pytest.raises(Failure) as caught:
        two._helpers[0].do(partial(refuse, 1))
    assert "in refuse" in caught.value.__notes__[0]


def test_what_a_helper_that_was_killed_had_in_hand_is_done_here(mortal):
    works = [partial(answer_here, os.getpid()) for _ in range(50)]
    assert mortal.run(works) == ["done here"] * 50
    assert mortal.run(works) == ["done here"] * 50


def test_work_does_not_wait_for_a_helper_that_is_not_ready():
    cores = Cores(2)
    try:
        found = cores.run([partial(square, number) for number in range(20)])
    finally:
        cores.end()
    assert [each for each, _ in found] == [number * number for number in range(20)]


@pytest.mark.parametrize("error", [Failure("no"), KeyboardInterrupt()])
def test_no_helper_is_left_after_an_error_of_any_kind(error):
    left = []

    def work():
        with cores_of_machine() as cores:
            left.extend(helpers(cores))
            raise error

    with pytest.raises(type(error)):
        work()
    assert len(left) == min(cpu_count(), MOST) - 1
    assert all(each.returncode == -signal.SIGKILL for each in left)


def test_a_helper_ends_with_the_process_that_started_it(mortal):
    mortal._helpers[0]._link.close()
    assert helpers(mortal)[0].wait(timeout=30) == 0


def test_one_core_has_no_helper():
    assert helpers(Cores()) == []
    assert Cores().run([partial(refuse, 2)]) == [2]
    assert Cores().run([]) == []
