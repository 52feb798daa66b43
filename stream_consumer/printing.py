"""Predictions printed as they come, or at the end where only the newest count."""

from stream_consumer.consumer import Arrived, Consumer
from stream_consumer.newest import Newest
from stream_consumer.output import Output
from terminal.display import say
from terminal.signals import stopped_by_signals


class Printing:
    """From a consumer to an output; says on standard error how it went."""

    def __init__(self, consumer: Consumer, output: Output) -> None:
        self._consumer = consumer
        self._output = output
        self._printed = 0

    def run(self, *, follow: bool, idle_timeout: float | None, limit: int | None, latest_per_listing: bool) -> None:
        """Print predictions until the consumer ends, or SIGINT or SIGTERM comes.

        The checkpoint stands from the start on, and moves after they have been printed. With `latest_per_listing`
        that is once, at the end, or, following, as the news comes.
        """
        newest = Newest() if latest_per_listing else None
        self._consumer.commit()  # a run from the latest that prints nothing is gone on with, too
        with stopped_by_signals(self._consumer.stop):
            for batch in self._consumer.batches(follow=follow, idle_timeout=idle_timeout, limit=limit):
                news = newest.offer(batch) if newest else batch
                if follow or not newest:
                    self._print(news)
            if newest and not follow:
                self._print(newest.all())
        self._consumer.commit()  # past repeats and foreign records at the end
        self._sum_up()

    def _print(self, batch: list[Arrived]) -> None:
        self._output.write(batch)
        self._consumer.commit()
        self._printed += len(batch)

    def _sum_up(self) -> None:
        counts = [f"{self._printed} predictions", f"{self._consumer.repeats} repeats dropped"]
        if self._consumer.foreign:
            counts.append(f"{self._consumer.foreign} records that are no predictions")
        say(", ".join(counts), "dim")
