"""An answer as a person reads it."""

from rich.console import Console
from rich.table import Table

from pricing.answer.answer import Answer, Breakdown
from pricing.answer.comparables import Comparable
from pricing.market import Market
from stream_consumer.printing.formats import whole

WORDS = {
    "place": "where it is",
    "size": "its size",
    "rooms": "rooms",
    "garage": "garage",
    "fee": "monthly fee",
    "street": "street",
    "more": "the market's own columns",
}


def show(answer: Answer, market: Market | None) -> None:
    """Print the price with its interval and confidence; the reasons and comparables where there are any."""
    console = Console(highlight=False)
    money = _Money(answer.currency, market)
    low, high, share = answer.interval.low, answer.interval.high, answer.interval.coverage
    console.print(f"[bold]{money(answer.predicted_price)}[/bold]   {share:.0%} interval: {money(low)} to {money(high)}")
    sure = f"confidence {answer.confidence} (A is surest, E least), " if answer.confidence else ""
    console.print(f"{sure}{answer.model.name} version {answer.model.version}", style="dim")
    for warning in answer.warnings:
        console.print(f"warning: {warning}", style="yellow")
    if answer.against_neighborhood and answer.against_city:
        console.print()
        place = f"typical home of {answer.features.neighborhood}"
        console.print(_reasons(answer.against_neighborhood, answer.against_city, place, money))
    if answer.comparables:
        console.print()
        console.print(_comparables(answer.comparables, money))


class _Money:
    def __init__(self, currency: str, market: Market | None) -> None:
        self._market = market if market and market.currency == currency else None
        self._sign = self._market.symbols[0] if self._market and self._market.symbols else currency

    def __call__(self, amount: float) -> str:
        return f"{self._sign} {whole(amount, self._market)}"


def _reasons(around: Breakdown, city: Breakdown, place: str, money: _Money) -> Table:
    table = Table("why", title="What the price is made of", title_justify="left")
    for name in (place, "typical home of the city"):
        table.add_column(name, justify="right")
    table.add_row("its price", money(around.typical_price), money(city.typical_price))
    for group, factor in around.factors.items():
        table.add_row(WORDS.get(group, group), _change(factor), _change(city.factors[group]))
    return table


def _change(factor: float) -> str:
    return f"× {factor:.2f}  ({factor - 1:+.0%})"


def _comparables(found: list[Comparable], money: _Money) -> Table:
    table = Table(title="Listings it has learnt that are most alike", title_justify="left")
    for name in ("price", "adjusted to this home", "neighbourhood", "m²", "rooms", "garage", "km", "distance"):
        table.add_column(name, justify="left" if name == "neighbourhood" else "right")
    for each in found:
        home = each.home
        table.add_row(
            *(money(each.price), money(each.adjusted_price), home.neighborhood, f"{home.area_m2:.0f}"),
            *("" if count is None else f"{count:.0f}" for count in (home.rooms, home.garage_places)),
            "" if each.km is None else f"{each.km:.1f}",
            f"{each.distance:.2f}",
        )
    return table
