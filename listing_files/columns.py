"""Which column of a file holds which field: names in any case, in Portuguese and English, or as somebody says."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pricing.market import SQUARE_FOOT, Market
from pricing.places import place_key
from terminal.errors import Failure, UsageFailure

# By what a field is known in files. Names are compared without case, accents, blanks and punctuation.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "listing_id": (),
    "neighborhood": (
        "neighbourhood",
        "bairro",
        "barrio",
        "suburb",
        "district",
        "place name",
        "quartier",
        "quartiere",
        "stadtteil",
    ),
    "city": ("cidade", "município", "ciudad", "town", "ville", "città", "stadt"),
    "address": ("endereço", "logradouro", "rua", "street address", "dirección", "adresse", "indirizzo"),
    "area_m2": (
        "m2",
        "sqm",
        "area sqm",
        "area in m2",
        "square meters",
        "square metres",
        "surface covered in m2",
        "metros quadrados",
        "área útil m2",
    ),
    "rooms": ("quartos", "quarto", "bedrooms", "beds", "dormitórios", "habitaciones", "number of rooms"),
    "garage_places": (
        "vagas",
        "vaga",
        "car spaces",
        "garage",
        "garagem",
        "garage spaces",
        "parking",
        "parking spaces",
        "vagas de garagem",
    ),
    "adm_fees": (
        "condomínio",
        "taxa de condomínio",
        "valor condomínio",
        "condo",
        "condo fee",
        "condo fees",
        "monthly condo fee",
        "hoa",
        "hoa fee",
    ),
    "latitude": ("lat",),
    "longitude": ("lon", "lng", "long"),
    "price": ("preço", "valor", "preço de venda", "valor de venda", "asking price", "list price", "precio", "prix"),
    "sale_price": ("preço de venda", "valor de venda", "sold price"),
    "sold_at": ("sold on", "sold date", "sale date", "data da venda", "data de venda"),
}
AREA_OF_THE_MARKET = (
    "square-foot",
    "area",
    "área útil",
    "metragem",
    "área privativa",
    "área construída",
    "usable area",
    "living area",
    "size",
    "superficie",
)
SQUARE_FEET = (
    "sqft",
    "square feet",
    "area sqft",
    "sqft living",
    "living area sqft",
    "size sqft",
)
IN_THE_CURRENCY = ("price", "sale_price")  # `price_brl` is one, `price_usd` is another market's
SHOWN = 12  # names that a sentence lists
NEAR = 0.75  # of `difflib`'s ratio


@dataclass(frozen=True, slots=True)
class Target:
    """The field that a column holds; `factor` turns its numbers into the field's unit."""

    field: str
    factor: float = 1.0


def compact(name: str) -> str:
    """Return a column's name as names are compared."""
    return place_key(name).replace(" ", "")


