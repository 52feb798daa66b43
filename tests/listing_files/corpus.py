"""Small files as the world writes them, each with what is read of it or the sentence that refuses it.

A file has three homes, unless it says otherwise: 85.5 m² in Savassi with 3 rooms, 1,250 m² in Santa Amélia, 102 m² in
Buritis. `READ` files must give these, whatever they look like; `REFUSED` ones their sentence; `LEFT_OUT` some rows, and
a reason for each of the others, by line.
"""

import gzip
import io
import json
import zipfile
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

HOMES = [("Savassi", 85.5, 3.0), ("Santa Amélia", 1_250.0, 4.0), ("Buritis", 102.0, 2.0)]
PRICES = (450_000.0, 1_450_000.0, 600_000.0)

KAGGLE = (
    "address,adm-fees,garage-places,price,rooms,square-foot,neighborhood,city,latitude,longitude\n"
    "Rua A,450.0,2,450000.0,3,85.5,Savassi,Belo Horizonte,-19.93,-43.93\n"
    "Rua B,,--,1450000.0,4,1250,Santa Amélia,Belo Horizonte,-19.84,-43.97\n"
    "Rua C,300.0,1,600000.0,2,102,Buritis,Belo Horizonte,-19.97,-43.96\n"
)
BRAZIL = (
    "Bairro;Área;Preço;Quartos;Condomínio\n"
    "Savassi;85,5;R$ 450.000,00;3;R$ 450,00\n"
    "Santa Amélia;1.250,00;R$ 1.450.000,00;4;N/A\n"
    "Buritis;102,00;R$ 600.000,00;2;-\n"
)
PLAIN = "neighborhood,area_m2,price,rooms\nSavassi,85.5,450000,3\nSanta Amélia,1250,1450000,4\nBuritis,102,600000,2\n"


class Case(NamedTuple):
    """A file by its name's suffix, its bytes, and the options that are given with it."""

    suffix: str
    content: bytes
    options: Mapping[str, Any] = {}


def text(content: str, written: str = "utf-8", suffix: str = ".csv", **options: Any) -> Case:
    return Case(suffix, content.encode(written), options)


def rows(**names: str) -> list[dict[str, Any]]:
    called = {"neighborhood": "neighborhood", "area": "area_m2", "rooms": "rooms", "price": "price"} | names
    return [
        {called["neighborhood"]: place, called["area"]: area, called["rooms"]: int(rooms), called["price"]: price}
        for (place, area, rooms), price in zip(HOMES, PRICES, strict=True)
    ]


def parquet(table: dict[str, Any]) -> Case:
    out = io.BytesIO()
    pq.write_table(pa.table(table), out)
    return Case(".parquet", out.getvalue())


def columns(**more: Any) -> dict[str, Any]:
    return {name: [row[name] for row in rows()] for name in rows()[0]} | more


def workbook(*lines: tuple[Any, ...]) -> Case:
    """Return a workbook of one sheet, in the few parts that a reader needs."""
    cells = "".join(f"<row>{''.join(_cell(value) for value in line)}</row>" for line in lines)
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook {main} xmlns:r="{office}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr("xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>")
    return Case(".xlsx", out.getvalue())


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def geojson() -> str:
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-43.9, -19.9]}, "properties": row}
        for row in rows(neighborhood="bairro", area="m2")
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def jsonl(found: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in found)


def nested(row: dict[str, Any]) -> dict[str, Any]:
    place = {"neighborhood": row["neighborhood"], "point": {"lat": -19.9, "lng": -43.9}}
    return {"where": place, "size": {"area_m2": row["area_m2"]}, "rooms": row["rooms"], "price": row["price"]}


def headed(**names: str) -> Case:
    """Return the plain file with other names in its header."""
    head, rest = PLAIN.split("\n", 1)
    called = [names.get(name, name) for name in head.split(",")]
    return text(f"{','.join(called)}\n{rest}")


def changed(old: str, new: str, source: str = PLAIN, **options: Any) -> Case:
    assert old in source, old
    return text(source.replace(old, new), **options)


SQUARE_FEET = [("Savassi", 920, 3), ("Santa Amélia", 13_455, 4), ("Buritis", 1_098, 2)]

