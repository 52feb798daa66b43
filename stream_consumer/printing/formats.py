"""Predictions as people and programs read them: a table, JSON Lines, CSV."""

import csv
import io
from collections.abc import Callable
from enum import StrEnum

from rich.cells import cell_len, set_cell_size

from pricing import prediction
from pricing.market import Market
from stream_consumer.consumer import Arrived


class Format(StrEnum):
    """How predictions are printed."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


Encode = Callable[[list[Arrived]], str]

COLUMNS = [
    "id",
    "time",
    "arrived_at",
    "listing_id",
    "neighborhood",
    "area_m2",
    "rooms",
    "garage_places",
    "predicted_price",
    "low",
    "high",
    "coverage",
    "model",
    "version",
    "event_source",
    "event_id",
    "shard_id",
    "sequence_number",
    "index",
    "currency",
    "warnings",
    "confidence",
]

# Widths in characters, negative for what stands at the right; what is longer is cut.
_TABLE_COLUMNS = (
    ("priced at", 19),
    ("listing", 14),
    ("neighbourhood", 20),
    ("area", -8),
    ("price", -14),
    ("interval", -27),
    ("confidence", 10),
    ("model", 6),
    ("warnings", 46),
)


def header(form: Format) -> str:
    """Return what stands above the predictions."""
    if form is Format.CSV:
        return _csv_line(COLUMNS)
    if form is Format.TABLE:
        names = _line([name for name, _ in _TABLE_COLUMNS])
        return f"{names}\n{'─' * cell_len(names)}\n"
    return ""


def encoder(form: Format, market: Market | None = None) -> Encode:
    """Return the function that turns predictions into lines of a format; a table writes money as the market does."""
    line = {Format.TABLE: _Table(market).line, Format.JSONL: _json_line, Format.CSV: _csv_row}[form]
    return lambda batch: "".join(map(line, batch))


class _Table:
    def __init__(self, market: Market | None) -> None:
        self._market = market

    def line(self, arrived: Arrived) -> str:
        data = arrived.event.data
        market = self._market if self._market and self._market.currency == data.currency else None
        price, low, high = (
            whole(each, market) for each in (data.predicted_price, data.interval.low, data.interval.high)
        )
        money = market.symbols[0] if market and market.symbols else data.currency
        cells = [
            *(arrived.event.time[:19].replace("T", " "), data.listing_id, data.features.neighborhood),
            *(f"{whole(data.features.area_m2, market)} m²", f"{money} {price}", f"{money} {low} … {high}"),
            *(data.confidence or "", data.model.version, ", ".join(data.warnings)),
        ]
        return _line(cells) + "\n"


def whole(value: float, market: Market | None) -> str:
    """Return a number without decimals, its thousands grouped as the market writes them: 612.345 in Brazil."""
    text = f"{value:,.0f}"
    return text.replace(",", ".") if market and market.decimal == "," else text


def _line(cells: list[str]) -> str:
    return "  ".join(_cell(text, width) for text, (_, width) in zip(cells, _TABLE_COLUMNS, strict=True)).rstrip()


def _cell(text: str, width: int) -> str:
    text = "".join(character if character.isprintable() else "�" for character in text)
    room = abs(width)
    if cell_len(text) > room:
        return set_cell_size(text, room - 1) + "…"
    return " " * (room - cell_len(text)) + text if width < 0 else set_cell_size(text, room)


def _json_line(arrived: Arrived) -> str:
    data = arrived.data if b"\n" not in arrived.data else prediction.encode(arrived.event)
    return data.decode() + "\n"


def _csv_row(arrived: Arrived) -> str:
    return _csv_line(row(arrived))


def row(arrived: Arrived) -> tuple[object, ...]:
    """Return a prediction's values for `COLUMNS`."""
    event, data = arrived.event, arrived.event.data
    features, interval, place = data.features, data.interval, data.source_position
    return (
        *(event.id, event.time, arrived.at.isoformat(), data.listing_id),
        *(features.neighborhood, features.area_m2, features.rooms, features.garage_places),
        *(data.predicted_price, interval.low, interval.high, interval.coverage),
        *(data.model.name, data.model.version, data.event_source, data.event_id),
        *(place.shard_id, place.sequence_number, place.index),
        *(data.currency, ";".join(data.warnings), data.confidence or ""),
    )


def _csv_line(cells: tuple[object, ...] | list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