class Columns:
    """The columns of a file, as their names come to be known; `targets` are those that are read."""

    def __init__(
        self,
        wanted: Sequence[str],
        required: Sequence[str],
        market: Market,
        chosen: Mapping[str, str],
        name: str,
    ) -> None:
        self.wanted = (*wanted, *market.columns) if "area_m2" in wanted else tuple(wanted)
        self.required = tuple(required)
        self.targets: dict[str, Target] = {}
        self.unread: list[str] = []
        self._market = market
        self._name = name
        self._chosen = {compact(column): field for field, column in chosen.items()}
        self._said = {compact(column): column for column in chosen.values()}
        self._known = self._names()
        if unknown := [field for field in chosen if field not in self.wanted]:
            raise UsageFailure(f"--map {unknown[0]}=…: no such field; there are {', '.join(self.wanted)}")

    def _names(self) -> dict[str, Target]:
        known: dict[str, Target] = {}
        for field in self.wanted:
            own = self._market.columns.get(field)
            names = [field, *(own.names if own else SYNONYMS[field])]
            headers = self._market.headers.get(field, ())
            if field in IN_THE_CURRENCY:
                names += [f"{each} {self._market.currency}" for each in names]
            known |= {compact(each): Target(field) for each in names}
            known |= {compact(each): Target(field, self._unit(field)) for each in headers}
        if "area_m2" in self.wanted:
            unit = self._unit("area_m2")
            known |= {compact(each): Target("area_m2", unit) for each in AREA_OF_THE_MARKET}
            known |= {compact(each): Target("area_m2", SQUARE_FOOT) for each in SQUARE_FEET}
        return known

    def _unit(self, field: str) -> float:
        """Return what turns numbers of a column that states no unit into the field's."""
        return SQUARE_FOOT if field == "area_m2" and self._market.area_unit == "sqft" else 1.0

    def _target(self, column: str) -> Target | None:
        """Return what a column is for; of a nested name (`location.lat`) the last part says it, too."""
        key = compact(column)
        if key in self._chosen:
            field = self._chosen[key]
            known = self._known.get(key)
            return known if known and known.field == field else Target(field, self._unit(field))
        found = self._known.get(key) or self._known.get(compact(column.rpartition(".")[2]))
        return None if found and found.field in self._chosen.values() else found

    def recognised(self, names: Iterable[str]) -> int:
        """Return how many fields a header of these names has."""
        return len({found.field for each in names if (found := self._target(each))})

    def distinct(self, names: Sequence[str]) -> list[str]:
        """Return a header's names made distinct: a second `notes` is called `notes (2)`.

        Raises `Failure` where a name that stands there twice is one that is read.
        """
        times: Counter[str] = Counter()
        found = []
        for name in names:
            times[name.strip()] += 1
            if times[name.strip()] > 1 and self._target(name):
                raise Failure(f"{self._name}: the column {name.strip()} stands there more than once")
            found.append(name if times[name.strip()] == 1 else f"{name} ({times[name.strip()]})")
        return found

    def add(self, names: Iterable[str]) -> None:
        """Take columns in; raises `Failure` where two of them are for one field and none has a better name.

        Rows of JSON may call a field otherwise than rows before them; where one row has several, the best name counts.
        """
        candidates: dict[str, list[str]] = {}
        for column in names:
            target = self._target(column)
            if target is None:
                self.unread.append(column)
            elif column not in self.targets:
                candidates.setdefault(target.field, []).append(column)
        for field, columns in candidates.items():
            best, *others = sorted(columns, key=lambda each: self.rank(each, field))
            if others and self.rank(best, field) == self.rank(others[0], field):
                self._refuse_both(field, best, others)
            if target := self._target(best):
                self.targets[best] = target
            self.unread += others

    def rank(self, column: str, field: str) -> int:
        """Return how good a name a column has for its field; 0 is the best: one that somebody said."""
        key = compact(column)
        return 0 if key in self._chosen else 1 if column.strip() == field else 2 if key == compact(field) else 3

    def _refuse_both(self, field: str, column: str, others: Sequence[str]) -> None:
        both = ", ".join((column, *others))
        raise Failure(f"{self._name}: several columns for {field}: {both}; say which one with --map {field}={column}")

    def check(self, names: Sequence[str]) -> None:
        """Raise `Failure` for a header that lacks a field, `UsageFailure` for one without a column that was named."""
        keys = {compact(each) for each in names}
        if absent := [column for column in self._chosen if column not in keys]:
            near = _nearest(absent[0], names)
            what = f"no column {self._said[absent[0]]} for {self._chosen[absent[0]]}"
            raise UsageFailure(f"{self._name}: {what}; found: {_list(names)}{near}")
        have = {target.field for target in self.targets.values()}
        missing = [field for field in self.required if field not in have]
        if not missing:
            return
        named = ", no column ".join(self.called(each) for each in missing)
        near = "".join(self._near(each) for each in missing) if len(names) > 1 else ""
        how = f"--map {missing[0]}=COLUMN names it" if len(names) > 1 else "is the delimiter another one? --delimiter"
        raise Failure(f"{self._name}: no column {named}; found: {_list(names)}{near}; {how}")

    def called(self, field: str) -> str:
        """Return by what names a required field goes."""
        usual = {"area_m2": "square-foot", "neighborhood": "bairro", "price": "preço"}
        return f"{field} or {usual[field]}" if field in usual else field

    def _near(self, field: str) -> str:
        found = self.near_misses(field)
        return f" (is {field} {' or '.join(found)}?)" if found else ""

    def near_misses(self, field: str) -> list[str]:
        """Return unread columns whose names are nearly those of a field."""
        names = [key for key, target in self._known.items() if target.field == field]
        keys = {compact(each): each for each in self.unread}
        found = [near for name in names for near in get_close_matches(name, list(keys), cutoff=NEAR)]
        found += [key for key in keys for name in names if len(name) > 3 and name in key]
        return [keys[each] for each in dict.fromkeys(found)]

    def told(self) -> str:
        """Return in words what is read of which column, and what is not."""
        read = ", ".join(_told(column, target) for column, target in self.targets.items())
        have = {target.field for target in self.targets.values()}
        absent = [field for field in self.wanted if field not in have and field != "listing_id"]
        words = f"read: {read or 'nothing'}"
        if absent:
            words += f"; not there: {', '.join(absent)}"
            words += "".join(self._near(each) for each in absent)
        return words + (f"; not read: {_list(self.unread)}" if self.unread else "")


def _told(column: str, target: Target) -> str:
    unit = ""
    if target.field == "area_m2" and target.factor == 1.0 and compact(column) == compact("square-foot"):
        unit = ", in m²"
    elif target.factor != 1.0:
        unit = ", square feet turned into m²"
    return target.field if column.strip() == target.field and not unit else f"{target.field} ({column.strip()}{unit})"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(each.strip() or "(without a name)" for each in names[:SHOWN])
    shown = shown if len(shown) <= 200 else f"{shown[:200]}…"
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _nearest(name: str, names: Sequence[str]) -> str:
    keys = {compact(each): each for each in names}
    near = [keys[each] for each in get_close_matches(compact(name), list(keys), cutoff=NEAR)]
    return f"; nearest: {', '.join(near)}" if near else ""
