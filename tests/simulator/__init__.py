"""Lambda's event source mapping for Kinesis, simulated in memory, with fakes of Kinesis and S3 that fail on
request.

    clock = SimulatedClock()
    listings, predictions = Stream("listings", shards=2), Stream("predictions")
    faults = Script([RefuseEntries(every=3), DropConnection(after=True)])
    kinesis = FakeKinesis(clock, [predictions], faults=faults)
    function = Function(clock, build=lambda: my_handler(kinesis, clock), timeout=60)
    settings = Settings(batch_size=500, report_batch_item_failures=True, bisect_batch_on_function_error=True)
    listings.accept(b"...", partition_key="L-1", at=clock.time())
    EventSourceMapping(clock, listings, function, settings).run()
    assert [record.data for record in predictions.records()] == ...

Nothing sleeps, nothing is random but by a seed, and nothing but botocore is needed. The README beside this
file lists what is simulated, after which page of AWS's documentation, and what is assumed.
"""

from tests.simulator.clock import Killed, SimulatedClock
from tests.simulator.destination import OnFailure
from tests.simulator.events import event_of
from tests.simulator.faults import (
    Call,
    ChangeObject,
    Crash,
    DropConnection,
    Fault,
    Faults,
    LoseResponse,
    RefuseCall,
    RefuseEntries,
    RefuseShards,
    Script,
    Stall,
    TearBody,
    ThrottleInvocation,
    no_faults,
)
from tests.simulator.function import Answer, Context, Function
from tests.simulator.kinesis import FakeKinesis
from tests.simulator.mapping import EventSourceMapping, Invocation
from tests.simulator.s3 import FakeS3
from tests.simulator.settings import Settings
from tests.simulator.stream import Record, Stream

__all__ = [
    "Answer",
    "Call",
    "ChangeObject",
    "Context",
    "Crash",
    "DropConnection",
    "EventSourceMapping",
    "FakeKinesis",
    "FakeS3",
    "Fault",
    "Faults",
    "Function",
    "Invocation",
    "Killed",
    "LoseResponse",
    "OnFailure",
    "Record",
    "RefuseCall",
    "RefuseEntries",
    "RefuseShards",
    "Script",
    "Settings",
    "SimulatedClock",
    "Stall",
    "Stream",
    "TearBody",
    "ThrottleInvocation",
    "event_of",
    "no_faults",
]
