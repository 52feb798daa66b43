"""A thousand files in dialects drawn at random, with mistakes: each is read right, or refused; never read wrongly.

What is read is held against the values that were written. A row with a mistake in it may be refused, and its optional
values may be unknown; no value may be another one.
"""

import csv
import gzip
import io
import json
import random
from pathlib import Path

import pytest

from listing_files.listings import PRICED_LISTINGS, ListingReader, RowReader
from listing_files.reading import Options
from pricing.places import place_key
from pricing.refusal import InvalidRecord
from terminal.errors import Failure
from tests.market import MARKET

FILES = 1_000
PLACES = ("Savassi", "Santa Amélia", "São João Batista", "Coração Eucarístico", 'O "Bairro"', "Funcionários, Centro")
NAMES = {
    "neighborhood": ("neighborhood", "Bairro", "NEIGHBORHOOD", "bairro ", "neighbourhood"),
    "area_m2": ("area_m2", "Área", "area", "square-foot", "Área (m²)", "m2"),
    "price": ("price", "Preço", "PREÇO", "valor"),
    "rooms": ("rooms", "Quartos", "bedrooms"),
    "adm_fees": ("adm-fees", "Condomínio", "adm_fees", "hoa"),
    "latitude": ("latitude", "lat", "LAT"),
}
UNKNOWN = ("", "-", "N/A", "null", "nan", "--")
Home = dict[str, object]


def homes(draw: random.Random) -> list[Home]:
    def some(value: object, share: float = 0.85) -> object:
        return value if draw.random() < share else None

    step = draw.choice([1, 1, 0.5, 0.01])
    return [
        {
            "neighborhood": draw.choice(PLACES),
            "area_m2": round(draw.choice([draw.uniform(20, 999), draw.uniform(1_000, 9_999)]) / step) * step,
            "price": round(draw.uniform(100_000, 4_000_000), draw.choice([0, 0, 2])),
            "rooms": some(draw.randint(1, 6)),
            "adm_fees": some(round(draw.uniform(80, 4_000), draw.choice([0, 2]))),
            "latitude": some(round(draw.uniform(-20.0, -19.8), draw.choice([3, 6]))),
        }
        for _ in range(draw.randint(1, 12))
    ]


class Dialect:
    """How a file writes numbers and text."""

    def __init__(self, draw: random.Random) -> None:
        self.decimal = draw.choice(".,")
        self.grouped = draw.random() < 0.4
        self.money = draw.choice(["{}", "{}", "R$ {}", "R${}", "{} BRL"])
        self.unit = draw.choice(["{}", "{}", "{} m²", "{}m2"])
        self.delimiter = draw.choice([",", ";", "\t", "|"])
        self.unknown = draw.choice(UNKNOWN)
        self.encoding = draw.choice(["utf-8", "utf-8-sig", "cp1252", "utf-16"])
        self.end = draw.choice(["\n", "\r\n"])
        self.places = draw.choice([None, 0, 1, 2, 3])
        self.quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        self.said = draw.random() < 0.2

    def number(self, value: object, places: int | None = None) -> str:
        if value is None:
            return self.unknown
        if isinstance(value, int) or (places is None and float(value) == int(value)):  # type: ignore[arg-type]
            text = f"{int(value):{',' if self.grouped else ''}}"  # type: ignore[call-overload]
        else:
            exact = max(places or 0, len(repr(float(value)).partition(".")[2]))  # type: ignore[arg-type]
            text = f"{value:{',' if self.grouped else ''}.{exact}f}"
        return text if self.decimal == "." else text.translate(str.maketrans(",.", ".,"))

    def row(self, home: Home) -> dict[str, str]:
        price = self.number(home["price"], self.places)
        fee = self.number(home["adm_fees"], self.places)
        return {
            "neighborhood": str(home["neighborhood"]),
            "area_m2": self.unit.format(self.number(home["area_m2"])),
            "price": self.money.format(price),
            "rooms": self.number(home["rooms"]),
            "adm_fees": fee if fee == self.unknown else self.money.format(fee),
            "latitude": self.unknown if home["latitude"] is None else repr(home["latitude"]).replace(".", self.decimal),
        }


def csv_file(draw: random.Random, dialect: Dialect, rows: list[dict[str, str]], fields: list[str]) -> bytes:
    out = io.StringIO()
    if draw.random() < 0.1:
        out.write(f"Imóveis{dialect.end}")
    writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator=dialect.end, quoting=dialect.quoting)
    writer.writerow([draw.choice(NAMES[field]) for field in fields])
    writer.writerows([row[field] for field in fields] for row in rows)
    return out.getvalue().encode(dialect.encoding)


