"""Mistakes planted into a copy of the reader: the corpus, or the thousand mutated files, must notice each."""

from pathlib import Path

import pytest

from tests.chaos.defects import Defect, run_tests

ROOT = Path(__file__).parents[2]
ROOMS = ("belo", "lambdas", "listing_files", "markets", "pricing", "stream_producer", "terminal", "training", "tests")
CELLS, COLUMNS, LISTINGS = (f"listing_files/{name}.py" for name in ("cells", "columns", "listings"))
FORMATS = "listing_files/formats"
TESTS = ("tests/listing_files/test_corpus.py", "tests/listing_files/test_mutations.py")
DEFECTS = [
    Defect(
        "take a lone mark for a decimal mark", CELLS, "    grouped = len(fraction) == 3 and", "    grouped = False and"
    ),
    Defect(
        "believe a lone mark among decimals",
        CELLS,
        "    if not sure and (not decimal.mark or (decimal.short and shown == decimal.mark)):",
        "    if not sure and not decimal.mark:",
    ),
    Defect(
        "let a column be read by one cell",
        CELLS,
        "            return DecimalStyle(mark, short=self.long < LONG * max(1, self.either[mark]))",
        "            return DecimalStyle(mark)",
    ),
    Defect(
        "let decimal points and commas stand side by side",
        CELLS,
        "            if few > MINORITY * (few + many):\n                return None\n",
        "",
    ),
    Defect("keep square feet", CELLS, "SQUARE_FOOT if named[", "1.0 if named["),
    Defect(
        "take the first of two columns",
        COLUMNS,
        "                self._refuse_both(field, best, others)\n",
        "                pass\n",
    ),
    Defect(
        "read all that is no UTF-8 as lost",
        f"{FORMATS}/opening.py",
        '        return "Windows-1252"\n',
        "        return _UTF_8\n",
    ),
    Defect(
        "believe an encoding that is said",
        f"{FORMATS}/opening.py",
        "        if valid and not broken:\n            raise",
        "        if False:\n            raise",
    ),
    Defect(
        "let a stray quote join rows",
        f"{FORMATS}/csv_rows.py",
        "        if lines.height > 1 and are_rows(",
        "        if False and are_rows(",
    ),
    Defect(
        "lose a row for an optional value",
        LISTINGS,
        "                if self._options.strict or name in self._required:",
        "                if True:",
    ),
    Defect(
        "leave out what could not be read without a word",
        LISTINGS,
        "        self.unread[unread.field] += 1\n",
        "        return\n",
    ),
    Defect(
        "take the same rules for a place as for an area",
        LISTINGS,
        "                if not bounded:\n",
        "                if True:\n",
    ),
]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_it_stands_once_where_it_is_planted(defect):
    assert (ROOT / defect.file).read_text().count(defect.old) == 1


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_mistake_is_noticed(defect):
    found = run_tests(defect, ROOMS, TESTS)
    assert found.returncode == 1, found.stdout[-2_000:]


@pytest.mark.slow
def test_without_a_mistake_nothing_is_noticed():
    first = DEFECTS[0]
    found = run_tests(Defect("none", first.file, first.old, first.old), ROOMS, TESTS)
    assert found.returncode == 0, found.stdout[-2_000:]
