"""Values as people and programs write them in files: what is unknown, and which number a text is.

`1.250` is 1250 in Brazil and 1.25 elsewhere. Which one, its column as a whole tells (`DecimalEvidence`); where it does
not, the value has two readings and is refused, never guessed.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from pricing.market import SQUARE_FOOT, Market
from pricing.normalise import is_unknown

Mark = Literal[".", ","]
UNDECIDED: Literal[""] = ""
LONG = 2  # of decimals of any length there are so many for each that has three by chance, and more
MINORITY = 0.05  # of a column's values that may contradict the others; they are refused

_PLAIN = re.compile(r"[+-]?\d+", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d{1,3}", re.ASCII)
_MARKED = re.compile(r"[+-]?[\d.,]*\d[\d.,]*", re.ASCII)
_SPACES = re.compile(r"(?<=\d)[\s'’](?=\d{3}(?!\d))")  # between groups of three digits: 450 000, 450'000
_RANGE = re.compile(r"([\d.,]*\d)\s*[-–]\s*([\d.,]*\d)", re.ASCII)
_METRES = r"m²|m2|m\^2|sqm|sq\.? ?m|square met(?:er|re)s?|metros? quadrados?"
_FEET = r"sqft|sq\.? ?ft\.?|ft²|ft2|ft\^2|square f(?:ee|oo)t"
_AREA = re.compile(rf"(?P<number>.*?\d)\s*(?:(?P<feet>{_FEET})|(?:{_METRES}))", re.IGNORECASE)


class Unreadable(ValueError):
    """A value that is none of its kind: `str(error)` says what was expected."""


class TwoReadings(Unreadable):
    """A number that may be either of two."""


@dataclass(frozen=True, slots=True)
class DecimalStyle:
    """How a column writes decimals: its mark, `UNDECIDED` where nothing has shown it.

    With `short` no value but those of groups of three digits has had three decimals: then one that has is no decimal
    beyond doubt.
    """

    mark: Literal[".", ",", ""] = UNDECIDED
    short: bool = False


def number(text: str, decimal: DecimalStyle) -> float:
    """Return the number that a text without unit or currency is; raises `Unreadable`, `TwoReadings`."""
    if _PLAIN.fullmatch(text):
        return float(text)
    if _SCIENTIFIC.fullmatch(text) and decimal.mark != "," and math.isfinite(found := float(text)):
        return found
    text = _SPACES.sub("", text)
    if not _MARKED.fullmatch(text):
        raise Unreadable("a number")
    marks = [each for each in text if each in ".,"]
    if not marks:
        return float(text)
    shown, sure = _evidence(text)
    mark = decimal.mark or shown
    if not sure and (not decimal.mark or (decimal.short and shown == decimal.mark)):
        whole, _, rest = text.rpartition(marks[-1])
        raise TwoReadings(f"one number, and this is {float(f'{whole}.{rest}'):g} or {float(whole + rest):g}")
    if sure and shown not in (mark, UNDECIDED):
        raise Unreadable(f"a number with the decimal mark {mark}")
    whole, _, fraction = text.partition(mark) if mark in text else (text, "", "")
    thousands = "," if mark == "." else "."
    if thousands in fraction or mark in fraction or not _grouped(whole.lstrip("+-"), thousands):
        raise Unreadable(f"a number with the decimal mark {mark}")
    return float(f"{whole.replace(thousands, '') or '0'}.{fraction or '0'}")


def _evidence(text: str) -> tuple[Literal[".", ",", ""], bool]:
    """Return the decimal mark that a number with marks shows, and whether it can be no other.

    Of a number in well-formed groups with one mark only, it is the mark itself, and may be the other one.
    """
    marks = {each for each in text if each in ".,"}
    last: Mark = "." if text.rfind(".") > text.rfind(",") else ","
    if len(marks) == 2:
        return last, True
    other: Mark = "," if last == "." else "."
    if text.count(last) > 1:
        return other, True
    whole, _, fraction = text.lstrip("+-").partition(last)
    grouped = len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return last, not grouped


def _grouped(whole: str, mark: str) -> bool:
    first, *groups = whole.split(mark)
    return not groups or (1 <= len(first) <= 3 and all(len(each) == 3 for each in groups))


def number_or_range(text: str, decimal: DecimalStyle, *, up: bool = False) -> float:
    """Return a number, the middle of a range, or the lower end of an open one (3+); `up` rounds a middle up."""
    if bounds := _RANGE.fullmatch(text):
        middle = (number(bounds[1], decimal) + number(bounds[2], decimal)) / 2
        return float(-(-middle // 1)) if up else middle
    return number(text.removesuffix("+").rstrip() if text.endswith("+") else text, decimal)


def area(text: str, decimal: DecimalStyle, factor: float) -> float:
    """Return an area in m²; `factor` is how many m² the column's unit is, where the value names none itself."""
    if named := _AREA.fullmatch(text):
        unit = SQUARE_FOOT if named["feet"] else 1.0
        return round(number_or_range(named["number"].rstrip(), decimal) * unit, 6)
    return round(number_or_range(text, decimal) * factor, 6)


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts in a market's currency, with or without its symbol."""

    symbols: re.Pattern[str]

    @classmethod
    def of(cls, market: Market) -> "Money":
        """Return the amounts of a market."""
        names = sorted({*market.symbols, market.currency}, key=len, reverse=True)
        return cls(re.compile("|".join(map(re.escape, names)), re.IGNORECASE))

    def bare(self, text: str) -> str:
        """Return a text without the symbol before or behind its amount."""
        if text[:1].isdigit() and text[-1:].isdigit():
            return text
        found = self.symbols.match(text)
        text = text[found.end() :].lstrip() if found else text
        for found in self.symbols.finditer(text):
            if found.end() == len(text):
                text = text[: found.start()].rstrip()
        return text

    def amount(self, text: str, decimal: DecimalStyle) -> float:
        """Return an amount; raises `Unreadable` for one in another currency, too."""
        return number_or_range(self.bare(text), decimal)


