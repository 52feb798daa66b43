"""Files that look like those of other cities: their schema and dialect, and generated homes.

No row is real. What the columns are called, and how they are written, is Ames's as in the well-known competition,
Madrid's as in idealista18, and Fortaleza's as spreadsheets of Brazilian portals have it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from listing_files.market_file import read_market
from pricing.market import SQUARE_FOOT, Market

MARKETS = Path(__file__).parent.parent / "examples" / "markets"
ROWS = 700


@dataclass(frozen=True, slots=True)
class Homes:
    """Generated homes: area in m², everything else as the market counts it."""

    frame: pd.DataFrame
    market: Market


def homes(name: str, seed: int = 5) -> Homes:
    """Return homes of a market whose prices depend on all that its file says."""
    market = read_market(MARKETS / f"{name}.yaml")
    draw = np.random.default_rng(seed)
    places = draw.choice(25, ROWS, p=np.linspace(2, 1, 25) / np.linspace(2, 1, 25).sum())
    level = draw.normal(0, 0.3, 25)[places]
    rooms = draw.choice([1, 2, 3, 4, 5], ROWS, p=[0.1, 0.3, 0.35, 0.2, 0.05])
    area = np.exp(draw.normal(3.6 + 0.28 * rooms, 0.25)).round().clip(35, 320)
    baths = draw.integers(1, 4, ROWS)
    kind = draw.choice(["a", "b", "c"], ROWS)
    middle = np.sqrt(np.prod(market.population.price))
    worth = 0.7 * np.log(area / 90) + 0.2 * (baths - 2) + level + 0.35 * (kind == "c") + draw.normal(0, 0.12, ROWS)
    centre = market.centre
    frame = pd.DataFrame(
        {
            "place": [f"Lugar {each}" for each in places],
            "area": area,
            "rooms": rooms,
            "baths": baths,
            "kind": kind,
            "garage": draw.integers(0, 3, ROWS),
            "fee": (area * draw.uniform(4, 9, ROWS)).round(-1),
            "year": draw.integers(1950, 2020, ROWS),
            "latitude": (centre.latitude + draw.normal(0, 0.01, ROWS)).round(6),
            "longitude": (centre.longitude + draw.normal(0, 0.01, ROWS)).round(6),
            "price": (middle * np.exp(worth)).round(-3),
        }
    )
    return Homes(frame, market)


def ames(folder: Path) -> Path:
    """Write square feet, and no place on the map; a comma between values."""
    homes_ = homes("ames").frame
    feet = (homes_["area"] / SQUARE_FOOT).round().astype(int)
    table = {
        "Id": range(1, ROWS + 1),
        "LotArea": feet * 6,
        "Neighborhood": homes_["place"],
        "BldgType": homes_["kind"],
        "OverallQual": homes_["baths"] * 3,
        "YearBuilt": homes_["year"],
        "GrLivArea": feet,
        "FullBath": homes_["baths"],
        "BedroomAbvGr": homes_["rooms"],
        "GarageCars": homes_["garage"],
        "GarageType": "NA",
        "SalePrice": homes_["price"].astype(int),
    }
    return _write(pd.DataFrame(table), folder / "ames.csv", sep=",", encoding="utf-8")


def madrid(folder: Path) -> Path:
    """Write semicolons and decimal commas, as a Spanish spreadsheet saves it."""
    homes_ = homes("madrid").frame
    table = {
        "ASSETID": [f"A{number:018}" for number in range(ROWS)],
        "PERIOD": 201803,
        "PRICE": homes_["price"],
        "CONSTRUCTEDAREA": homes_["area"],
        "ROOMNUMBER": homes_["rooms"],
        "BATHNUMBER": homes_["baths"],
        "HASLIFT": (homes_["kind"] == "c").astype(int),
        "FLOORCLEAN": homes_["garage"].replace(0, np.nan),
        "CADCONSTRUCTIONYEAR": homes_["year"],
        "LONGITUDE": homes_["longitude"],
        "LATITUDE": homes_["latitude"],
        "LOCATIONNAME": "Barrio de " + homes_["place"],
    }
    return _write(pd.DataFrame(table), folder / "madrid.csv", sep=";", decimal=",", encoding="utf-8-sig")


def fortaleza(folder: Path) -> Path:
    """Write Windows-1252, a title above the header, and amounts with R$ and points between the thousands."""
    homes_ = homes("fortaleza").frame

    def money(values: "pd.Series[float]") -> "pd.Series[str]":
        return "R$ " + values.map("{:,.2f}".format).str.translate(str.maketrans(",.", ".,"))

    table = {
        "Código": range(1, ROWS + 1),
        "Tipo": homes_["kind"].map({"a": "casa", "b": "cobertura", "c": "apartamento"}),
        "Bairro": homes_["place"] + np.where(np.arange(ROWS) % 2, ", Fortaleza - CE", ""),
        "Cidade": "Fortaleza",
        "Área útil": homes_["area"].map("{:.0f} m²".format),
        "Quartos": homes_["rooms"].astype(str).replace("5", "5+"),
        "Banheiros": homes_["baths"],
        "Vagas": homes_["garage"],
        "Condomínio": money(homes_["fee"]).where(np.arange(ROWS) % 3 > 0, "N/A"),
        "Preço": money(homes_["price"]),
    }
    path = _write(pd.DataFrame(table), folder / "fortaleza.csv", sep=";", encoding="cp1252")
    path.write_bytes("Imóveis à venda\r\n".encode("cp1252") + path.read_bytes())
    return path


def _write(frame: pd.DataFrame, path: Path, **how: str) -> Path:
    frame.to_csv(path, index=False, **how)  # type: ignore[call-overload]
    return path


FILES = {"ames": ames, "madrid": madrid, "fortaleza": fortaleza}
