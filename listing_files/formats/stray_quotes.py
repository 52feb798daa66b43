"""Rows of a CSV file that a pair of stray quotes made one.

A quote before a value and another one behind a value of a later row make one value of all that stands between them.
Where both stand in the same column, what comes of it has the right number of values, and only looks like a row.
"""

import csv
from collections.abc import Callable, Sequence


def are_rows(
    lines: Sequence[str], header: Sequence[str], delimiter: str, is_number: Callable[[str, str], bool]
) -> bool:
    """Return whether each of these lines, blank ones aside, could be a row by itself.

    That is one with a value for every column, and with a number, or nothing, in columns of numbers: of an address, for
    one, that fills several lines, each would have to look like that. The last line of a file may be torn, and says
    nothing.
    """
    whole = lines if lines[-1].endswith(("\r", "\n")) or len(lines) == 1 else lines[:-1]
    return all(_is_row(line, header, delimiter, is_number) for line in whole if not line.isspace())


def _is_row(line: str, header: Sequence[str], delimiter: str, is_number: Callable[[str, str], bool]) -> bool:
    try:
        *values, last = next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return False
    is_open = last.endswith(("\r", "\n"))
    values += last.split(delimiter) if is_open else [last]
    return len(values) == len(header) and all(
        is_number(name, value.replace('"', "")) for name, value in zip(header, values, strict=True)
    )