@dataclass(slots=True)
class DecimalEvidence:
    """What the values of a column say of its decimal mark."""

    sure: Counter[str] = field(default_factory=Counter)
    either: Counter[str] = field(default_factory=Counter)
    example: str = ""
    long: int = 0  # values with decimals beyond a group of three, or three that are no group

    def see(self, value: str) -> None:
        """Take a value into account."""
        if is_unknown(value):
            return
        for text in re.findall(r"\d[\d.,]*\d", value):
            marks = {each for each in text if each in ".,"}
            if not marks:
                continue
            mark, sure = _evidence(text)
            if sure:
                self.sure[mark] += 1
                self.long += mark in text and len(text.rpartition(mark)[2]) >= 3
            else:
                self.either[mark] += 1
                self.example = self.example or text

    def decimal(self, others: "DecimalStyle") -> DecimalStyle | None:
        """Return how the column writes decimals, as it shows itself or as `others` do; None where two are possible."""
        point, comma = self.sure["."], self.sure[","]
        if point and comma:
            few, many = sorted((point, comma))
            if few > MINORITY * (few + many):
                return None
        if point or comma:
            mark: Mark = "." if point > comma else ","
            return DecimalStyle(mark, short=self.long < LONG * max(1, self.either[mark]))
        if not self.either:
            return DecimalStyle(others.mark, short=True)
        (shown,) = self.either if len(self.either) == 1 else (UNDECIDED,)
        return DecimalStyle(others.mark) if others.mark and shown and shown != others.mark else None


def common_mark(columns: Iterable[DecimalEvidence]) -> DecimalStyle:
    """Return the decimal mark that columns show of themselves, where they agree."""
    marks = {mark for each in columns for mark, count in each.sure.items() if count}
    return DecimalStyle(".") if marks == {"."} else DecimalStyle(",") if marks == {","} else DecimalStyle()