READ: dict[str, Case] = {
    "the header of the first file": text(KAGGLE),
    "canonical names": text(PLAIN),
    "UTF-8 with a mark": text(PLAIN, "utf-8-sig"),
    "Windows-1252": text(PLAIN, "cp1252"),
    "Latin-1": text(PLAIN, "latin-1"),
    "Windows-1252 whose first accent comes late": Case(
        ".csv",
        (
            PLAIN.split("\n", 1)[0] + ",note\n" + "".join(f"{each},{'x' * 70_000}\n" for each in PLAIN.split("\n")[1:4])
        ).encode("cp1252"),
    ),
    "UTF-16 with a mark": text(PLAIN, "utf-16"),
    "UTF-16 big-endian without one": text(PLAIN, "utf-16-be"),
    "UTF-16 little-endian, semicolons": text(BRAZIL, "utf-16-le"),
    "an encoding that is said": text(PLAIN, "cp850", encoding="cp850"),
    "a spreadsheet of Brazil": text(BRAZIL),
    "a spreadsheet of Brazil in Windows-1252 with CRLF": text(BRAZIL.replace("\n", "\r\n"), "cp1252"),
    "tabs": text(PLAIN.replace(",", "\t"), suffix=".tsv"),
    "bars": text(PLAIN.replace(",", "|"), suffix=".txt"),
    "a delimiter that is said": text(PLAIN.replace(",", ";"), delimiter=";"),
    "lines that end in CR alone": text(PLAIN.replace("\n", "\r")),
    "gzip": Case(".csv.gz", gzip.compress(PLAIN.encode())),
    "zstd": Case(".csv.zst", zstandard.compress(PLAIN.encode())),
    "gzip under a plain name": Case(".csv", gzip.compress(BRAZIL.encode("cp1252"))),
    "JSON Lines in zstd": Case(".jsonl.zst", zstandard.compress(jsonl(rows()).encode())),
    "a title line": text(f"Imóveis à venda\n{PLAIN}"),
    "a title, a blank line, and commas in the title": text(f"Imóveis, bairros e preços\n\n{PLAIN}"),
    "blank lines": text(PLAIN.replace("\n", "\n\n")),
    "blanks around values and names": text(PLAIN.replace(",", " , ")),
    "quotes around everything": text(
        "\n".join(",".join(f'"{each}"' for each in line.split(",")) for line in PLAIN.strip().split("\n"))
    ),
    "names in capitals": text(PLAIN.split("\n")[0].upper() + "\n" + PLAIN.split("\n", 1)[1]),
    "names with blanks, hyphens and case": headed(neighborhood="Neighborhood", area_m2="Area-M2", rooms=" Rooms "),
    "Portuguese names": headed(neighborhood="bairro", area_m2="área", rooms="quartos", price="preço"),
    "Portuguese names without accents": headed(neighborhood="BAIRRO", area_m2="AREA", rooms="QUARTOS", price="PRECO"),
    "British names": headed(neighborhood="neighbourhood", rooms="bedrooms", price="asking price"),
    "metres in the header": headed(area_m2="Área (m²)"),
    "the currency in the header": headed(price="price_brl"),
    "a mapped name": Case(".csv", headed(area_m2="usableAreas").content, {"columns": {"area_m2": "usableAreas"}}),
    "a mapped name in other case": Case(
        ".csv", headed(area_m2="usableAreas").content, {"columns": {"area_m2": "UsableAreas"}}
    ),
    "a column nobody reads twice": text(PLAIN.replace("\n", ",a,b\n").replace("rooms,a,b", "rooms,note,note")),
    "a column without a name": text(
        "".join(f"{n},{line}\n" for n, line in enumerate(PLAIN.strip().split("\n"))).replace("0,n", ",n", 1)
    ),
    "units in the cells": text(
        PLAIN.replace("85.5", "85.5 m²").replace(",1250", ",1250m2").replace(",102,", ",102 sqm,")
    ),
    "an open range": changed(",4\n", ",4+\n"),
    "a range of areas": changed("85.5", "80-91"),
    "a range with an en dash": changed("85.5", "80–91"),
    "blanks between thousands": changed("1250", "1 250"),
    "a comma between thousands, in quotes": text(PLAIN.replace("1250", '"1,250"').replace("1450000", '"1,450,000"')),
    "decimal commas in quotes": text(
        PLAIN.replace("85.5", '"85,5"').replace("1250", '"1.250,00"').replace("1450000", '"1.450.000"')
    ),
    "points that must be thousands, as commas are decimals elsewhere": text(
        BRAZIL.replace("1.250,00", "1.250").replace("102,00", "102")
    ),
    "points that are said to be thousands": text(
        "bairro;area;quartos;preco\nSavassi;85,5;3;450.000\nSanta Amélia;1.250;4;1.450.000\nBuritis;102;2;600.000\n",
        decimal=",",
    ),
    "square feet in the cells": text(PLAIN.replace("85.5", "920.314341 sq ft").replace(",102,", ",1097.918863 sqft,")),
    "latitudes with three decimals": text(
        KAGGLE.replace("-19.93", "-19.935").replace("-19.84", "-19.843").replace("-19.97", "-19.976")
    ),
    "scientific notation": changed("1250", "1.25e3"),
    "decomposed accents": text(PLAIN.replace("Amélia", "Amélia")),
    "a quoted address of several lines": text(
        PLAIN.replace("rooms\n", "rooms,address\n")
        .replace("3\n", '3,"Rua A\nfundos"\n')
        .replace(",4\n", ",4,\n")
        .replace(",2\n", ",2,\n")
    ),
    "JSON Lines": text(jsonl(rows()), suffix=".jsonl"),
    "JSON Lines with Portuguese names": text(
        jsonl(rows(neighborhood="bairro", area="área", rooms="quartos", price="preço")), suffix=".ndjson"
    ),
    "JSON Lines with numbers as text": text(
        jsonl([{k: str(v) for k, v in row.items()} for row in rows()]), suffix=".jsonl"
    ),
    "JSON Lines of nested objects": text(jsonl([nested(row) for row in rows()]), suffix=".jsonl"),
    "a JSON array": text(json.dumps(rows()), suffix=".json"),
    "a pretty JSON array": text(json.dumps(rows(), indent=2, ensure_ascii=False), suffix=".json"),
    "JSON with the rows in an object": text(json.dumps({"total": 3, "listings": rows()}, indent=1), suffix=".json"),
    "JSON in Windows-1252": text(json.dumps(rows(), ensure_ascii=False), "cp1252", suffix=".json"),
    "GeoJSON": text(geojson(), suffix=".geojson"),
    "a feature of GeoJSON a line": text(jsonl(json.loads(geojson())["features"]), suffix=".jsonl"),
    "JSON with the rows deep within": text(
        json.dumps({"page": {"tags": ["a"], "items": rows()}}, indent=1), suffix=".json"
    ),
    "Parquet of decimals": parquet(
        columns(area_m2=[Decimal(str(area)) for _, area, _ in HOMES], price=[Decimal(str(each)) for each in PRICES])
    ),
    "a line for Excel above the header": text(f"sep=;\n{BRAZIL}"),
    "JSON Lines whose rows name fields otherwise": text(
        jsonl(
            [
                rows()[0],
                rows(neighborhood="bairro", area="área", rooms="quartos", price="preço")[1],
                {**rows()[2], "bairro": "Sion", "m2": 1},
            ]
        ),
        suffix=".jsonl",
    ),
    "JSON under another name": text(json.dumps(rows(), indent=1), suffix=".txt"),
    "JSON whose numbers stand in lists, as an API of a portal has them": text(
        jsonl(
            [
                {
                    "address": {"neighborhood": row["neighborhood"]},
                    "usableAreas": [row["area_m2"]],
                    "bedrooms": [row["rooms"]],
                    "price": str(row["price"]),
                }
                for row in rows()
            ]
        ),
        suffix=".jsonl",
        columns={"area_m2": "usableAreas"},
    ),
    "Parquet": parquet(columns()),
    "Parquet of text": parquet({name: [str(each) for each in column] for name, column in columns().items()}),
    "Parquet with a date beyond the calendar that nobody reads": parquet(
        columns(seen=pa.array([2**62] * 3, pa.timestamp("us")))
    ),
    "Parquet with an index and NaN": parquet(
        columns(__index_level_0__=[0, 1, 2], latitude=[float("nan"), None, -19.9])
    ),
    "Excel": workbook(
        ("neighborhood", "area_m2", "rooms", "price"),
        *((*home, price) for home, price in zip(HOMES, PRICES, strict=True)),
    ),
    "Excel with a title and Portuguese names": workbook(
        ("Imóveis",),
        ("Bairro", "Área", "Quartos", "Preço"),
        *((*home, price) for home, price in zip(HOMES, PRICES, strict=True)),
    ),
    "a torn last line": text(PLAIN.rstrip("\n")),
    "an id": text(
        PLAIN.replace("neighborhood,", "listing_id,neighborhood,").replace("\nS", "\nX,S").replace("\nB", "\nY,B")
    ),
    "an id that is named": text(
        PLAIN.replace("neighborhood,", "Code,neighborhood,").replace("\nS", "\nX,S").replace("\nB", "\nY,B"),
        columns={"listing_id": "Code"},
    ),
}

