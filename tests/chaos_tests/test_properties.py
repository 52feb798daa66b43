"""Whatever the stream and whatever fails: the books balance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.books import audit
from tests.chaos.champions import FIRST, GOOD, SECOND
from tests.chaos.documents import Expectation
from tests.chaos.submissions import Mix, records
from tests.chaos.world import Shape, World
from tests.simulator.faults import (
    Call,
    Crash,
    DropConnection,
    LoseResponse,
    RefuseCall,
    RefuseEntries,
    RefuseShards,
    Script,
    Stall,
    TearBody,
    ThrottleInvocation,
)

THROTTLED, INTERNAL = "ProvisionedThroughputExceededException", "InternalFailure"
EVERY, FIRST_OF = st.integers(1, 4), st.integers(0, 3)

drops = st.builds(DropConnection, st.booleans())
crashes = st.builds(Crash, st.booleans())
stalls = st.builds(Stall, st.floats(0, 200))
unavailable = st.just(RefuseCall("ServiceUnavailable", 503))
entries = st.builds(RefuseEntries, EVERY, FIRST_OF, st.sampled_from([THROTTLED, INTERNAL]))
hot_shards = st.builds(RefuseShards, EVERY, FIRST_OF)

puts = st.one_of(entries, hot_shards, st.just(RefuseCall()), unavailable, drops, crashes, stalls)
gets = st.one_of(unavailable, drops, crashes, stalls, st.builds(TearBody, st.floats(0, 0.99)))
letters = st.one_of(unavailable, drops, crashes, stalls)
invocations = st.one_of(st.just(ThrottleInvocation()), st.just(LoseResponse()), crashes, stalls)


class Plan:
    """A script for each kind of call."""

    def __init__(self, put, get, letter, invoke):
        self.faults = (put, get, letter, invoke)
        self.scripts = [
            Script(put, "kinesis"),
            Script(get, "s3", "GetObject"),
            Script(letter, "s3", "PutObject"),
            Script(invoke, "lambda"),
        ]

    def __call__(self, call: Call):
        return next((fault for script in self.scripts if (fault := script(call))), None)

    def __repr__(self):
        return f"Plan{self.faults}"


def scripts(faults):
    return st.lists(st.one_of(st.none(), faults), max_size=12)


plans = st.builds(Plan, scripts(puts), scripts(gets), scripts(letters), scripts(invocations))
shares = st.sampled_from([0.0, 0.2, 0.6])
mixes = st.builds(Mix, bad=shares, repeats=shares, aggregates=shares)


def shapes(batch_sizes):
    return st.builds(
        Shape,
        shards=st.integers(1, 3),
        batch_size=st.sampled_from(batch_sizes),
        parallelization_factor=st.integers(1, 3),
        bisect=st.booleans(),
        output_shards=st.sampled_from([1, 4]),
        patient=st.booleans(),
    )


small = st.tuples(shapes([1, 7, 1_000]), st.integers(1, 25))
large = st.tuples(shapes([1_000]), st.just(600))  # several requests a batch


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), plan=plans, size=st.one_of(small, small, small, small, large), mix=mixes)
def test_nothing_is_lost_or_wrong_whatever_fails(seed, plan, size, mix):
    shape, count = size
    world = World(seed, plan, shape)
    world.promote(FIRST)
    world.submit(records(seed, count, mix))
    world.run(20)
    world.promote(SECOND)
    world.restart_pollers(forgotten=3)
    world.submit(records(seed + 1, count, mix), over=10)
    world.run()
    verdict = audit(world, Expectation(GOOD))
    assert (verdict.lost, verdict.wrong) == (0, 0), verdict.problems
