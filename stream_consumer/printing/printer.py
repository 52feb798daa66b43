"""Predictions printed as they come, or at the end where only the newest count."""

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from pricing.places import NameKey, place_key
from stream_consumer.consumer import Arrived, Consumer
from stream_consumer.gaps import Gap
from stream_consumer.printing.newest import Newest
from stream_consumer.printing.output import Sink
from terminal.display import reading, say
from terminal.signals import stopped_by_signals


class Choice(Struct, frozen=True, kw_only=True):
    """Which predictions are printed: those of some listings, neighbourhoods or model versions; empty sets mean all.

    Neighbourhoods are known by `key`.
    """

    listings: frozenset[str] = frozenset()
    neighborhoods: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    key: NameKey = place_key

    def takes(self, arrived: Arrived) -> bool:
        """Return whether a prediction is chosen."""
        data = arrived.event.data
        return (
            (not self.listings or data.listing_id in self.listings)
            and (not self.neighborhoods or self.key(data.features.neighborhood) in self.neighborhoods)
            and (not self.versions or data.model.version in self.versions)
        )


class Summary(Struct, frozen=True):
    """What a run printed, dropped and skipped, and the gaps that it met."""

    printed: int
    repeats: int
    foreign: int
    gap: list[Gap]


class Printing:
    """From a consumer to an output; says on standard error how it went."""

    def __init__(self, consumer: Consumer, output: Sink, choice: Choice | None = None) -> None:
        self._consumer = consumer
        self._output = output
        self._choice = choice or Choice()
        self._printed = 0

    def run(
        self,
        *,
        follow: bool,
        idle_timeout: float | None,
        limit: int | None,
        latest_per_listing: bool,
        until: datetime | None = None,
        newest: Newest | None = None,
        as_json: bool = False,
        quiet: bool = True,
    ) -> None:
        """Print predictions until the consumer ends, or SIGINT or SIGTERM comes.

        The checkpoint stands from the start on, and moves after they have been printed. With `latest_per_listing`
        that is once, at the end, or, following, as the news comes; `newest` is what was newest before.
        """
        newest = (newest or Newest()) if latest_per_listing else None
        self._consumer.commit()  # a run from the latest that prints nothing is gone on with, too
        batches = self._consumer.batches(follow=follow, idle_timeout=idle_timeout, limit=limit, until=until)
        with stopped_by_signals(self._consumer.stop), reading("predictions", quiet=quiet) as progress:
            for batch in batches:
                news = newest.offer(batch) if newest else batch
                if follow or not newest:
                    self._print(news, newest)
                progress(len(batch), _behind(self._consumer.lag))
            if newest and not follow:
                self._print(newest.all(), newest)
        self._output.close()
        self._consumer.commit()  # past repeats and foreign records at the end
        self._sum_up(as_json=as_json)

    def _print(self, batch: list[Arrived], newest: Newest | None) -> None:
        chosen = [each for each in batch if self._choice.takes(each)]
        if chosen:
            self._output.write(chosen)
        if newest:
            newest.keep(batch)
        if self._output.is_durable:
            self._consumer.commit()
        self._printed += len(chosen)

    def _sum_up(self, *, as_json: bool) -> None:
        if as_json:
            summary = Summary(self._printed, self._consumer.repeats, self._consumer.foreign, self._consumer.gaps)
            say(msgspec.json.encode(summary).decode())
            return
        counts = [f"{self._printed} predictions", f"{self._consumer.repeats} repeats dropped"]
        if self._consumer.foreign:
            counts.append(f"{self._consumer.foreign} records that are no predictions")
        if self._consumer.gaps:
            counts.append(f"{len(self._consumer.gaps)} gaps")
        say(", ".join(counts), "dim")


def _behind(lag: timedelta) -> str:
    return f"{timedelta(seconds=int(lag.total_seconds()))} behind" if lag > timedelta(seconds=5) else ""