UNKNOWN = ("", "-", "--", "N/A", "n/a", "null", "None", "nan", "NaN", "#N/A", "?", "Não informado")

LATE = (PLAIN.replace("Santa Am", "x" * 70_000 + "Am")).encode("cp1252")

REFUSED: dict[str, tuple[Case, str]] = {
    "Windows-1252 in gzip whose first accent comes late": (
        Case(".csv.gz", gzip.compress(LATE)),
        "taken for UTF-8, and it is not (byte 0xe9): say --encoding windows-1252",
    ),
    "nothing": (text(""), "empty, expected a header with neighborhood or bairro and area_m2 or square-foot"),
    "blank lines alone": (text("\n\n"), "empty, expected a header"),
    "another header": (
        text("zone,size_km\nx,1\n"),
        "no column neighborhood or bairro, no column area_m2 or square-foot",
    ),
    "a near miss": (headed(neighborhood="neigborhood"), "(is neighborhood neigborhood?)"),
    "another near miss": (headed(area_m2="areas"), "(is area_m2 areas?)"),
    "another delimiter": (text(PLAIN.replace(",", "^")), "is the delimiter another one? --delimiter"),
    "areas that may be either": (
        text("bairro;area;preco\nSavassi;1.250;1\nSion;1.100;2\n"),
        "column area: 1.250 may be 1250 or 1.25; say which is the decimal mark: --decimal . or --decimal ,",
    ),
    "areas that may be either, with commas": (
        text('bairro,area,preco\nSavassi,"1,250",1\n'),
        "column area: 1,250 may be 1250 or 1.25",
    ),
    "decimal points and commas in one column": (
        text("bairro;area;preco\nA;85.5;1\nB;85,5;1\nC;90,5;1\nD;90.5;1\n"),
        "column area: 2 values with a decimal point, 2 with a decimal comma; say which with --decimal",
    ),
    "fees that may be either": (
        text("bairro,area,preco,condominio\nA,85.5,1,1.250\nB,90,1,1.100\n"),
        "column condominio: 1.250 may be",
    ),
    "two columns for one field": (
        text("bairro,area,área útil,preco\nA,80,70,1\n"),
        "several columns for area_m2: area, área útil; say which one with --map area_m2=area",
    ),
    "a column that is read twice": (
        text("neighborhood,area_m2,area_m2,price\nA,1,2,1\n"),
        "the column area_m2 stands there more than once",
    ),
    "a mapped column that is not there": (
        text(PLAIN, columns={"area_m2": "usableAreas"}),
        "no column usableAreas for area_m2; found: neighborhood, area_m2",
    ),
    "UTF-8 that is said to be Latin-1": (
        text(PLAIN, encoding="latin-1"),
        "not latin-1, as --encoding has it: it is valid UTF-8",
    ),
    "UTF-16 that is said to be UTF-8": (
        Case(".csv", PLAIN.encode("utf-16"), {"encoding": "utf-8"}),
        "not utf-8, as --encoding has it: its first bytes say UTF-16",
    ),
    "UTF-8 and Windows-1252 in one": (
        Case(".csv", (PLAIN + "é,1,1,1\n" * 2).encode() + ("ã,1,1,1\n" * 5).encode("cp1252")),
        "neither UTF-8 nor Windows-1252, or both",
    ),
    "a zip archive": (Case(".csv", b"PK\x03\x04" + b"x" * 40), "a zip archive, not a file of listings"),
    "a picture": (Case(".csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0"), "not a text file"),
    "damaged gzip": (Case(".csv.gz", gzip.compress(PLAIN.encode() * 50)[:-20]), "Compressed file ended"),
    "damaged zstd": (Case(".csv.zst", zstandard.compress(PLAIN.encode() * 50)[:-9] + b"123456789"), "damaged"),
    "damaged Parquet": (Case(".parquet", b"PAR1 but not really"), "not a Parquet file"),
    "damaged Excel": (Case(".xlsx", b"PK\x03\x04nothing"), "not an Excel workbook"),
    "a JSON document that ends too early": (
        text(json.dumps(rows(), indent=1)[:-30], suffix=".json"),
        "not JSON behind row",
    ),
}