def json_file(draw: random.Random, rows: list[dict[str, str]], fields: list[str]) -> bytes:
    called = {field: draw.choice(NAMES[field]) for field in fields}
    documents = [{called[field]: row[field] for field in fields} for row in rows]
    if draw.random() < 0.5:
        return json.dumps(documents, indent=draw.choice([None, 1]), ensure_ascii=False).encode()
    return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in documents).encode()


def mutated(draw: random.Random, content: bytes) -> bytes:
    """Return a file with one mistake: bytes that changed, went missing, or stand there twice."""
    if not content:
        return content
    at, width = draw.randrange(len(content)), draw.randint(1, 6)
    return {
        "changed": lambda: (
            content[:at] + bytes(draw.choice(b'"\x00\xe3;,\n.x9-') for _ in range(1)) + content[at + 1 :]
        ),
        "missing": lambda: content[:at] + content[at + width :],
        "twice": lambda: content[:at] + content[at : at + width] + content[at:],
        "torn": lambda: content[:at],
    }[draw.choice(["changed", "missing", "twice", "torn"])]()


def read(path: Path, options: Options) -> list[tuple[int, Home]]:
    rows = RowReader(path, PRICED_LISTINGS, MARKET, options)
    listings = ListingReader(rows, MARKET, strict=False)
    found: list[tuple[int, Home]] = []
    for each in rows:
        try:
            home = listings.listing(each, f"L-{each.number}")
        except InvalidRecord:
            continue
        assert not isinstance(each.found, InvalidRecord)
        values: Home = {name: getattr(home, name) for name in NAMES if name != "price"}
        found.append((each.number, values | {"price": each.found.get("price")}))
    return found


def same(found: object, written: object) -> bool:
    if isinstance(found, str) and isinstance(written, str):
        return place_key(found) == place_key(written)
    if isinstance(found, float | int) and isinstance(written, float | int):
        return abs(found - written) <= 1e-6 * abs(written)
    return found == written


def drawn(seed: int, folder: Path) -> tuple[Path, Options, list[Home], bool]:
    draw = random.Random(seed)
    written, dialect = homes(draw), Dialect(draw)
    rows = [dialect.row(home) for home in written]
    fields = draw.sample([*NAMES], len(NAMES))
    suffix = draw.choice([".csv", ".csv", ".csv", ".json"])
    content = csv_file(draw, dialect, rows, fields) if suffix == ".csv" else json_file(draw, rows, fields)
    spoiled = draw.random() < 0.5
    content = mutated(draw, content) if spoiled else content
    if draw.random() < 0.15:
        content, suffix = gzip.compress(content), f"{suffix}.gz"
    path = folder / f"{seed}{suffix}"
    path.write_bytes(content)
    return path, Options(decimal=dialect.decimal) if dialect.said else Options(), written, spoiled


def test_a_thousand_files_are_read_right_or_refused(tmp_path):
    right = refused = 0
    for seed in range(FILES):
        path, options, written, spoiled = drawn(seed, tmp_path)
        try:
            found = read(path, options)
        except Failure as failure:
            assert "\n" not in str(failure), failure
            refused += 1
            continue
        if spoiled:
            check_spoiled(seed, found, written)
            continue
        right += 1
        for number, home in found:
            for name, value in home.items():
                assert same(value, written[number - 1][name]) or value is None, (path, number, name, value)
    assert right > 0.25 * FILES
    assert refused < 0.5 * FILES


def check_spoiled(seed, found, written):
    """Of a file with one mistake all rows but those that it stands in are as they were written."""
    known = [{name: home[name] for name in NAMES} for home in written]
    wrong = [
        home
        for _, home in found
        if not any(all(same(home[name], each[name]) or home[name] is None for name in NAMES) for each in known)
    ]
    assert len(wrong) <= 2, (seed, wrong)  # a mistake within a value is a value; a line that is cut in two is two


@pytest.mark.parametrize("decimal", [".", ","])
def test_a_dialect_that_is_said_leaves_nothing_to_doubt(tmp_path, decimal):
    path = tmp_path / "a.csv"
    path.write_text("bairro;area;preco\nSavassi;1.250;450.000\n")
    ((_, home),) = read(path, Options(decimal=decimal))
    assert (home["area_m2"], home["price"]) == ((1.25, 450.0) if decimal == "." else (1_250.0, 450_000.0))
