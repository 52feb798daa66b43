"""Rows of JSON: an object a line, or one document with the rows in it, GeoJSON among them."""

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from listing_files.formats.csv_rows import Row, unreadable_row
from terminal.errors import Failure


def is_document(first: str, suffix: str) -> bool:
    """Return whether a text is one document, and not an object a line."""
    if suffix in (".jsonl", ".ndjson"):
        return False
    line, _, rest = first.lstrip().partition("\n")
    try:
        value = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        more = rest.lstrip()[:1]
        return not (line.startswith("{") and more == "{")  # a broken line among objects
    if isinstance(value, dict):
        return any(_is_rows(each) for each in value.values()) or (
            "coordinates" in str(value.get("geometry")) and not rest
        )
    return isinstance(value, list)


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def json_lines(lines: Iterable[bytes]) -> Iterator[Row]:
    """Yield the objects of a text, one a line; a line that is none is its error."""
    decode = msgspec.json.Decoder().decode
    number = 0
    for line_number, line in enumerate(lines, start=1):
        if line.isspace() or not line:
            continue
        number += 1
        try:
            row = decode(line)
        except (ValueError, RecursionError) as error:
            problem = unreadable_row(f"line {line_number}: not one JSON object a line ({error})")
            yield Row(number, line_number, problem)
            continue
        if isinstance(row, dict):
            yield Row(number, line_number, dict(_feature(row)))
        else:
            problem = unreadable_row(f"line {line_number}: expected a JSON object, got {line[:40]!r}")
            yield Row(number, line_number, problem)


def document_rows(lines: Iterator[bytes], first: str, name: str) -> Iterator[Row]:
    """Yield the rows of a document, in memory that does not grow: those of its first list of objects, or itself.

    `line` counts the rows: a document's lines say nothing.
    """
    try:
        import ijson
    except ImportError:
        raise Failure(f"{name}: one JSON document; `pip install ijson` reads it, or write an object a line") from None
    where = _rows_of(ijson, first)
    number = 0
    try:
        for row in ijson.items(_Stream(lines), where, use_float=True):
            number += 1
            if isinstance(row, dict):
                yield Row(number, number, dict(_feature(row)))
            else:
                yield Row(number, number, unreadable_row(f"row {number}: expected a JSON object, got {row!r:.40}"))
    except (ijson.JSONError, UnicodeDecodeError, ValueError) as error:
        why = str(error).partition("\n")[0].strip()
        raise Failure(f"{name}: not JSON behind row {number} ({why})") from None


def _rows_of(ijson: Any, first: str) -> str:  # noqa: ANN401 - a module
    """Return where in a document its rows stand, as ijson says it."""
    try:
        for prefix, event, _ in ijson.parse(io.BytesIO(first.encode())):
            if not prefix and event == "start_array":
                return "item"
            if event == "start_map" and prefix.endswith(".item") and prefix.split(".").count("item") == 1:
                return str(prefix)
    except ijson.JSONError:
        pass  # the block ends within the document
    return ""


class _Stream:
    """Lines as a stream that a parser reads from."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    def read(self, size: int) -> bytes:
        return next(self._lines, b"") if size else b""


def _feature(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a feature of GeoJSON as a row: its properties, and its point as latitude and longitude."""
    if row.get("type") != "Feature" or not isinstance(row.get("properties"), dict):
        return row
    found = {name: value for name, value in row.items() if name not in ("type", "geometry", "properties")}
    found |= row["properties"]
    geometry = row.get("geometry")
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        longitude, latitude = [*(geometry.get("coordinates") or ()), None, None][:2]
        found = {"latitude": latitude, "longitude": longitude} | found
    return found


def plain(row: Mapping[str, Any]) -> dict[str, object]:
    """Return a row whose objects are columns of their own, `location.lat`."""
    if not any(isinstance(value, dict) for value in row.values()):
        return dict(row)
    return dict(_flat(row, ""))


def _flat(row: Mapping[str, Any], within: str) -> Iterator[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value
