"""Dead letters back onto the input stream, the oldest first.

An object leaves its place only after the stream has taken all that was chosen of it. A crash before that
leaves it where it is, and the next redrive sends the same events again, under the same ids: repeats, which
consumers drop.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, get_args

from msgspec import UNSET, Struct, UnsetType, field

from pricing.refusal import Reason
from stream_producer.dead_letters_bucket.letters import PARKED_REASON, Letter, UnreadableObject
from stream_producer.dead_letters_bucket.objects import LetterObjects, Stored
from stream_producer.publisher import Publisher, publishing_client
from terminal.display import counting, warn
from terminal.errors import Failure

if TYPE_CHECKING:
    from terminal.stack import Stack

REASONS = (*get_args(Reason), PARKED_REASON)
MOST_ATTEMPTS = 3  # redrives of the same record, each of which ended here again
OPEN_OBJECTS = 64  # held in memory


class Choice(Struct, frozen=True, kw_only=True):
    """Which letters go: those of a reason (`parked` for Lambda's), those that arrived then or later.

    `again`: also those that have been redriven `MOST_ATTEMPTS` times already.
    """

    reason: str | None = None
    since: datetime | None = None
    again: bool = False

    def takes(self, letter: Letter) -> bool:
        """Return whether a letter is chosen, however often it went before."""
        if self.reason is not None and letter.reason != self.reason:
            return False
        return self.since is None or letter.arrived_at >= self.since


class Redriven(Struct):
    """What came of it, in letters, and in objects that held some of them; `left_alone` had gone often enough."""

    chosen: int = 0
    redriven: int = 0
    objects: int = 0
    unreadable: int = 0
    left_alone: int | UnsetType = UNSET
    reasons: dict[str, int] = field(default_factory=dict)


class _Planned(Struct, frozen=True, order=True):
    """A letter that is to go: when it arrived, and where it stands."""

    arrived_at: datetime
    key: str
    number: int


class Redrive:
    """Sends letters of a bucket back to a stream; `warn` gets a line for what a person should look at."""

    def __init__(
        self, objects: LetterObjects, publisher: Publisher, warn: Callable[[str], object], choice: Choice
    ) -> None:
        self._objects = objects
        self._publisher = publisher
        self._warn = warn
        self._choice = choice
        self._open: OrderedDict[str, Stored] = OrderedDict()
        self._left: Counter[str] = Counter()  # letters of an object that are still to go
        self._done: dict[str, list[int]] = {}  # letters of an object that leave it with the others
        self.result = Redriven()

    def keys(self) -> list[str]:
        """Return the objects there are."""
        return self._objects.keys()

    def run(
        self, keys: Iterable[str], *, dry_run: bool = False, progress: Callable[[], object] = lambda: None
    ) -> Redriven:
        """Send the chosen letters of these objects, under their own keys, and move them to `redriven/`.

        A record goes once, also where it stands in several objects, or both as dead letters and in a parked batch. Safe
        to repeat, also at the same time: an object that is gone is passed over. One that cannot be read stays and is
        counted. Raises `Failure` where the stream does not take a letter.
        """
        planned = self._plan(keys, progress)
        if dry_run:
            return self.result
        for _, run in groupby(planned, key=lambda each: each.key):
            self._send(list(run))
        for key in [key for key in self._done if not self._left[key]]:  # held nothing but repeats
            self._move(key)
        return self.result

    def _plan(self, keys: Iterable[str], progress: Callable[[], object]) -> list[_Planned]:
        """Return what is to go, the oldest first, and count it; each record once."""
        found: list[tuple[_Planned, Letter]] = []
        for key in keys:
            stored = self._read(key)
            if stored:
                found += self._chosen(stored)
            progress()
        parked = {letter.record_place for planned, letter in found if letter.reason == PARKED_REASON}
        seen: set[str] = set()
        planned: list[_Planned] = []
        for each, letter in sorted(found, key=lambda pair: pair[0]):
            self._done.setdefault(each.key, []).append(each.number)
            # A parked record brings all its events along, the dead ones too.
            if letter.place not in seen and (letter.reason == PARKED_REASON or letter.record_place not in parked):
                seen.add(letter.place)
                planned.append(each)
                self._left[each.key] += 1
                self.result.chosen += 1
                self.result.reasons[letter.reason] = self.result.reasons.get(letter.reason, 0) + 1
        self.result.objects = len(self._done)
        return planned

    def _chosen(self, stored: Stored) -> list[tuple[_Planned, Letter]]:
        chosen = []
        for number, letter in enumerate(stored.content.letters):
            if not self._choice.takes(letter):
                continue
            if not self._choice.again and self._objects.attempts(letter) >= MOST_ATTEMPTS:
                self.result.left_alone = (self.result.left_alone or 0) + 1
                continue
            chosen.append((_Planned(letter.arrived_at, stored.key, number), letter.without_data()))
        return chosen

    def _send(self, planned: Sequence[_Planned]) -> None:
        """Send letters of one object."""
        letters = [self._stored(each.key).content.letters[each.number] for each in planned if self._is_there(each.key)]
        outcome = self._publisher.publish(letter.record for letter in letters)
        if not outcome.complete:
            key, why = planned[0].key, outcome.error or "stopped"
            raise Failure(f"{key} stays: the stream refused {outcome.failed} letters ({why})")
        self.result.redriven += len(letters)
        for each in planned:
            self._left[each.key] -= 1
        if not self._left[planned[0].key]:
            self._move(planned[0].key)

    def _move(self, key: str) -> None:
        numbers = self._done.pop(key)
        if self._is_there(key) and not self._objects.move(self._stored(key), sorted(numbers)):
            self._warn(f"{key} changed while it was redriven, and stays: run redrive again")
        self._open.pop(key, None)

    def _is_there(self, key: str) -> bool:
        return key in self._open or self._read(key) is not None

    def _stored(self, key: str) -> Stored:
        return self._open[key]

    def _read(self, key: str) -> Stored | None:
        """Return an object and hold it for a while; None where it is gone, or cannot be read."""
        try:
            stored = self._objects.read(key)
        except UnreadableObject as error:
            self.result.unreadable += 1
            self._warn(f"cannot be read: {error}")
            return None
        if stored is None:
            return None
        self._open[key] = stored
        while len(self._open) > OPEN_OBJECTS:
            self._open.popitem(last=False)
        return stored


def redrive_bucket(stack: "Stack", choice: Choice, *, dry_run: bool) -> Redriven:
    """Redrive a stack's dead letters, showing progress."""
    objects = LetterObjects(stack.client("s3"), stack.dead_letters_bucket, stack.listings_stream)
    redrive = Redrive(objects, Publisher(publishing_client(stack), stack.listings_stream), warn, choice)
    keys = redrive.keys()
    with counting("reading", len(keys)) as progress:
        return redrive.run(keys, dry_run=dry_run, progress=progress)
