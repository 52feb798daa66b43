"""Rows of a CSV file that a pair of stray quotes made one.

A quote before a value and another one behind a value of a later row make one value of all that stands between them.
Where both stand in the same column, what comes of it has the right number of values, and only looks like a row.
"""

import csv

from pricing.normalise import SPELLINGS, number_or_range


def are_rows(lines: list[str], header: list[str]) -> bool:
    """Return whether each of these lines, blank ones aside, could be a row by itself.

    That is one with a value for every column, and with a number, or nothing, for an area: of an address, for one,
    that fills several lines, each would have to look like that. The last line of a file may be torn, and says nothing.
    """
    whole = lines if lines[-1].endswith(("\r", "\n")) or len(lines) == 1 else lines[:-1]
    return all(_is_row(line, header) for line in whole if not line.isspace())


def _is_row(line: str, header: list[str]) -> bool:
    try:
        *values, last = next(csv.reader([line]))
    except csv.Error:
        return False
    is_open = last.endswith(("\r", "\n"))
    values += last.split(",") if is_open else [last]
    return len(values) == len(header) and all(_is_number(value) for value in _areas(values, header))


def _areas(values: list[str], header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    return [value for name, value in zip(names, values, strict=True) if SPELLINGS.get(name, name) == "area_m2"]


def _is_number(text: str) -> bool:
    try:
        number_or_range(text.replace('"', ""))  # a stray one may stand here
    except ValueError:
        return False
    return True