LEFT_OUT: dict[str, tuple[Case, dict[int, str]]] = {
    "a pair of stray quotes": (
        text(PLAIN.replace("1250", '"1250').replace("102", '102"')),
        {3: "line 3: not CSV (a stray quote joins it", 4: "area_m2: expected a number"},
    ),
    "a ragged row": (changed("1250,1450000,4", "1250,1450000"), {3: "line 3: 3 values for 4 columns"}),
    "a row that is too long": (changed("1250,1450000,4", "1250,1450000,4,5"), {3: "line 3: 5 values for 4 columns"}),
    "a NUL byte": (changed("Santa Am", "Santa\0Am"), {3: "line 3: a NUL byte"}),
    "a stray quote": (changed("Santa", '"Santa'), {3: "line 3: not CSV"}),
    "an area that is no number": (changed("1250", "big"), {3: 'area_m2: expected a number, got "big"'}),
    "an area that may be either, among decimals": (
        changed("1250", "1.250"),
        {3: 'area_m2: expected one number, and this is 1.25 or 1250, got "1.250"'},
    ),
    "an area in another currency": (changed("1250", "US$ 1250"), {3: 'area_m2: expected a number, got "US$ 1250"'}),
    "no area": (changed("1250", "0"), {3: "area_m2: expected a number > 0, got 0"}),
    "an area beyond all": (changed("1250", "100001"), {3: "area_m2: expected a number <= 100000, got 100001"}),
    **{
        f"a neighbourhood of {marker!r}": (changed("Santa Amélia", marker), {3: "neighborhood: required, but missing"})
        for marker in UNKNOWN
    },
    **{
        f"an area of {marker!r}": (changed("1250", marker), {3: "area_m2: required, but missing"}) for marker in UNKNOWN
    },
    "a line of JSON that is none": (
        text(jsonl(rows()).replace('{"neighborhood": "Santa', '{"neighborhood": Santa'), suffix=".jsonl"),
        {2: "line 2: not one JSON object a line"},
    ),
    "a JSON row that is no object": (
        text(json.dumps([rows()[0], 5, rows()[2]]), suffix=".json"),
        {2: "row 2: expected a JSON object, got 5"},
    ),
    "a byte that is no UTF-8": (
        Case(".csv", PLAIN.replace("Buritis", "Sã").encode().replace("ã".encode(), b"\xe3").replace(b"102", b"102")),
        {4: "line 4: not UTF-8 (byte 0xe3"},
    ),
}

# An optional value that cannot be read is unknown, and said.
UNREAD: dict[str, tuple[Case, str]] = {
    "rooms in words": (
        changed(",4\n", ",four\n"),
        'rooms: 1 value could not be read and counts as unknown; the first on line 3: expected a number, got "four"',
    ),
    "half a room": (
        changed(",4\n", ",4.5\n"),
        "rooms: 1 value could not be read and counts as unknown; the first on line 3: expected a whole number, got",
    ),
    "a latitude with thousands": (
        text(KAGGLE.replace("-19.84", "-19.843.138")),
        "latitude: 1 value could not be read and counts as unknown; the first on line 3",
    ),
    "a place nowhere on earth": (
        text(KAGGLE.replace("-19.84", "-190.84")),
        "latitude: 1 value could not be read and counts as unknown; the first on line 3: expected a number >= -90",
    ),
    "a fee in another currency": (
        text(KAGGLE.replace("Rua B,,", "Rua B,US$ 300,")),
        "adm_fees: 1 value could not be read and counts as unknown; the first on line 3",
    ),
}
