"""The columns that a file of listings must have, where its format names them."""

from collections import Counter

from belo.errors import Failure

REQUIRED_COLUMNS = (("neighborhood",), ("area_m2", "square-foot"))  # each in one of its spellings


def require_columns(names: list[str], name: str) -> None:
    """Raise `Failure` where columns of the file `name` are missing or stand twice; blanks around them do not matter."""
    columns = [column.strip() for column in names]
    missing = [" or ".join(names) for names in REQUIRED_COLUMNS if not set(names) & set(columns)]
    if not columns:
        raise Failure(f"{name}: empty, expected a header with {' and '.join(missing)}")
    if missing:
        found = ", ".join(columns)
        found = found if len(found) <= 200 else f"{found[:200]}…"
        raise Failure(f"{name}: no column {', no column '.join(missing)}; found: {found}")
    if twice := [column for column, number in Counter(columns).items() if number > 1]:
        raise Failure(f"{name}: the column {', '.join(twice) or '(without a name)'} stands there more than once")
